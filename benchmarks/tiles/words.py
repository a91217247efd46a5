"""The words of tile scenes: English words of 3 to 6 capitals, some of them held out, and random strings of letters.

Held-out words never occur in training data. Whether a model can spell them shows whether it has learnt to spell or has
only memorised a list.
"""

from __future__ import annotations

import random
import string

from evalkit.benchmarks.tiles.scene import MAX_LETTERS

_WORDS = (  # noqa: SIM905 (a list of 270 strings reads worse)
    "ART BAY BEE BOX CAB CAT CUP DAY DOG EGG FAN FIG FOX GEM HAT ICE INK JAM JAR KEY LAB MAP MOON NET NUT OAK OWL "
    "PAN PEN PIE RAY SEA SKY SUN TEA VAN WAX YAK ZOO BAND BARN BIRD BLUE BOAT BOOK CAFE CAKE CITY CLUB COAT CODE "
    "CORN DESK DOOR DUCK FARM FILM FIRE FISH FLAG FOOD FROG GAME GATE GIFT GOLD HARP HOME JAZZ JUMP KITE KIWI "
    "LAKE LAMP LEAF LIME LION LOFT LUCK MINT MILK MUSE NEST NEWS NOVA OPEN PARK PEAR PLUM POEM QUIZ RAIN RICE "
    "RING ROCK ROOF ROSE SALE SALT SHIP SHOP SNOW SOAP SOUP STAR SURF SWAN TAXI TENT TIME TREE TUNA VASE VINE "
    "WAVE WIND WOLF WOOD YOGA ZEBRA APPLE BEACH BERRY BLOOM BOARD BREAD BRICK CABIN CAMEL CANDY CHAIR CHESS CLOUD "
    "COAST CRANE DANCE DREAM EAGLE EARTH FLASH FLUTE FRESH FRUIT GHOST GLASS GRAPE GREEN HAPPY HEART HONEY HORSE "
    "HOTEL HOUSE IMAGE JUICE LEMON LIGHT LUNCH MAGIC MANGO MAPLE MODEL MOUSE MUSIC NIGHT OCEAN OLIVE OPERA PAINT "
    "PAPER PARTY PEACH PEARL PHOTO PIANO PIZZA PLANT PRESS QUEEN QUIET RADIO RIVER ROBOT SALAD SHARK SHEEP SMILE "
    "SPACE SPICE STONE STORM SUGAR SWEET TIGER TOAST TODAY TOWER TRAIN TULIP VIOLA WATER WHALE WHEAT WORLD YOUTH "
    "ANCHOR AUTUMN BAKERY BRANCH BRIDGE BRONZE CAMERA CANVAS CASTLE CHERRY CIRCLE CIRCUS COFFEE COPPER DESIGN "
    "DINNER DRAGON EUROPE FALCON FLOWER FOREST GALAXY GARDEN GUITAR HARBOR ISLAND JACKET JUNGLE KITTEN LAUNCH "
    "MARBLE MARKET MEADOW MIRROR MUSEUM NATURE ORANGE ORCHID PALACE PENCIL PEPPER PLANET POCKET POSTER RABBIT "
    "ROCKET SAILOR SALMON SCHOOL SHADOW SILVER SPRING SQUARE STREET STUDIO SUMMER SUNSET TEMPLE TICKET TOMATO "
    "TURTLE VALLEY VELVET VIOLET WALNUT WINTER WIZARD YELLOW"
).split()
HELD_OUT = tuple(_WORDS[3::5])
"""One word in five; these are kept out of every training set."""
TRAINED = tuple(word for word in _WORDS if word not in HELD_OUT)
LETTER_STRINGS = 0.2
"""Share of training words that are random letters, so that a model learns to spell instead of memorising a list."""


def training_word(rng: random.Random) -> str:
    """A word for training: from the list, or random letters; never one of `HELD_OUT`."""
    while True:
        if rng.random() >= LETTER_STRINGS:
            return rng.choice(TRAINED)
        word = "".join(rng.choice(string.ascii_uppercase) for _ in range(rng.randint(3, MAX_LETTERS)))
        if word not in HELD_OUT:
            return word


def held_out_word(rng: random.Random) -> str:
    """A word that no model was trained on."""
    return rng.choice(HELD_OUT)
