"""Counts words that make a sentence hard to read for someone whose second language is English.

python -m tests.prose           how many in each room
python -m tests.prose docs      the lines of one room
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
HARD = re.compile(
    r"\b(whoever|whomever|whatever|whichever|nobody|no one|anybody|anyone|somebody|everybody|lately|of late|"
    r"has it that|in vain|for want of|anyone's guess)\b(?![\"/-])",  # "nobody" in quotes is the name of a voice
    re.IGNORECASE,
)
ENDINGS = {".py", ".md", ".sh", ".js", ".css", ".html", ".yml", ".yaml", ".txt", ".toml", ".example"}
FOREIGN = {"node_modules", "swagger-ui"}
ROOMS = {
    "speech": ["speech"],
    "web": ["web"],
    "docs": ["docs"],
    "tests": ["tests"],
    "the rest": ["assistant", "benchmarks", "cli", "deploy", "requirements", "scripts", "."],
}


def files_of(room: str) -> Iterator[Path]:
    for folder in ROOMS[room]:
        found = (ROOT / folder).glob("*") if folder == "." else (ROOT / folder).rglob("*")
        for path in sorted(found):
            text = path.is_file() and (path.suffix in ENDINGS or path.name == "Dockerfile")
            if text and path.stem not in ("prose", "test_prose") and not FOREIGN & set(path.parts):
                yield path


def hard_lines(room: str) -> Iterator[tuple[Path, int, str]]:
    """Each line of the room, once for each hard word in it."""
    for path in files_of(room):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for _ in HARD.findall(line):
                yield path, number, line.strip()


def count(room: str) -> tuple[int, int]:
    """Hard words, and lines."""
    return len(list(hard_lines(room))), sum(len(path.read_text().splitlines()) for path in files_of(room))


if __name__ == "__main__":
    if room := " ".join(sys.argv[1:]):
        for file, line_number, text in hard_lines(room):
            print(f"{file.relative_to(ROOT)}:{line_number}: {text}")
    else:
        for name in ROOMS:
            hard, lines = count(name)
            print(f"{name:10} {hard:4} in {lines:6} lines: {1000 * hard / lines:5.1f} in a thousand")
