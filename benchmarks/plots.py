"""Plots of figures that instruments kept with --json. Needs requirements/bench.txt.

python -m benchmarks latency --json figures.json
python -m benchmarks.plots figures.json docs/figures
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot

# instrument -> what stands below, what is drawn, what stands at the left
DRAWN = {
    "throughput": ("listeners", ("times one at a time",), "times the audio of one at a time"),
    "latency": ("listeners a second", ("first sound p50, ms", "p95", "p99"), "first sound, ms"),
    "soak": ("round", ("MB",), "resident memory, MB"),
    "judge": ("at once", ("TTFP p50, ms", "TTFP p99"), "time to the first packet, ms"),
}


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    figures, folder = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for title, kept in figures.items():
        if (name := title.partition(",")[0]) in DRAWN:
            draw(title, kept, DRAWN[name], folder / f"{'-'.join(title.replace(',', '').split())}.svg")
    return 0


def draw(title: str, kept: dict[str, Any], what: tuple[str, tuple[str, ...], str], file: Path) -> None:
    below, lines, left = what
    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for line in lines:
        points = [(row[below], row[line]) for row in kept["rows"] if row[line] is not None]
        axes.plot(*zip(*points, strict=True), marker="o", label=line)
    axes.set(xlabel=below, ylabel=left, ylim=(0, None))
    axes.set_title(f"{title}\n{kept['place']}", fontsize=8)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)
    print(file)


if __name__ == "__main__":
    sys.exit(main())
