"""Plots of figures that instruments kept with --json. Needs requirements/bench.txt.

python -m benchmarks latency --json figures.json
python -m benchmarks.plots figures.json docs/figures
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot

# Text stays text: a third of the size, and it can be searched. The same figures give the same file.
mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "benchmarks", "font.sans-serif": ["DejaVu Sans", "Arial"]})
HEADROOM = 1.08  # of the axis above the highest point


class Drawn(NamedTuple):
    """What is drawn of an instrument's rows."""

    below: str  # the column of the x axis
    lines: tuple[str, ...]
    left: str  # what stands at the y axis
    doubles: bool = True  # each x is about twice the one before


DRAWN = {
    "throughput": Drawn("listeners", ("times one at a time",), "times the audio of one at a time"),
    "latency": Drawn("listeners a second", ("first sound p50, ms", "p95", "p99"), "first sound, ms"),
    "soak": Drawn("round", ("MB",), "resident memory, MB", doubles=False),
    "judge": Drawn("at once", ("TTFP p50, ms", "TTFP p99"), "time to the first packet, ms"),
}


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    figures, folder = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for title, kept in figures.items():
        instrument, *of_what = title.split(", ")
        if instrument in DRAWN:
            draw(title, kept, DRAWN[instrument], folder / f"{'-'.join([instrument, *of_what[:1]])}.svg")
    return 0


def draw(title: str, kept: dict[str, Any], drawn: Drawn, file: Path) -> None:
    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for line in drawn.lines:
        points = [(row[drawn.below], row[line]) for row in kept["rows"] if row[line] is not None]
        axes.plot(*zip(*points, strict=True), marker="o", label=line)
    if drawn.doubles:
        axes.set_xscale("log", base=2)
    axes.set_xticks(places := [row[drawn.below] for row in kept["rows"]], [f"{place:g}" for place in places])
    highest = max(row[line] or 0 for row in kept["rows"] for line in drawn.lines)
    axes.set(xlabel=drawn.below, ylabel=drawn.left, ylim=(0, HEADROOM * highest))
    axes.set_title("\n".join([title, *wrap(kept["place"], 100)]), fontsize=8)
    axes.grid(alpha=0.3)
    if len(drawn.lines) > 1:
        axes.legend()
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)
    print(file)


if __name__ == "__main__":
    sys.exit(main())
