"""The words of the scenes: our own closed lists by language. To add a language, add a `Vocabulary`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """The event a poster announces: a title of one word from each list, a subtitle, and an icon."""

    subject: str
    firsts: tuple[str, ...]
    seconds: tuple[str, ...]
    subtitles: tuple[str, ...]
    icon: str


@dataclass(frozen=True, slots=True)
class Notice:
    """The text of a card that shows a notice."""

    subject: str
    titles: tuple[str, ...]
    bodies: tuple[tuple[str, str], ...]
    buttons: tuple[str, ...]
    icon: str


@dataclass(frozen=True, slots=True)
class Product:
    """The product of a label."""

    subject: str
    names: tuple[str, ...]
    flavours: tuple[str, ...]
    amounts: tuple[str, ...]
    icon: str


@dataclass(frozen=True, slots=True)
class Topic:
    """The topic of an infographic: a title, and captions with an icon each."""

    titles: tuple[str, ...]
    captions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All words of one language."""

    events: tuple[Event, ...]
    notices: tuple[Notice, ...]
    products: tuple[Product, ...]
    topics: tuple[Topic, ...]
    brands: tuple[str, ...]
    places: tuple[str, ...]
    months: tuple[str, ...]
    plans: tuple[str, ...]
    features: tuple[str, ...]
    names: tuple[str, ...]
    jobs: tuple[str, ...]


ENGLISH = Vocabulary(
    events=(
        Event(
            "music festival",
            ("Summer", "Midnight", "Golden", "Velvet", "Electric", "Harbor"),
            ("Jazz", "Blues", "Choir", "Strings", "Disco"),
            ("Open Air Concert", "Live on the Lawn", "Two Nights of Music"),
            "note",
        ),
        Event(
            "street market",
            ("Flower", "Harvest", "Vintage", "Winter", "Sunday"),
            ("Market", "Fair", "Bazaar"),
            ("Fresh Every Week", "Local and Handmade", "Bring Your Own Bag"),
            "flower",
        ),
        Event(
            "outdoor race",
            ("Mountain", "Forest", "Coastal", "Sunrise", "Northern"),
            ("Trail", "Run", "Hike", "Ride"),
            ("Ten Miles of Fun", "All Levels Welcome", "Breathe and Go"),
            "mountain",
        ),
        Event(
            "coffee tasting",
            ("Slow", "Morning", "Bold", "Quiet", "Urban"),
            ("Coffee", "Roast", "Brew"),
            ("Taste Twelve Beans", "Pour Over Workshop", "Free Cups All Day"),
            "cup",
        ),
        Event(
            "stargazing night",
            ("Silent", "Open", "Distant", "Endless", "Lunar"),
            ("Sky", "Stars", "Night", "Orbit"),
            ("A Night with Telescopes", "Look Up With Us", "Planets and Comets"),
            "moon",
        ),
        Event(
            "summer sale",
            ("Big", "Bright", "Happy", "Super"),
            ("Sale", "Deals", "Weekend"),
            ("Everything Half Price", "Three Days Only", "While Stocks Last"),
            "sun",
        ),
    ),
    notices=(
        Notice(
            "delivery notification",
            ("On its way", "Almost there", "Order packed"),
            (("Your parcel arrives", "today before noon."), ("The driver is only", "three stops away.")),
            ("Track order", "See map"),
            "house",
        ),
        Notice(
            "payment confirmation",
            ("All paid", "Thank you", "Payment done"),
            (("We sent the receipt", "to your inbox."), ("Your next invoice", "comes in March.")),
            ("Done", "View receipt"),
            "check",
        ),
        Notice(
            "weather alert",
            ("Rain soon", "Wet evening", "Take cover"),
            (("Take an umbrella if", "you leave after five."), ("Showers until late,", "clear by morning.")),
            ("Open radar", "Got it"),
            "drop",
        ),
        Notice(
            "reminder",
            ("Time to move", "Stand up", "Short break"),
            (("You have been sitting", "for fifty minutes."), ("Stretch, walk around", "and drink some water.")),
            ("Start timer", "Later"),
            "bell",
        ),
        Notice(
            "sleep report",
            ("Good night", "Well rested", "Sleep goal"),
            (("You slept for eight", "hours last night."), ("Three calm nights in", "a row. Keep going.")),
            ("See details", "Continue"),
            "moon",
        ),
    ),
    products=(
        Product(
            "honey jar",
            ("Wild Honey", "Acacia Honey"),
            ("Raw and Unfiltered", "From Mountain Bees"),
            ("250 g", "500 g"),
            "flower",
        ),
        Product(
            "tea tin",
            ("Green Tea", "Mint Tea", "Black Tea"),
            ("Whole Leaf", "Loose and Organic"),
            ("80 g", "100 g"),
            "leaf",
        ),
        Product(
            "olive oil bottle",
            ("Olive Oil", "Virgin Oil"),
            ("First Cold Press", "Single Estate"),
            ("500 ml", "750 ml"),
            "drop",
        ),
        Product(
            "coffee bag",
            ("Dark Roast", "House Blend"),
            ("Cocoa and Cherry", "Smooth and Nutty"),
            ("340 g", "1 kg"),
            "cup",
        ),
        Product(
            "soap bar",
            ("Rose Soap", "Sea Salt Soap"),
            ("Gentle on Skin", "Made by Hand"),
            ("90 g", "120 g"),
            "heart",
        ),
        Product(
            "chili sauce",
            ("Hot Sauce", "Fire Sauce"),
            ("Smoked Pepper", "Handle with Care"),
            ("150 ml", "200 ml"),
            "bolt",
        ),
    ),
    topics=(
        Topic(
            ("A Day in Numbers", "Healthy Habits", "Better Days"),
            (("Sleep", "moon"), ("Water", "drop"), ("Walking", "heart"), ("Reading", "star")),
        ),
        Topic(
            ("Clean Energy", "Power at Home", "Energy Today"),
            (("Solar", "sun"), ("Wind", "cloud"), ("Hydro", "drop"), ("Storage", "bolt")),
        ),
        Topic(
            ("City Survey", "Where We Live", "Green Cities"),
            (("Parks", "leaf"), ("Homes", "house"), ("Cafes", "cup"), ("Trails", "mountain")),
        ),
        Topic(
            ("Garden Report", "Season Review", "What We Grew"),
            (("Herbs", "leaf"), ("Flowers", "flower"), ("Rain", "drop"), ("Sun", "sun")),
        ),
    ),
    brands=(
        *("Alma", "Birch", "Corvo", "Fable", "Hearth", "Juno"),
        *("Linden", "Mosaic", "Nordal", "Orchard", "Solene", "Tilia"),
    ),
    places=("Riverside Park", "Old Town Hall", "Harbor Square", "City Garden", "The Glass House", "Union Station"),
    months=("May", "June", "July", "August", "September"),
    plans=("Starter", "Basic", "Studio", "Team", "Premium"),
    features=("Unlimited projects", "Email support", "Daily backups", "Two accounts", "Custom domain", "Offline mode"),
    names=("Maya", "Oscar", "Lena", "Felix", "Nora", "Hugo", "Ivy", "Samir", "Clara", "Theo", "June", "Dario"),
    jobs=("Illustrator", "Head Chef", "Gardener", "Engineer", "Musician", "Librarian", "Architect", "Florist"),
)

VOCABULARIES: dict[str, Vocabulary] = {"en": ENGLISH}
