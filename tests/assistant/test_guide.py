"""docs/MCP_GUIDE.md, its English twin and mcp_config.json keep up with the code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assistant.files import FORMATS
from assistant.settings import PREFIX, AssistantSettings
from tests.assistant.pipe import SERVER, environment
from tests.live_server import ROOT

GUIDES = [(ROOT / "docs" / name).read_text() for name in ("MCP_GUIDE.md", "MCP_GUIDE.en.md")]
SAMPLE = (ROOT / "mcp_config.json").read_text()
PLACE = "/absolute/path/to/kyutai-tts"

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a test", "version": "1"}},
}


def servers() -> list[dict[str, Any]]:
    """Every server that a configuration in the guide, or the sample file, would start."""
    blocks = [json.loads(block) for block in configurations(GUIDES[0])]
    tables = [block.get("mcpServers") for block in [*blocks, json.loads(SAMPLE)]]
    return [table["kyutai-tts"] for table in tables if table]


def configurations(guide: str) -> list[str]:
    return re.findall(r"```json\n(.*?)```", guide, re.DOTALL)


def test_both_languages_show_the_same_commands_and_configurations() -> None:
    ours, twins = (re.sub("口令", "TOKEN", guide) for guide in GUIDES)
    assert configurations(ours) == configurations(twins)
    assert commands(ours) == commands(twins)


def commands(guide: str) -> list[str]:
    blocks: list[str] = re.findall(r"```bash\n(.*?)```", guide, re.DOTALL)
    return [re.sub(r"\s+# .*", "", block) for block in blocks]


@pytest.mark.parametrize("guide", GUIDES, ids=["zh", "en"])
def test_every_setting_is_explained_and_nothing_else(guide: str) -> None:
    explained = set(re.findall(r"^\| `(KYUTAI_TTS_\w+)`", guide, re.MULTILINE))
    assert explained == {PREFIX + name.upper() for name in AssistantSettings.model_fields}
    assert set(re.findall(PREFIX + r"[A-Z_]+", guide + SAMPLE)) <= explained


@pytest.mark.parametrize("guide", GUIDES, ids=["zh", "en"])
def test_every_format_is_named(guide: str) -> None:
    assert all(f"`.{ending}`" in guide for ending in FORMATS)


@pytest.mark.parametrize("server", servers(), ids=["guide", "sample"])
def test_the_configurations_start_a_server(server: dict[str, Any], tmp_path: Path) -> None:
    assert server["args"] == [f"{PLACE}/{SERVER.name}"]
    assert server["command"] == f"{PLACE}/.venv/bin/python"
    done = subprocess.run(
        [sys.executable, str(SERVER)],
        input=json.dumps(HELLO).encode() + b"\n",
        env=environment(tmp_path) | server["env"],
        capture_output=True,
        timeout=60,
    )
    assert json.loads(done.stdout)["result"]["serverInfo"]["name"] == "kyutai-tts"
    assert done.returncode == 0


def test_a_host_and_a_sample() -> None:
    assert len(servers()) == 2
