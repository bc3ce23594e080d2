"""Checkpoints with random weights in the very format of kyutai/tts-1.6b-en_fr, made with moshi's own classes.

They speak noise, but every file has the real format, name and structure, so the real loading and stepping code runs on
them. `write_checkpoint` makes one in a folder, `lay_out_cache` shows it to huggingface_hub as downloaded repositories.

    python -m tests.speech.engines.kyutai.checkpoint full some/folder
"""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from moshi.models import loaders
from safetensors.torch import save_file

from speech.hub.voice_list import LISTING

MODEL_REPO, VOICE_REPO = "kyutai/tts-1.6b-en_fr", "kyutai/tts-voices"
REVISION = "0123456789abcdef0123456789abcdef01234567"
SUFFIX = ".1e68beda@240.safetensors"
VOICES = (
    "alba-mackenna/casual.wav",
    "vctk/p225_023.wav",
    "expresso/ex03-ex01_happy_001_channel1_334s.wav",
    "cml-tts/fr/10087_11650_000028-0002.wav",
)
LM_FILE = "dsm_tts_1e68beda@240.safetensors"
MIMI_FILE = "tokenizer-e351c8d8-checkpoint125.safetensors"
TOKENIZER_FILE = "tokenizer_spm_8k_en_fr_audio.model"
NEW_WORD, PAD = 0, 3
PROSE = """The boats came home before the storm, one after another, and the harbour lights were lit early.
Every morning she counts the gulls on the wall; seven is a good number, eight means rain.
He wrote the letter twice, once for the post and once for himself, and sent the second one.
A small engine hums below the floor. Nobody hears it until it stops.
Trains leave at ten past the hour. Please stand behind the yellow line, thank you very much.
Hello world, this is a short test of a long river, with words that come and words that go.
Le marché ouvre à huit heures, et la place sent le pain, le café et la pluie d'hier.
We kept the old map because it was wrong in all the right places.
Questions? Ask them now; answers come quickly, quietly, or not at all."""


@dataclass(frozen=True)
class Size:
    dim: int
    layers: int
    heads: int
    hidden_scale: float
    codebooks: int
    depformer_dim: int
    depformer_layers: int
    depformer_heads: int
    depformer_feedforward: int
    low_rank: int
    card: int
    speaker_dim: int
    text_card: int | None = None  # None: what the tokenizer has
    codec: bool = False  # the codec too in its real shapes


SIZES = {
    "tiny": Size(64, 2, 4, 2, 8, 32, 1, 2, 64, 16, 64, 16),  # 0.3 M parameters: tests
    "mid": Size(512, 8, 8, 4.125, 32, 256, 4, 8, 768, 64, 64, 16),  # 58 M: where the model costs more than Python
    "full": Size(
        2048, 16, 16, 4.125, 32, 1024, 4, 16, 3072, 128, 2048, 512, 8000, codec=True
    ),  # 1.8 G: the real shapes
}


def write_checkpoint(size: str, folder: Path, seed: int = 0) -> Path:
    """Write model, codec, tokenizer, configuration and voices/. Returns the folder."""
    shape, generator = SIZES[size], torch.Generator().manual_seed(seed)
    (folder / "voices").mkdir(parents=True, exist_ok=True)
    vocabulary = _write_tokenizer(folder / TOKENIZER_FILE)
    lm_config = _lm_config(shape, shape.text_card or vocabulary)
    _write_config(folder, lm_config, None if shape.codec else _codec_config(shape))
    dtype = torch.bfloat16 if shape.codec else torch.float32
    save_file(_random_lm(lm_config, dtype, generator), folder / LM_FILE)
    save_file(
        _random_codec(None if shape.codec else _codec_config(shape), shape.codebooks, generator), folder / MIMI_FILE
    )
    for voice in VOICES:
        write_voice(folder / "voices" / (voice + SUFFIX), shape.speaker_dim, generator)
    return folder


def write_voice(path: Path, width: int, generator: torch.Generator, spread: float = 0.715) -> None:
    """An embedding (1, width, 125); real ones measure a standard deviation of about 0.715."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"speaker_wavs": torch.randn(1, width, 125, generator=generator) * spread}, path)


def lay_out_cache(checkpoint: Path, hf_home: Path, listed: int = 0) -> None:
    """Show the checkpoint to huggingface_hub as two repositories that are already downloaded, by links.

    listed: so many voices more are in the list of the repository, as the hub would have given it.
    """
    for repo, source in ((MODEL_REPO, checkpoint), (VOICE_REPO, checkpoint / "voices")):
        root = _cached(repo, hf_home)
        (root / "refs").mkdir(parents=True, exist_ok=True)
        (root / "refs" / "main").write_text(REVISION)
        for file in source.rglob("*"):
            relative = file.relative_to(source)
            if file.is_file() and (repo == VOICE_REPO or relative.parts[0] != "voices"):
                link = root / "snapshots" / REVISION / relative
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(file.resolve())
    if listed:
        names = [*VOICES, *(f"vctk/p{number}_listed.wav" for number in range(listed))]
        (_cached(VOICE_REPO, hf_home) / LISTING).write_text(json.dumps([name + SUFFIX for name in names]))


def _cached(repo: str, hf_home: Path) -> Path:
    return hf_home / "hub" / f"models--{repo.replace('/', '--')}"


def checkpoint_info(folder: Path) -> Any:
    """moshi's CheckpointInfo of a folder, without a hub."""
    raw = json.loads((folder / "config.json").read_text())
    codec = folder / raw["mimi_config_name"] if "mimi_config_name" in raw else None
    return loaders.CheckpointInfo.from_hf_repo(
        "local",
        moshi_weights=folder / LM_FILE,
        mimi_weights=folder / MIMI_FILE,
        tokenizer=folder / TOKENIZER_FILE,
        config_path=folder / "config.json",
        mimi_config_path=codec,
    )


def _write_tokenizer(path: Path) -> int:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(PROSE.splitlines()),
        model_writer=model,
        vocab_size=600,
        model_type="bpe",
        character_coverage=1.0,
        byte_fallback=True,
        hard_vocab_limit=False,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=3,
        minloglevel=2,
    )
    path.write_bytes(model.getvalue())
    return int(sentencepiece.SentencePieceProcessor(model_proto=model.getvalue()).vocab_size())


def _lm_config(shape: Size, text_card: int) -> dict[str, Any]:
    # Codebooks share the depformer's heads: the first eight own one each, then three groups of eight.
    groups = (
        [*range(8), *[8] * 8, *[9] * 8, *[10] * 8]
        if shape.codebooks == 32
        else [0, 1, 2, 3] + [4] * (shape.codebooks - 4)
    )
    lut = {"tokenizer": "noop"}
    coefs = ["1.0", "1.5", "2.0", "2.5", "3.0", "3.5", "4.0"]
    return {
        "card": shape.card,
        "n_q": shape.codebooks,
        "dep_q": shape.codebooks,
        "delays": [0, 0] + [2] * (shape.codebooks - 1),
        "dim": shape.dim,
        "text_card": text_card,
        "existing_text_padding_id": 3,
        "num_heads": shape.heads,
        "num_layers": shape.layers,
        "hidden_scale": shape.hidden_scale,
        "causal": True,
        "layer_scale": None,
        "context": 500,
        "max_period": 10000,
        "gating": "silu",
        "norm": "rms_norm_f32",
        "positional_embedding": "rope",
        "depformer_dim": shape.depformer_dim,
        "depformer_num_heads": shape.depformer_heads,
        "depformer_num_layers": shape.depformer_layers,
        "depformer_dim_feedforward": shape.depformer_feedforward,
        "depformer_multi_linear": True,
        "depformer_pos_emb": "none",
        "depformer_weights_per_step": True,
        "depformer_low_rank_embeddings": shape.low_rank,
        "depformer_weights_per_step_schedule": groups,
        "demux_second_stream": True,
        "cross_attention": True,
        "conditioners": {
            "speaker_wavs": {"type": "tensor", "tensor": {"dim": shape.speaker_dim}},
            "cfg": {"type": "lut", "lut": {"n_bins": 7, "dim": 16, "possible_values": coefs, **lut}},
            "control": {"type": "lut", "lut": {"n_bins": 1, "dim": shape.dim, "possible_values": ["ok"], **lut}},
        },
        "fuser": {
            "cross_attention_pos_emb": False,
            "cross_attention_pos_emb_scale": 1.0,
            "sum": ["control", "cfg"],
            "prepend": [],
            "cross": ["speaker_wavs"],
        },
    }


def _write_config(folder: Path, lm_config: dict[str, Any], codec_config: dict[str, Any] | None) -> None:
    rest: dict[str, Any] = {
        "tts_config": {"audio_delay": 1.28, "second_stream_ahead": 2},
        "model_id": {"sig": "1e68beda", "epoch": 240},
        "lm_gen_config": {"temp": 0.6, "text_temp": 0.6},
        "model_type": "tts",
        "mimi_name": MIMI_FILE,
        "tokenizer_name": TOKENIZER_FILE,
        "moshi_name": LM_FILE,
    }
    if codec_config is not None:
        (folder / "mimi_config.json").write_text(json.dumps(codec_config))
        rest["mimi_config_name"] = "mimi_config.json"
    (folder / "config.json").write_text(json.dumps({**lm_config, **rest}, indent=1))


def _codec_config(shape: Size) -> dict[str, Any]:
    """The real codec, narrow."""
    base = loaders._mimi_config
    transformer = {"d_model": 32, "num_heads": 2, "num_layers": 1, "dim_feedforward": 64, "input_dimension": 32}
    quantizer = {
        "dimension": 16,
        "bins": shape.card,
        "n_q": shape.codebooks,
        "input_dimension": 32,
        "output_dimension": 32,
    }
    return {
        **base,
        "seanet": {**base["seanet"], "n_filters": 4, "dimension": 32},
        "transformer": {**base["transformer"], **transformer, "output_dimensions": [32]},
        "quantizer": {**base["quantizer"], **quantizer},
    }


def _random_lm(config: dict[str, Any], dtype: torch.dtype, generator: torch.Generator) -> dict[str, torch.Tensor]:
    """Norm gains stay 1 and weights keep the size of their input, so that voice, cfg and history all show in the codes.

    (Small random gains nearly switch attention off: two rows could then swap voices and no test would notice.)
    """
    lm = loaders.get_moshi_lm(None, json.loads(json.dumps(config)), dtype=dtype)
    for name, parameter in lm.named_parameters():
        if parameter.dim() < 2 or "alpha" in name:
            continue
        table = name.endswith("emb.weight") or name.startswith("emb.")
        table |= name.startswith("depformer_emb") and name.count(".") == 2
        std = 0.2 if "learnt_padding" in name else 1.0 if table else parameter.shape[-1] ** -0.5
        std *= 2 if "cross_attention" in name else 1
        torch.nn.init.normal_(parameter, std=std, generator=generator)
    with torch.no_grad():
        lm.text_linear.weight[[NEW_WORD, PAD]] *= (
            3  # a trained model wishes for words or to wait; so does this one, in turn
        )
    return {name: value.contiguous().clone() for name, value in lm.state_dict().items()}


def _random_codec(config: dict[str, Any] | None, codebooks: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator)))
        state = loaders.get_mimi(None, config, num_codebooks=codebooks).state_dict()
    for name, value in state.items():
        if "embedding_sum" in name:
            state[name] = torch.randn(value.shape, generator=generator) * 0.5
        elif "cluster_usage" in name:
            state[name] = torch.ones_like(value)
    return {name: value.contiguous().clone() for name, value in state.items()}


if __name__ == "__main__":
    print(write_checkpoint(sys.argv[1], Path(sys.argv[2])))
