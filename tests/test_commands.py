"""Every command that a guide shows is run by a test, or has a row that says why not."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest

from tests.commands import BY_TESTS, IN_A_CLONE, NOT_RUN, PYTHON_NOT_RUN, rows_for
from tests.guides import GUIDES, ROOT, Block, commands_of, name_of, unmarked_blocks
from tests.test_guides import functions_of

KINDS = ("sh", "bash", "python", "html", "json", "text", "yaml", "")


def unmarked_commands(guide: Path) -> list[str]:
    blocks = [block for block in unmarked_blocks(guide) if block.kind in ("sh", "bash")]
    return [command for block in blocks for command in commands_of(block.code)]


@pytest.mark.parametrize("guide", GUIDES, ids=name_of)
def test_every_command_is_run_or_says_why_not(guide: Path) -> None:
    found = {command: rows_for(command) for command in unmarked_commands(guide)}
    assert {command: rows for command, rows in found.items() if len(rows) != 1} == {}, (
        "put <!-- test: sh --> before the block, or a row into tests/commands.py"
    )


@pytest.mark.parametrize("guide", GUIDES, ids=name_of)
def test_every_other_block_is_run_or_is_no_command(guide: Path) -> None:
    blocks = unmarked_blocks(guide)
    assert [block.kind for block in blocks if block.kind not in KINDS or block.kind == "html"] == []
    code = [block.code.partition("\n")[0] for block in blocks if block.kind == "python"]
    assert [line for line in code if line not in PYTHON_NOT_RUN] == []
    for block in blocks:
        assert block.kind != "json" or json.loads(block.code), block


def test_no_row_is_left_over() -> None:
    shown = {command for guide in GUIDES for command in unmarked_commands(guide)}
    used = {row for command in shown for row in rows_for(command)}
    assert [row for row in (*IN_A_CLONE, *BY_TESTS, *NOT_RUN) if row not in used] == []
    first = {block.code.partition("\n")[0] for guide in GUIDES for block in unmarked_blocks(guide)}
    assert set(PYTHON_NOT_RUN) <= first


@pytest.mark.parametrize("proof", sorted(set(BY_TESTS.values())))
def test_what_is_said_to_run_them_exists(proof: str) -> None:
    name, _, function = proof.partition("::")
    assert function in functions_of(ROOT / name)


def test_a_command_without_a_row_is_seen() -> None:
    assert rows_for("./start.sh --port 8999") == []
    assert rows_for("docker compose destroy") == []


def test_blocks_are_told_apart(tmp_path: Path) -> None:
    guide = tmp_path / "guide.md"
    guide.write_text(
        "<!-- test: sh -->\n```sh\nmarked\n```\n\n<!-- a note -->\n```sh\none  # why\n# two\nthree \\\n  four\n```\n"
    )
    (block,) = unmarked_blocks(guide)
    assert block == Block(guide, 2, "sh", "one  # why\n# two\nthree \\\n  four\n")
    assert commands_of(block.code) == ["one", "three four"]


@pytest.mark.parametrize("engine", ["hibari", "kyutai", "pocket"])
def test_prefetching_has_the_options_that_are_shown(engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [command for guide in GUIDES for command in unmarked_commands(guide) if f"{engine}.prefetch" in command]
    shown = {option for line in lines for option in re.findall(r"\s(--[\w-]+)", line.partition("prefetch")[2])}
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(f"speech.engines.{engine}.prefetch").main(["--help"])
    assert ended.value.code == 0
    assert lines
    assert sorted(shown - set(re.findall(r"--[\w-]+", capsys.readouterr().out))) == []
