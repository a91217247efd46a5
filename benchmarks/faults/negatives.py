"""Clean pictures other than scenes that must raise no alarm: gradients, wanted grain, photos, text on photos."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from evalkit.api.ability import Specimen
from evalkit.api.pictures import Pixels
from evalkit.api.records import RGB, Background, Box, Case, TextTarget
from evalkit.benchmarks.faults.grain import grain
from evalkit.benchmarks.scenes.draw import draw_ground
from evalkit.benchmarks.scenes.fonts import Face, load
from evalkit.benchmarks.scenes.scene import Ground

DIRECTIONS = ("vertical", "horizontal", "diagonal")
WANTED = ("shot on 35 mm film with visible grain", "printed on rough recycled paper", "a risograph print with grain")
LINES = ("Autumn in the Valley", "OPEN GARDEN DAY", "A Walk to the Lake", "MORNING LIGHT", "Notes from the Coast")
FACES = (Face("inter", 650), Face("poppins", 600), Face("lora", 650), Face("oswald", 600))


def gradients(count: int, size: int, seed: int) -> Iterator[Specimen]:
    """Linear gradients between two soft colours, rounded to 8 bits. The case declares them."""
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        start = rng.integers(30, 226, 3)
        colors = (_rgb(start), _rgb(np.clip(start + rng.integers(-60, 61, 3), 0, 255)))
        direction = DIRECTIONS[number % len(DIRECTIONS)]
        ground = Background("gradient", colors, (Box(0, 0, size, size),))
        case = Case(f"gradient/{number}", f"a plain {direction} gradient", width=size, height=size, background=ground)
        yield Specimen(case, draw_ground(Ground("gradient", colors, direction), size), "gradients")


def wanted_grain(count: int, size: int, seed: int) -> Iterator[Specimen]:
    """Grounds with strong grain or paper texture that the prompt asks for."""
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        color = _rgb(rng.integers(60, 220, 3))
        flat = np.full((size, size, 3), color, np.uint8)
        made = grain(flat, np.ones((size, size), np.bool_), number, rms=float(rng.uniform(3, 9)), correlation_px=1.5)
        ground = Background("solid", (color,), (Box(0, 0, size, size),), texture_wanted=True)
        prompt = f"a plain backdrop, {WANTED[number % len(WANTED)]}"
        case = Case(f"wanted-grain/{number}", prompt, width=size, height=size, background=ground)
        yield Specimen(case, made.pixels, "wanted grain")


def photos(count: int, size: int, seed: int) -> Iterator[Specimen]:
    """Synthetic photos: blurred and sharp blobs over 1/f texture, with the noise of a sensor.

    The case declares no ground. The twin is the same scene with other sensor noise: an equally good picture.
    """
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        light = _photo(size, rng)
        case = Case(f"photo/{number}", "a photo of a garden, shallow depth of field", width=size, height=size)
        yield Specimen(case, _exposed(light, rng), "photos", twin=_exposed(light, rng))


def lettered_photos(count: int, size: int, seed: int) -> Iterator[Specimen]:
    """Photos like those of `photos`, with one line of text drawn cleanly across a calm part."""
    from PIL import Image, ImageDraw

    for number, plain in enumerate(photos(count, size, seed + 1)):
        rng = np.random.default_rng((seed, number, 1))
        text = LINES[number % len(LINES)]
        font = load(FACES[number % len(FACES)], round(size / 13))
        image, middle = Image.fromarray(plain.pixels), (size // 2, int(rng.uniform(0.2, 0.8) * size))
        pen = ImageDraw.Draw(image)
        box = pen.textbbox(middle, text, font=font, anchor="mm")
        band = image.crop((0, int(box[1]) - size // 32, size, int(box[3]) + size // 32))
        image.paste(band.point(lambda v: v // 4), (0, int(box[1]) - size // 32))
        pen.text(middle, text, font=font, fill=(248, 244, 236), anchor="mm")
        target = TextTarget(text, Box(*box), "title")
        case = Case(f"lettered/{number}", f'a photo titled "{text}"', width=size, height=size, texts=(target,))
        yield Specimen(case, np.asarray(image), "photos with text")


def _photo(size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    from scipy.ndimage import gaussian_filter

    layers = []
    for _ in range(3):
        spectrum = np.fft.rfft2(rng.standard_normal((size, size)))
        frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
        texture = np.fft.irfft2(spectrum / np.maximum(frequency, 1 / size) ** 1.2, s=(size, size))
        layers.append(texture / texture.std())
    shared = layers[0]
    picture = np.stack([0.8 * shared + 0.35 * layer for layer in layers], axis=-1) * 28 + rng.uniform(90, 150, 3)
    ys, xs = np.mgrid[0:size, 0:size]
    for _ in range(6):
        middle, radius = rng.uniform(0, size, 2), rng.uniform(0.06, 0.2) * size
        blob = (np.hypot(ys - middle[0], xs - middle[1]) < radius).astype(np.float64)
        blob = gaussian_filter(blob, rng.choice([0.8, 3.0, 10.0]))[..., None]
        picture = picture * (1 - blob) + (rng.uniform(20, 235, 3) + 0.3 * (picture - 120)) * blob
    return picture


def _exposed(light: NDArray[np.float64], rng: np.random.Generator) -> Pixels:
    noise = rng.standard_normal(light.shape) * 1.2
    return np.clip(np.rint(light + noise), 0, 255).astype(np.uint8)


def _rgb(values: NDArray[np.integer]) -> RGB:
    return int(values[0]), int(values[1]), int(values[2])
