"""Measures what the grain judge finds, and its false alarms, on scenes that were not used for tuning.

    python -m tests.bench.grain [--scenes 40] [--speed-only]

Sizes are multiples of the visibility threshold of `evalkit.judges.grain.measure` (0.12 L* of visible noise). For each
correlation length, the RMS that just reaches the threshold is measured on a plain grey ground.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.pictures import Picture, Pixels, read_file
from evalkit.api.records import Background, Case, Verdict
from evalkit.benchmarks.faults.fault import Fault
from evalkit.benchmarks.faults.inject import inject
from evalkit.benchmarks.scenes.case import scene_case
from evalkit.benchmarks.scenes.recipe import KINDS, FaultSpec, SceneRecipe
from evalkit.judges.grain.colour import view
from evalkit.judges.grain.judge import NOISE, GrainJudge
from evalkit.judges.grain.mask import connected
from evalkit.judges.grain.measure import VISIBLE, visible_noise

FIRST_SEED = 5_000_000
SIDE = 512
SIZES = (0.5, 0.71, 1.0, 1.4, 2.0, 4.0, 8.0, 16.0)
CORRELATIONS = (0.0, 1.0, 2.0, 4.0)
PATCH = 0.4
REAL = Path(__file__).resolve().parents[3] / "shared" / "real-text" / "images"
KIND_FAULTS = {
    "grain": {"rms": 2.0, "correlation_px": 2.0},
    "grid": {"rms": 2.0, "period_px": 16.0},
    "banding": {"step": 4.0, "width_px": 28.0},
    "mottle": {"rms": 4.0, "blotch_px": 24.0},
    "colour-cast": {"delta_e": 5.0},
}
JUDGE = GrainJudge()


class Graded(NamedTuple):
    """One scene with grain: its size in visibility thresholds, its RMS in L*, the judge's figure, and the box's IoU."""

    scene: int
    size: float
    rms: float
    score: float
    iou: float | None


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=40, help="held-out scenes per measurement")
    parser.add_argument("--speed-only", action="store_true")
    options = parser.parse_args(arguments)
    speed()
    if not options.speed_only:
        detection(options.scenes)
        told_apart(options.scenes // 2)
        false_alarms(options.scenes)


def detection(scenes: int) -> None:
    """AUC at the threshold, rank correlation of size and score, and the boxes of patches."""
    unit = {correlation: threshold_rms(correlation) for correlation in CORRELATIONS}
    print("RMS at the threshold, code values:", ", ".join(f"{c:g} px {rms:.2f}" for c, rms in unit.items()))
    for patch in (PATCH, 0.0):
        clean: list[float] = []
        graded: list[Graded] = []
        for number, recipe in enumerate(recipes(scenes)):
            correlation = CORRELATIONS[number % len(CORRELATIONS)]
            case = scene_case(recipe, "bench/grain")
            plain = judged(inject(recipe).pixels, case)
            if not scored(plain):
                continue
            clean.append(value(plain))
            for size in SIZES:
                strength = {"rms": size * unit[correlation], "correlation_px": correlation, "patch": patch}
                made = inject(replace(recipe, faults=(FaultSpec("grain", number, strength),)))
                if made.faults:
                    graded.append(_graded(number, size, made.pixels, case, made.faults[0]))
        _print_detection("everywhere" if patch == 0 else f"patch of {patch:g} of the side", clean, graded)


def _graded(scene: int, size: float, pixels: Pixels, case: Case, fault: Fault) -> Graded:
    verdict = judged(pixels, case)
    found = [finding for finding in verdict.findings if finding.kind == "grain"]
    largest = max(found, key=lambda finding: finding.box.area, default=None)
    return Graded(
        scene,
        size,
        float(fault.detail["rms_lightness"]),
        value(verdict),
        None if largest is None else largest.box.iou(fault.box),
    )


def _print_detection(where: str, clean: list[float], graded: list[Graded]) -> None:
    from scipy.stats import spearmanr

    alike = [[g for g in graded if g.scene % len(CORRELATIONS) == n] for n in range(len(CORRELATIONS))]
    pooled = [float(spearmanr([g.rms for g in some], [g.score for g in some])[0]) for some in alike]
    by_scene = [[g for g in graded if g.scene == scene] for scene in sorted({g.scene for g in graded})]
    ranks = [float(spearmanr([g.rms for g in one], [g.score for g in one])[0]) for one in by_scene if len(one) > 2]
    print(f"grain, {where}: {len(by_scene)} scenes, Spearman(size, score) {np.mean(ranks):.4f} within a scene")
    print(f"    (least {min(ranks):.3f}), {', '.join(f'{p:.3f}' for p in pooled)} over all scenes of a correlation")
    for size in SIZES:
        some = [g for g in graded if g.size == size]
        ious = [g.iou for g in some if g.iou is not None]
        area = auc(clean, [g.score for g in some])
        boxes = f"box IoU mean {np.mean(ious):.2f}, median {np.median(ious):.2f}" if ious else "no box"
        print(f"    {size:5.2f} x just visible: AUC {area:.3f}, found {len(ious) / len(some):.0%}, {boxes}")


def told_apart(scenes: int) -> None:
    """Which kinds are found if one kind is injected, everywhere and in a patch."""
    for patch in (0.0, 0.45):
        print(f"told apart, {'everywhere' if patch == 0 else f'patch of {patch:g}'}: most severe finding, box IoU")
        for kind, strength in KIND_FAULTS.items():
            if kind == "banding" and patch:
                continue
            seen: Counter[str] = Counter()
            ious: list[float] = []
            for number, recipe in enumerate(recipes(scenes)):
                spec = FaultSpec(kind, number, {**strength, "patch": patch} if patch else strength)
                made = inject(replace(recipe, faults=(spec,)))
                verdict = judged(made.pixels, scene_case(recipe, "bench/grain"))
                if not made.faults or not scored(verdict):
                    continue
                worst = max(verdict.findings, key=lambda finding: finding.severity, default=None)
                seen[worst.kind if worst else "nothing"] += 1
                own = [f for f in verdict.findings if f.kind == kind.removeprefix("colour-")]
                ious += [max(f.box.iou(made.faults[0].box) for f in own)] if own else []
            print(f"    {kind:12s} {dict(seen.most_common())}, IoU {np.mean(ious) if ious else float('nan'):.2f}")


def false_alarms(scenes: int) -> None:
    """Count the alarms on pictures without a defect."""
    sources: dict[str, Callable[[], Iterator[tuple[Pixels | Picture, Case, Pixels | Picture | None]]]] = {
        "clean scenes": lambda: ((inject(r).pixels, scene_case(r, "x"), None) for r in recipes(3 * scenes)),
        "clean scenes beside a twin": lambda: (
            (inject(r).pixels, scene_case(r, "x"), inject(r).pixels) for r in recipes(scenes)
        ),
        "gradients": lambda: ((p, c, None) for p, c in gradients(3 * scenes)),
        "photos": lambda: ((photo(n), Case("x", "a photo", width=SIDE, height=SIDE), None) for n in range(scenes)),
        "photos beside a twin": lambda: (
            (photo(n), Case("x", "a photo", width=SIDE, height=SIDE), photo(n, grain_seed=1)) for n in range(scenes)
        ),
        "photos in scenes": lambda: ((*photo_in_scene(r, n), None) for n, r in enumerate(recipes(scenes))),
        "asked-for grain": lambda: ((*asked_for(r, n), None) for n, r in enumerate(recipes(scenes))),
        "real pictures": lambda: real_pictures(),
    }
    print("false alarms:")
    for name, source in sources.items():
        alarms, abstained, total, kinds = 0, 0, 0, Counter[str]()
        for pixels, case, twin in source():
            verdict = judged(pixels, case, twin)
            total += 1
            abstained += not any(score.value is not None for score in verdict.scores)
            alarms += bool(verdict.findings)
            kinds.update(finding.kind for finding in verdict.findings)
        said = f"{alarms} of {total} ({alarms / total:.1%})" if total else "no pictures"
        print(f"    {name:27s} {said}, abstained on {abstained} {dict(kinds) or ''}")


def speed() -> None:
    """Seconds on one core, compared with a Gaussian of sigma 24 px over the three channels of the same picture."""
    from scipy.ndimage import gaussian_filter

    for side in (128, 512, 1024, 2048):
        case = Case("x", "x", width=side, height=side, background=Background("solid", ((200, 205, 212),)))
        noise = np.random.default_rng(0).normal(0, 2, (side, side, 1))
        for name, rms in (("flat", 0.0), ("grainy", 1.0)):
            pixels = np.clip(np.round(np.array((200.0, 205.0, 212.0)) + rms * noise), 0, 255).astype(np.uint8)
            one = Picture.from_pixels(pixels)
            plain = pixels.astype(np.float32)
            assert one.pixels.shape == pixels.shape  # decoded before the clock starts
            taken = best_of(lambda one=one, case=case: JUDGE.judge(one, case, None))
            with_twin = best_of(lambda one=one, case=case: JUDGE.judge(one, case, one))
            blur = best_of(lambda plain=plain: gaussian_filter(plain, (24, 24, 0)))
            print(
                f"grain {side:4d} px {name:6s}: {taken:.3f} s, with a twin {with_twin:.3f} s;"
                f" {taken / blur:.2f} times a Gaussian filter of the picture ({blur:.3f} s)"
            )


def best_of(work: Callable[[], object], times: int = 3) -> float:
    seconds = []
    for _ in range(times):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return min(seconds)


def threshold_rms(correlation: float) -> float:
    """The RMS in code values whose visible noise is just visible on a grey ground."""
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(1).standard_normal((SIDE, SIDE))
    noise = gaussian_filter(noise, correlation / 2, mode="wrap") if correlation else noise
    strong = 8.0 * noise / noise.std()
    pixels = np.clip(np.round(128 + strong[..., None].repeat(3, 2)), 0, 255).astype(np.uint8)
    local = visible_noise(view(pixels), connected(np.ones((SIDE, SIDE), dtype=np.bool_))).local
    return 8.0 * VISIBLE / float(np.median(local))


def recipes(count: int) -> Iterator[SceneRecipe]:
    return (SceneRecipe(KINDS[n % len(KINDS)], FIRST_SEED + n, SIDE) for n in range(count))


def judged(picture: Pixels | Picture, case: Case, twin: Pixels | Picture | None = None) -> Verdict:
    return JUDGE.judge(_picture(picture), case, None if twin is None else _picture(twin))


def _picture(picture: Pixels | Picture) -> Picture:
    return picture if isinstance(picture, Picture) else Picture.from_pixels(picture)


def scored(verdict: Verdict) -> bool:
    score = verdict.score(NOISE)
    return score is not None and score.value is not None


def value(verdict: Verdict) -> float:
    score = verdict.score(NOISE)
    assert score is not None
    assert score.value is not None
    return score.value


def auc(clean: Sequence[float], faulty: Sequence[float]) -> float:
    """Probability that a faulty picture scores above a clean one; ties count half."""
    one, other = np.asarray(faulty)[:, None], np.asarray(clean)[None]
    return float((one > other).mean() + 0.5 * (one == other).mean())


def gradients(count: int) -> Iterator[tuple[Pixels, Case]]:
    """Linear and radial gradients between random colours, at four sizes."""
    rng = np.random.default_rng(FIRST_SEED)
    for number in range(count):
        side = (128, 256, 512, 1024)[number % 4]
        start = rng.integers(10, 246, 3)
        end = np.clip(start + rng.integers(-90, 91, 3), 0, 255)
        y, x = np.mgrid[:side, :side] / side
        angle = rng.uniform(0, 2 * np.pi)
        along = np.hypot(x - 0.5, y - 0.5) if number % 3 == 2 else x * np.cos(angle) + y * np.sin(angle)
        along = (along - along.min()) / (along.max() - along.min())
        pixels = np.round(start + (end - start) * along[..., None]).astype(np.uint8)
        colours = (tuple(start.tolist()), tuple(end.tolist()))
        yield pixels, Case("x", "x", width=side, height=side, background=Background("gradient", colours))


def photo(number: int, grain_seed: int = 0) -> Pixels:
    """Something like a photo: soft clouds of colour at all scales, a few blurred shapes, a sky, sensor noise."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(FIRST_SEED + number)
    plane: NDArray[np.float64] = np.zeros((SIDE, SIDE, 3))
    for sigma in (64, 24, 9, 3):
        layer = gaussian_filter(rng.standard_normal((SIDE, SIDE, 3)), (sigma, sigma, 0), mode="wrap")
        plane += layer / layer.std() * rng.uniform(0.1, 1.0) * np.sqrt(sigma) * 4
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    for _ in range(6):
        cx, cy, radius = rng.uniform(0, 1, 3)
        shape = (np.hypot(x - cx, y - cy) < 0.3 * radius).astype(float)
        plane += gaussian_filter(shape, rng.uniform(1, 6))[..., None] * rng.uniform(-80, 80, 3)
    sky = np.clip(1 - 2.5 * y, 0, 1)[..., None]
    plane = plane * (1 - sky) + sky * (rng.uniform(-20, 60, 3) + 30 * y[..., None])
    plane += np.random.default_rng(grain_seed).normal(0, rng.uniform(0.5, 3), plane.shape)
    return np.clip(np.round(plane + 128), 0, 255).astype(np.uint8)


def photo_in_scene(recipe: SceneRecipe, number: int) -> tuple[Pixels, Case]:
    """A scene with a photo in the largest of its elements."""
    case = scene_case(recipe, "x")
    pixels = inject(recipe).pixels.copy()
    box = max((element.box for element in case.elements), key=lambda b: b.area)
    part = np.s_[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)]
    pixels[part] = photo(number)[part]
    return pixels, case


def asked_for(recipe: SceneRecipe, number: int) -> tuple[Pixels, Case]:
    """A scene with film grain, and a prompt that asks for it."""
    made = inject(replace(recipe, faults=(FaultSpec("grain", number, {"rms": 6.0, "correlation_px": 2.0}),)))
    case = scene_case(recipe, "x")
    return made.pixels, replace(case, background=replace(case.background, texture_wanted=True))


def real_pictures() -> Iterator[tuple[Picture, Case, Picture | None]]:
    """Real generated pictures, if they are available. Nothing is declared of them, and each is its own twin."""
    for path in sorted(REAL.glob("*")) if REAL.is_dir() else ():
        one = Picture("", read_file(path))
        height, width = one.pixels.shape[:2]
        yield one, Case("x", "x", width=width, height=height), one


if __name__ == "__main__":
    main(sys.argv[1:])
