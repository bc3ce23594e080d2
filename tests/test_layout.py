"""The product keeps the seven rules of tests/layout.py, and the checker sees each of them broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.imports import imports_of
from tests.layout import RULES, modules, offences, storey, within
from tests.torchless import left_out

ROOT = Path(__file__).parent.parent
WORDS = (
    "speech.addresses",
    "speech.allowed",
    "speech.language",
)  # of speech, what needs no more than pydantic
KEPT = {  # one file for each storey, and what it may import
    "gpu_manager.py": "import threading\n",
    "speech/__init__.py": "",
    "speech/errors.py": "import enum\n",
    "speech/hub/__init__.py": "",
    "speech/hub/files.py": "from speech.errors import Unavailable\n",
    "speech/text/messages.py": "",
    "speech/engines/__init__.py": "from speech.engines.base import Engine\n",
    "speech/engines/base.py": "from speech.errors import EngineFailed\n",
    "speech/engines/batch/engine.py": "from speech.engines.base import Engine\n",
    "speech/engines/kyutai/runner.py": "import torch\nfrom speech.engines.batch.engine import BatchedEngine\n",
    "speech/engines/hibari/engine.py": "from speech.engines import base\n",
    "speech/session.py": "from speech.engines.base import Utterance\n",
    "speech/metrics.py": "from speech.engines import ENGINES\n",
    "speech/service.py": "from speech import session\n",
    "web/routes/speech.py": "import flask\nfrom speech.service import SpeechService\n",
    "assistant/own.py": "from speech.service import SpeechService\n",
    "app.py": "import web.routes.speech\n",
    "cli/say.py": "from assistant.own import own_service\n",
    "kyutai_tts_service.py": "import app\nfrom cli import say\n",
}
BROKEN = [  # rule, file, import in the wrong place
    (1, "speech/session.py", "import flask"),
    (1, "speech/service.py", "from web.routes import speech"),
    (1, "speech/errors.py", "from app import create_app"),
    (2, "web/routes/speech.py", "from speech.engines.base import Engine"),
    (2, "web/routes/speech.py", "from speech import engines"),
    (2, "web/routes/speech.py", "import torch.nn as nn"),
    (3, "gpu_manager.py", "from speech.errors import Unavailable"),
    (4, "speech/engines/batch/engine.py", "import torch"),
    (4, "gpu_manager.py", "from moshi.models import loaders"),
    (4, "assistant/own.py", "import torch"),
    (5, "speech/engines/kyutai/runner.py", "from speech.engines.hibari.engine import HibariEngine"),
    (5, "speech/engines/kyutai/runner.py", "from ..hibari import engine"),
    (5, "speech/engines/batch/engine.py", "import speech.engines.kyutai.runner"),
    (6, "speech/hub/files.py", "from speech.engines import ENGINES"),
    (6, "speech/text/messages.py", "from importlib import import_module\nimport_module('speech.engines.base')"),
    (7, "web/routes/speech.py", "from app import create_app"),
    (7, "cli/say.py", "from app import main"),
    (7, "assistant/own.py", "from cli import say"),
    (7, "speech/metrics.py", "from speech.service import SpeechService"),
    (7, "speech/engines/kyutai/runner.py", "from speech.engines import ENGINES"),
    (7, "speech/errors.py", "from speech import hub"),
]
PLACES = {
    "at the top": "{line}",
    "lazily": "def late():\n    {line}",
    "for types": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    {line}",
}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A made-up product that keeps every rule."""
    for name, text in KEPT.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_house_that_keeps_the_rules_has_no_offences(house: Path) -> None:
    assert offences(house) == []


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("rule", "file", "line"), BROKEN)
def test_an_import_in_the_wrong_place_is_seen(house: Path, rule: int, file: str, line: str, place: str) -> None:
    with (house / file).open("a") as out:
        out.write(PLACES[place].format(line=line.replace("\n", "\n    " if place != "at the top" else "\n")) + "\n")
    assert rule in {offence.rule for offence in offences(house)}
    assert all(offence.module == file.removesuffix(".py").replace("/", ".") for offence in offences(house))


def test_each_rule_is_tried() -> None:
    assert {rule for rule, _, _ in BROKEN} == RULES.keys()


@pytest.mark.parametrize("rule", RULES)
def test_the_product_keeps_the_rules(rule: int) -> None:
    assert [offence for offence in offences(ROOT) if offence.rule == rule] == []


def test_every_module_has_its_storey() -> None:
    """A new module of speech gets a place in STOREYS of tests/layout.py."""
    assert [module for module, _ in modules(ROOT) if storey(module) is None and module != "speech"] == []


def test_tests_need_torch_only_where_the_models_are() -> None:
    folders = [ROOT / "tests/speech/engines" / name for name in ("kyutai", "pocket")]
    strays = [file for file in left_out([ROOT / "tests"]) if not any(file.is_relative_to(f) for f in folders)]
    assert strays == []


def test_the_app_starts_without_torch() -> None:
    check = "import sys, app; assert not {'torch', 'moshi', 'hibari', 'onnxruntime'} & set(sys.modules), sys.modules"
    subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=True)


def test_the_assistants_side_knows_no_engine_and_no_flask() -> None:
    """What it needs of speech it imports when it needs it, but for words alone and the file that holds the model."""
    for file in sorted((ROOT / "assistant").glob("*.py")):
        roots = {name.partition(".")[0] for name in imports_of(ROOT, file)}
        assert roots.isdisjoint({"flask", "werkzeug", "web"}), file
        at_once = {name for name in imports_of(ROOT, file, lazy=False) if not within(name, *WORDS)}
        heavy = {name for name in at_once if within(name, "gpu_manager", "numpy", "speech")}
        assert file.name in ("own.py", "server.py") or not heavy, file


def test_the_mcp_server_lists_its_tools_without_what_speaks() -> None:
    """assistant/own.py is imported when it is needed; of speech the others need the version and WORDS at first."""
    check = (
        "import sys, mcp_server, assistant.server, assistant.settings; "
        "loaded = {name for name in sys.modules if name.split('.')[0] in ('speech', 'torch', 'numpy', 'gpu_manager')}; "
        f"assert loaded == {{'speech', *{WORDS}}}, loaded"
    )
    subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=True)
