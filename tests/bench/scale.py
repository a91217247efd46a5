"""Compares the time and memory of runs of 1,000 and 10,000 cases, and of a cached run.

Scenes of 128 px are drawn once into a folder; then `folder` and the grain judge run over the first 1,000 and over all.
Prints seconds, peak memory and their ratios.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from evalkit.api.pictures import encode_png
from evalkit.api.records import Request
from evalkit.benchmarks.scenes.benchmark import ScenesBenchmark
from evalkit.benchmarks.scenes.generator import SceneGenerator

SMALL, LARGE = 1_000, 10_000


class Cost(NamedTuple):
    seconds: float
    peak_mb: float
    """Highest resident memory of the run and its judge's process, added up."""


def draw(folder: Path, count: int) -> None:
    """Draw the pictures of the suite into a folder, as if they came from elsewhere."""
    benchmark = ScenesBenchmark(ScenesBenchmark.Settings(count=count, size=128))
    generator = SceneGenerator(SceneGenerator.Settings())
    for case in benchmark.cases():
        (drawn,) = generator.generate([Request(case, 0, 0)])
        data = drawn.image if isinstance(drawn.image, bytes) else encode_png(drawn.image)
        (folder / f"{case.id.replace('/', '-')}.png").write_bytes(data)


def run(folder: Path, count: int, out: Path, cache: Path) -> Cost:
    """One run in a process of its own."""
    command = [sys.executable, "-m", "evalkit", "run", "--benchmark", f"scenes:count={count},size=128"]
    command += ["--student", f"folder:{folder}", "--judge", "grain", "--out", str(out), "--cache", str(cache)]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    peaks: dict[int, int] = {}
    while process.poll() is None:
        peaks |= peak_kb(process.pid)
        time.sleep(0.05)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed")
    return Cost(time.perf_counter() - started, sum(peaks.values()) / 1024)


def peak_kb(session: int) -> dict[int, int]:
    """Process id -> highest resident memory so far (VmHWM), of every process of a session."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            pid = int(status.parent.name)
            if os.getsid(pid) == session:
                lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
                found[pid] = int(lines["VmHWM"].split()[0])
        except (OSError, KeyError, ValueError):
            continue
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "pictures").mkdir()
        started = time.perf_counter()
        draw(work / "pictures", LARGE)
        drawing = time.perf_counter() - started
        small = run(work / "pictures", SMALL, work / "small", work / "cache-small")
        large = run(work / "pictures", LARGE, work / "large", work / "cache")
        again = run(work / "pictures", LARGE, work / "large", work / "cache")
        cached = run(work / "pictures", LARGE, work / "other", work / "cache")
        index = work / "large" / "report" / "index.html"
        figures = {
            "drawing_s": round(drawing, 1),
            "cases_1000": [round(v, 1) for v in small],
            "cases_10000": [round(v, 1) for v in large],
            "same_folder_again": [round(v, 1) for v in again],
            "from_cache": [round(v, 1) for v in cached],
            "time_ratio_10x": round(large.seconds / small.seconds, 2),
            "memory_ratio_10x": round(large.peak_mb / small.peak_mb, 3),
            "cached_over_first": round(cached.seconds / large.seconds, 3),
            "index_html_kb": index.stat().st_size // 1024,
        }
        print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
