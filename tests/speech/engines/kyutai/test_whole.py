"""Each file of a checkpoint that is emptied or cut off is named, before moshi or torch see it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from speech.engines.kyutai.weights import obtain
from speech.engines.kyutai.whole import check_whole
from speech.errors import EngineFailed
from speech.hub.files import make_hub
from speech.settings import Settings
from tests.speech.engines.kyutai.checkpoint import LM_FILE, MIMI_FILE, TOKENIZER_FILE

FILES = (LM_FILE, MIMI_FILE, TOKENIZER_FILE, "config.json", "mimi_config.json")
REAL = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def model_dir(checkpoint: Path, tmp_path: Path) -> Path:
    """The tiny checkpoint, to be damaged."""
    return Path(shutil.copytree(checkpoint, tmp_path / "model", ignore=shutil.ignore_patterns("voices")))


def refused(model_dir: Path) -> str:
    own = Settings(model_dir=model_dir, hf_hub_offline=True)
    with pytest.raises(EngineFailed) as caught:
        obtain(own, make_hub(own))
    return caught.value.message


def test_the_whole_checkpoint_is_taken(model_dir: Path) -> None:
    own = Settings(model_dir=model_dir, hf_hub_offline=True)
    assert {path.name for path in obtain(own, make_hub(own)).files} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_an_emptied_file_is_named(model_dir: Path, name: str) -> None:
    (model_dir / name).write_bytes(b"")
    assert refused(model_dir).startswith(f"{name} is damaged: ")


@pytest.mark.parametrize("name", FILES)
@REAL
@given(part=st.floats(0, 1, exclude_max=True))
def test_a_file_that_is_cut_off_anywhere_is_named(model_dir: Path, checkpoint: Path, name: str, part: float) -> None:
    data = (checkpoint / name).read_bytes().rstrip()
    (model_dir / name).write_bytes(data[: int(part * len(data))])
    assert refused(model_dir).startswith(f"{name} is damaged: ")


@pytest.mark.parametrize("data", [b"<html>an error page</html>", b"words", b"\xff" * 40, bytes(1000)])
def test_what_is_no_tokenizer(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "tokenizer.model"
    path.write_bytes(data)
    with pytest.raises(EngineFailed, match=r"tokenizer\.model is damaged: it is no"):
        check_whole(path)
