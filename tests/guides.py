"""What the guides say, taken apart for tests: marked blocks that run, and what the rest names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
GUIDES = sorted([*ROOT.glob("README*.md"), ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
RUN_ELSEWHERE = ("docs/streaming.md",)  # by the tests of what they are about
ADDRESSES = ("localhost:8900", "127.0.0.1:8900")

_MARKED = re.compile(r"^<!-- test: (\w+) -->\n+```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FENCED = re.compile(r"^\s*```(?P<kind>\w*)\n(?P<code>.*?)^\s*```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of a guide. number: its place among those of its guide, from 1."""

    guide: Path
    number: int
    kind: str  # what runs it, or the language of the fence
    code: str

    def __str__(self) -> str:
        return f"{name_of(self.guide)}-{self.number}"


def name_of(guide: Path) -> str:
    return guide.relative_to(ROOT).as_posix()


def marked_blocks(kinds: tuple[str, ...]) -> list[Block]:
    """The blocks after `<!-- test: KIND -->`, in the order in which a reader meets them."""
    return [
        Block(guide, number, kind, code)
        for guide in GUIDES
        if name_of(guide) not in RUN_ELSEWHERE
        for number, (kind, code) in enumerate(_MARKED.findall(guide.read_text()), 1)
        if kind in kinds
    ]


def shell_lines(guide: Path) -> list[str]:
    """The commands of all shell blocks, marked or not; lines that go on are joined."""
    blocks = [match["code"] for match in _FENCED.finditer(guide.read_text()) if match["kind"] in ("sh", "bash")]
    return [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def quoted(guide: Path) -> list[str]:
    """What stands in `back quotes` outside of fenced blocks."""
    return re.findall(r"`([^`\n]+)`", _FENCED.sub("", guide.read_text()))
