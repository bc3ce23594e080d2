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
_FENCED = re.compile(
    r"^(?P<mark><!-- (?:test|row): [^\n]+ -->\n+)?\s*```(?P<kind>\w*)\n(?P<code>.*?)^\s*```$", re.MULTILINE | re.DOTALL
)


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


def marked_blocks(kinds: tuple[str, ...], *, all_guides: bool = False) -> list[Block]:
    """The blocks after `<!-- test: KIND -->`, in the order in which a reader meets them."""
    return [
        Block(guide, number, kind, code)
        for guide in GUIDES
        if all_guides or name_of(guide) not in RUN_ELSEWHERE
        for number, (kind, code) in enumerate(_MARKED.findall(guide.read_text()), 1)
        if kind in kinds
    ]


def unmarked_blocks(guide: Path) -> list[Block]:
    """The blocks that no comment hands to a test."""
    found = enumerate(_FENCED.finditer(guide.read_text()), 1)
    return [Block(guide, number, match["kind"], match["code"]) for number, match in found if not match["mark"]]


def commands_of(code: str) -> list[str]:
    """The commands of a shell block without comments; lines that go on are joined."""
    lines = [line for line in re.sub(r"\s*\\\n\s*", " ", code).splitlines() if not line.lstrip().startswith("#")]
    return [command for line in lines if (command := re.sub(r"\s+# .*", "", line).strip())]


def shell_lines(guide: Path) -> list[str]:
    """The commands of all shell blocks, marked or not."""
    blocks = [match["code"] for match in _FENCED.finditer(guide.read_text()) if match["kind"] in ("sh", "bash")]
    return [command for block in blocks for command in commands_of(block)]


def quoted(guide: Path) -> list[str]:
    """What stands in `back quotes` outside of fenced blocks."""
    return re.findall(r"`([^`\n]+)`", _FENCED.sub("", guide.read_text()))
