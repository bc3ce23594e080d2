"""The checkpoint's files as moshi gets them: every path handed over, so that it asks no hub for any."""

from __future__ import annotations

from pathlib import Path

from moshi.models.loaders import CheckpointInfo

from speech.engines.kyutai.weights import obtain
from speech.hub.files import make_hub
from speech.settings import Settings
from tests.speech.engines.kyutai.tiny_files import MIMI, MODEL, TOKENIZER, checkpoint, config
from tests.speech.hub.cache import lay_out_cache, write

REPO = "kyutai/tts-1.6b-en_fr"
NO_HUB = "http://127.0.0.1:9"  # a connection there is refused


def test_moshi_gets_the_files_and_asks_no_hub(tmp_path: Path) -> None:
    files = checkpoint() | {"config.json": config(mimi_config_name="mimi.json", lora_name="lora.bin")}
    folder = lay_out_cache(tmp_path / "hub", REPO, files | {"mimi.json": b'{"channels": 1}', "lora.bin": b"lora"})
    settings = Settings(hf_home=tmp_path, hf_endpoint=NO_HUB)
    info = obtain(settings, make_hub(settings)).info()
    assert isinstance(info, CheckpointInfo)
    assert (info.moshi_weights, info.mimi_weights) == (folder / MODEL, folder / MIMI)
    assert (info.tokenizer, info.lora_weights) == (folder / TOKENIZER, folder / "lora.bin")
    assert info.mimi_config == {"channels": 1}
    assert info.model_id == {"sig": "1e68beda", "epoch": 240}


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    folder = write(tmp_path / "mine", checkpoint())
    settings = Settings(hf_home=tmp_path, hf_endpoint=NO_HUB, model_dir=folder)
    assert obtain(settings, make_hub(settings)).info().moshi_weights == folder / MODEL
