from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import pytest
from pydantic import ValidationError

from evalkit.api.records import Box, Case
from evalkit.benchmarks.scenes.benchmark import ScenesBenchmark
from evalkit.benchmarks.scenes.case import recipe_of, scene_case
from evalkit.benchmarks.scenes.draw import draw, draw_ground
from evalkit.benchmarks.scenes.fonts import PAIRS, load
from evalkit.benchmarks.scenes.icons import ICONS, icon
from evalkit.benchmarks.scenes.palette import PALETTES, contrast
from evalkit.benchmarks.scenes.recipe import KINDS, LAYOUT, FaultSpec, SceneRecipe
from evalkit.benchmarks.scenes.render import compose, render
from evalkit.benchmarks.scenes.scene import Ground, Scene, Shape, TextBlock
from evalkit.benchmarks.scenes.truth import flat_regions, truth
from evalkit.benchmarks.scenes.words import VOCABULARIES
from evalkit.benchmarks.scenes.write_core import HEADER, core_cases
from evalkit.benchmarks.suite import CORE, write_suite
from evalkit.formats.keys import from_json, from_json_text, to_json
from tests.benchmarks.relations import holds

RECIPES = [SceneRecipe(kind, seed, size) for size in (128, 256, 512) for kind in KINDS for seed in range(20)]
BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def ink(pixels: np.ndarray, ground: np.ndarray) -> Box:
    ys, xs = np.nonzero((pixels != ground).any(axis=2))
    return Box(int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)


def alone(scene: Scene, item: TextBlock | Shape) -> Scene:
    """The item in black on white, with nothing around it."""
    if isinstance(item, TextBlock):
        item = dataclasses.replace(item, color=BLACK)
    else:
        item = dataclasses.replace(item, parts=tuple(dataclasses.replace(part, color=BLACK) for part in item.parts))
    return dataclasses.replace(scene, ground=Ground("solid", (WHITE,)), items=(item,))


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_bytes_and_another_seed_other_bytes(kind):
    first, again, other = (render(SceneRecipe(kind, seed, 256)).pixels for seed in (3, 3, 4))
    assert first.tobytes() == again.tobytes()
    assert first.shape == (256, 256, 3)
    assert first.dtype == np.uint8
    assert first.tobytes() != other.tobytes()


@pytest.mark.parametrize("size", [128, 197, 1024, 2048])
def test_any_size(size):
    for kind in KINDS:
        assert render(SceneRecipe(kind, 1, size)).pixels.shape == (size, size, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_boxes_are_those_of_the_ink(kind):
    scene = compose(SceneRecipe(kind, 5, 384))
    boxes = {item.id: item.box for item in draw(scene).items}
    for item in scene.items:
        drawn = draw(alone(scene, item))
        seen, told = ink(drawn.pixels, drawn.ground), boxes[item.id]
        edges = zip((seen.x0, seen.y0, seen.x1, seen.y1), (told.x0, told.y0, told.x1, told.y1), strict=True)
        # coverage below 1/255 of the contrast leaves no trace in 8 bits, hence one pixel of slack
        assert all(abs(one - other) <= 1 for one, other in edges), item.id


def test_character_boxes_are_those_of_each_letter():
    scene = compose(SceneRecipe("poster", 0, 512))
    block = scene.texts[0]
    whole = next(text for text in draw(scene).texts if text.id == block.id)
    assert "".join(char.char for char in whole.characters) == block.text.replace(" ", "")
    for position in (0, 2):
        line = block.lines[0]
        holed = dataclasses.replace(block, lines=(line[:position] + line[position + 1 :], *block.lines[1:]))
        assert len(draw(alone(scene, holed)).texts[0].characters) == len(whole.characters) - 1
    one = next(char for char in whole.characters)
    pixels = draw(alone(scene, block)).pixels
    area = pixels[int(one.box.y0) : int(one.box.y1), int(one.box.x0) : int(one.box.x1)]
    assert area.min() < 20, "the letter's box holds ink"
    assert (area[0] < 255).any() and (area[-1] < 255).any(), "and no empty edge"  # noqa: PT018


def test_characters_stand_in_reading_order_inside_their_string():
    for recipe in RECIPES:
        scene = compose(recipe)
        blocks = {block.id: block for block in scene.texts}
        for text in truth(scene, draw(scene)).texts:
            chars = iter(text.characters)
            for line in blocks[text.id].lines:
                row = list(itertools.islice(chars, len(line.replace(" ", ""))))
                centres = [(char.box.x0 + char.box.x1) / 2 for char in row]
                assert centres == sorted(centres), (recipe, text.text)
            for char in text.characters:
                assert char.box.intersection(text.box) == char.box.area > 0


def test_scenes_keep_their_word():
    """What the case declares is true of the picture: relations, margins, readable sizes, unique ids."""
    for recipe in RECIPES:
        scene = compose(recipe)
        known = truth(scene, draw(scene))
        boxes = {element.id: element.box for element in known.elements}
        assert len(boxes) == len(known.elements) == len(scene.items), recipe
        broken = [relation for relation in known.relations if not holds(relation, boxes)]
        assert not broken, recipe
        assert 1 <= len(known.texts) <= 9, recipe
        edge = 0.015 * recipe.size
        assert all(edge < t.box.x0 and t.box.x1 < recipe.size - edge for t in known.texts), recipe
        assert all(edge < t.box.y0 and t.box.y1 < recipe.size - edge for t in known.texts), recipe
        assert min(block.size for block in scene.texts) >= 12, recipe
        assert all(f'"{text.text}"' in scene.prompt for text in known.texts), recipe
        assert not {" a o", " a e", " a a", " a i"} & {scene.prompt[i : i + 4] for i in range(len(scene.prompt))}


def test_flat_regions_hold_nothing_but_ground():
    for recipe in RECIPES:
        scene = compose(recipe)
        drawing = draw(scene)
        regions = truth(scene, drawing).background.flat_regions
        assert regions, recipe
        for box in regions:
            rows, columns = slice(int(box.y0), int(box.y1)), slice(int(box.x0), int(box.x1))
            assert np.array_equal(drawing.pixels[rows, columns], drawing.ground[rows, columns]), recipe
        assert not any(one.intersection(other) for one, other in itertools.combinations(regions, 2))


def test_flat_regions_of_a_full_and_an_empty_picture():
    assert flat_regions(np.zeros((240, 240), bool)) == ()
    assert flat_regions(np.ones((240, 240), bool)) == (Box(1, 1, 239, 239),)


@pytest.mark.parametrize("direction", ["vertical", "horizontal", "diagonal"])
def test_gradients_run_from_one_colour_to_the_other(direction):
    start, end = (10, 200, 30), (210, 100, 40)
    pixels = draw_ground(Ground("gradient", (start, end), direction), 160).astype(int)
    assert tuple(pixels[0, 0]) == start
    assert tuple(pixels[-1, -1]) == end
    steps = [np.abs(np.diff(pixels, axis=axis)).max() for axis in (0, 1)]
    assert steps[0] == (0 if direction == "horizontal" else steps[0])
    assert steps[1] == (0 if direction == "vertical" else steps[1])
    assert 1 <= max(steps) <= 2, "smooth"


def test_a_case_survives_json():
    for kind in KINDS:
        case = scene_case(SceneRecipe(kind, 7, 256), f"a/{kind}")
        assert from_json_text(Case, json.dumps(to_json(case))) == case
        assert recipe_of(case) == SceneRecipe(kind, 7, 256)


def test_a_recipe_survives_json_with_its_faults():
    recipe = SceneRecipe("card", 1, 256, faults=(FaultSpec("grain", 3, {"rms": 2.0}),))
    assert from_json(SceneRecipe, json.loads(json.dumps(to_json(recipe)))) == recipe


@pytest.mark.parametrize("change", [{"kind": "sonnet"}, {"size": 64}, {"size": 4096}, {"layout": LAYOUT + 1}, {"x": 1}])
def test_a_bad_recipe_is_refused(change):
    with pytest.raises(ValidationError):
        from_json(SceneRecipe, {"kind": "card", "seed": 1, "size": 256, **change})


def benchmark(**settings) -> ScenesBenchmark:
    return ScenesBenchmark(ScenesBenchmark.Settings(**settings))


def test_the_benchmark_streams_and_can_be_split():
    endless = benchmark(count=10**9, size=128).cases()
    first = list(itertools.islice(endless, 7))
    assert len({case.id for case in first}) == 7
    assert {case.category for case in first} == set(KINDS)
    assert list(benchmark(count=3, start=4, size=128).cases()) == first[4:]
    assert [case.category for case in benchmark(count=2, kinds=("card",), size=128).cases()] == ["card", "card"]


def test_the_benchmark_digest_follows_its_settings():
    assert benchmark(seed=1).info() == benchmark(seed=1).info()
    assert benchmark(seed=1).info().digest != benchmark(seed=2).info().digest
    assert next(benchmark(seed=1).cases()).extra != next(benchmark(seed=2).cases()).extra


def test_the_shipped_suite_is_what_its_module_writes(tmp_path):
    write_suite(tmp_path, HEADER, core_cases())
    for name in ("suite.yaml", "cases.jsonl"):
        assert (tmp_path / name).read_bytes() == (CORE / name).read_bytes(), (
            f"{name} differs: run `python -m evalkit.benchmarks.scenes.write_core`; raise LAYOUT if the scenes changed"
        )


def test_the_shipped_suite_has_every_kind_on_both_grounds():
    seen = {(case.category, case.background.kind) for case in core_cases()}
    assert seen == set(itertools.product(KINDS, ("solid", "gradient")))


def test_colours_can_be_read():
    for palette in PALETTES:
        for text, under in (
            (palette.ink, palette.ground),
            (palette.ink, palette.ground_end),
            (palette.on_accent, palette.accent),
            (palette.on_surface, palette.surface),
        ):
            assert contrast(text.rgb, under.rgb) >= 4.5, (text.name, under.name)
    assert contrast(BLACK, WHITE) == pytest.approx(21.0)


@pytest.mark.parametrize("language", VOCABULARIES)
def test_every_face_has_every_letter(language):
    def strings(value):
        if isinstance(value, str):
            yield value
        elif dataclasses.is_dataclass(value):
            for field in dataclasses.fields(value):
                yield from strings(getattr(value, field.name))
        else:
            for item in value:
                yield from strings(item)

    letters = {c for text in strings(VOCABULARIES[language]) for c in text + text.upper()} - {" "}
    for face in {face for pair in PAIRS[language] for face in (pair.display, pair.body, pair.strong)}:
        missing = bytes(load(face, 40).getmask("\U0010fffd"))
        tofu = [c for c in sorted(letters | set("0123456789$%,")) if bytes(load(face, 40).getmask(c)) == missing]
        assert not tofu, (face, tofu)


def test_every_icon_fits_its_circle():
    for name in ICONS:
        shape = Shape("icon", "icon", icon(name, 100, 100, 60, BLACK, WHITE), BLACK)
        drawn = draw(Scene(200, Ground("solid", (WHITE,)), (shape,), (), "", ()))
        box = drawn.items[0].box
        assert min(box.x0, box.y0) >= 100 - 72, name
        assert max(box.x1, box.y1) <= 100 + 72, name
        assert max(box.width, box.height) >= 80, name
