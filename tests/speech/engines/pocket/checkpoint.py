"""Pocket TTS models with random weights in pocket-tts's own format: files of a real download, small enough for tests.

    python -m tests.speech.engines.pocket.checkpoint tiny FOLDER            0.3 M parameters
    python -m tests.speech.engines.pocket.checkpoint english_7m_2026-10 FOLDER    the shapes of any released model

The folder gets config.yaml, whose paths are relative to it, model.safetensors, tokenizer.json and
voices/v0 to v2.safetensors. It speaks noise. Texts and voices make it wish to end at different frames; `endless`
keeps that away.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from speech.engines.pocket.library import TTSModel

CONFIG, MODEL, TOKENIZER = "config.yaml", "model.safetensors", "tokenizer.json"
VOICES = ("v0", "v1", "v2")
TINY = "tiny"
PROSE = """The boats came home before the storm, one after another, and the harbour lights were lit early.
Every morning she counts the gulls on the wall; seven is a good number, eight means rain.
He wrote the letter twice, once for the post and once for himself, and sent the second one.
A small engine hums below the floor. Nobody hears it until it stops. Rain.
Trains leave at ten past the hour. Please stand behind the yellow line, thank you very much.
Questions? Ask them now; answers come quickly, quietly, or not at all!"""


def write_checkpoint(
    size: str, folder: Path, seed: int = 0, endless: bool = False, cloning: bool = True, flow: str = "pointwise"
) -> Path:
    """Write all files of a model. flow: the kind of its flow head. cloning: with the weights that only voices need."""
    (folder / "voices").mkdir(parents=True, exist_ok=True)
    config = _config(size, flow)
    _write_tokenizer(folder / TOKENIZER, config["flow_lm"]["lookup_table"], exact=size == TINY)
    config["flow_lm"]["lookup_table"].update(tokenizer="tokenizers", tokenizer_path=TOKENIZER)
    config.pop("weights_path", None), config.pop("weights_path_without_voice_cloning", None)
    model = _random_model(folder, config, seed, endless)
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    if not cloning:  # as in the repository without them: the numbers are there and mean nothing
        state["flow_lm.speaker_proj_weight"] = torch.zeros_like(state["flow_lm.speaker_proj_weight"])
    save_file(state, folder / MODEL)
    (folder / CONFIG).write_text(yaml.safe_dump(config | {"weights_path": MODEL}))
    for number, voice in enumerate(VOICES):
        write_voice(folder / "voices" / f"{voice}.safetensors", model, frames=12 + 5 * number, seed=number)
    return folder


def write_voice(path: Path, model: Any, frames: int, seed: int = 0) -> None:
    """The exported state of a made-up recording, as pocket-tts's export_model_state writes it."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, module in model.flow_lm.named_modules():
        if hasattr(module, "in_proj"):
            shape = (2, 1, frames, module.num_kv_heads, module.dim_per_head)
            state[f"{name}/cache"] = torch.randn(shape, generator=generator)
            state[f"{name}/offset"] = torch.tensor([frames])
            state[f"{name}/pad"] = torch.tensor([0])
    save_file(state, path)


def _config(size: str, flow: str) -> dict[str, Any]:
    """The packaged configuration of a released model, or the smallest of them narrower still."""
    import pocket_tts

    name = "english_2m_2026-10" if size == TINY else size
    path = Path(pocket_tts.__file__).parent / "config" / f"{name}.yaml"
    config: dict[str, Any] = yaml.safe_load(path.read_text())
    if size != TINY:
        return config
    lm, mimi = config["flow_lm"], config["mimi"]
    lm["transformer"].update(num_layers=2, d_model=64, num_heads=4, attn_dim=64, num_kv_heads=2, dim_feedforward=64)
    lm["flow"].update(depth=1, dim=32, type=flow)
    lm["lookup_table"].update(dim=64, rank=16)
    lm["z_dim"] = 32
    mimi["seanet"].update(n_filters=2, dimension=32)
    mimi["transformer"].update(num_layers=1, dim_feedforward=32, d_model=32, num_heads=2, input_dimension=32)
    mimi["transformer"]["output_dimensions"] = [32]
    mimi["decoder_seanet"].update(n_filters=4, dimension=32)
    mimi["decoder_transformer"].update(num_layers=2, dim_feedforward=32, d_model=32, num_heads=2, input_dimension=32)
    mimi["decoder_transformer"]["output_dimensions"] = [32]
    mimi["outer_dim"] = mimi["quantizer"]["output_dimension"] = 32
    return config


def _write_tokenizer(path: Path, table: dict[str, Any], exact: bool) -> None:
    """exact: the table gets as many rows as there are tokens; else tokens are added, as the text is short."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation()])
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=table["n_bins"], special_tokens=["<unk>"], show_progress=False)
    tokenizer.train_from_iterator(PROSE.splitlines(), trainer)
    if exact:
        table["n_bins"] = tokenizer.get_vocab_size()
    else:
        tokenizer.add_tokens([f"<{number}>" for number in range(table["n_bins"] - tokenizer.get_vocab_size())])
    tokenizer.save(str(path))


def _random_model(folder: Path, config: dict[str, Any], seed: int, endless: bool) -> Any:
    """Loud enough for texts and voices to be told apart; a latent feeds back too little to make a small error grow."""
    path = folder / "untrained.yaml"
    table = config["flow_lm"]["lookup_table"] | {"tokenizer_path": str(folder / TOKENIZER)}
    local = config | {"flow_lm": config["flow_lm"] | {"lookup_table": table}}
    path.write_text(yaml.safe_dump(local))
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model: Any = TTSModel.load_model(config=str(path))
        for module in (model.flow_lm, model.mimi.decoder, model.mimi.decoder_transformer):
            for parameter in module.parameters():
                parameter.mul_(1.6 if parameter.ndim > 1 else 1)
        model.flow_lm.emb_std.fill_(2.0)
        model.flow_lm.speaker_proj_weight.normal_(std=0.1)
        model.flow_lm.input_linear.weight.mul_(0.3)
        model.flow_lm.out_eos.weight.mul_(0 if endless else 40)
        model.flow_lm.out_eos.bias.fill_(-30.0 if endless else model.eos_threshold - 4.0)
    path.unlink()
    return model


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    print(write_checkpoint(sys.argv[1], Path(sys.argv[2])))
