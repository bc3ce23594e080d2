"""bfloat16 and float16 at full size: how far ours and moshi's own are from moshi in float32, step by step.

    python -m benchmarks.gpu.accuracy CHECKPOINT

The same random tokens are fed to all, so that no draw lets them part. Compared are the backbone's output and the text
logits, over more steps than the past holds.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("NO_TORCH_COMPILE", "1")

import torch
from moshi.models.tts import TTSModel
from safetensors.numpy import load_file

from benchmarks.gpu.common import CUDA, DEVICE, save
from speech.engines.kyutai.graphs import AtOnce
from speech.engines.kyutai.runner import KyutaiRunner
from speech.request import SpeechRequest
from tests.speech.engines.kyutai.checkpoint import SUFFIX, VOICES, checkpoint_info

STEPS = 520 if CUDA else 20
Outputs = tuple[list[torch.Tensor], list[torch.Tensor]]  # of each step: the backbone's, and the text logits


def main() -> None:
    folder = Path(sys.argv[1])
    right = theirs(folder, torch.float32)
    result: dict[str, Any] = {"steps": STEPS}
    for dtype in (torch.bfloat16, torch.float16):
        for name, run in (("ours", ours), ("moshi", theirs)):
            outs, logits = run(folder, dtype)
            title = f"{name} {str(dtype).removeprefix('torch.')}"
            result[title] = {"backbone": apart(outs, right[0]), "text logits": apart(logits, right[1])}
            print(title, result[title], flush=True)
            save("accuracy", result)


def model(folder: Path, dtype: torch.dtype) -> TTSModel:
    info = checkpoint_info(folder)
    return TTSModel.from_checkpoint_info(info, n_q=info.lm_config["n_q"], temp=0.0, device=DEVICE, dtype=dtype)


def tokens_of(lm: Any) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    frames = []
    for _ in range(STEPS):
        text = torch.randint(0, lm.text_card, (1, 1, 1), generator=generator)
        codes = torch.randint(-1, lm.card, (1, lm.n_q, 1), generator=generator)
        frames.append(torch.cat([text, codes], 1).to(DEVICE))
    return frames


@torch.inference_mode()
def theirs(folder: Path, dtype: torch.dtype) -> Outputs:
    tts = model(folder, dtype)
    lm = tts.lm
    attributes = tts.make_condition_attributes([folder / "voices" / f"{VOICES[0]}{SUFFIX}"], cfg_coef=2.0)
    conditions = lm.condition_provider.prepare_and_provide([attributes])
    total, cross = lm.fuser.get_sum(conditions).to(dtype), lm.fuser.get_cross(conditions).to(dtype)
    outs, logits = [], []
    with lm.streaming(1):
        for tokens in tokens_of(lm):
            out, logit = lm.forward_text(tokens, total, cross)
            outs.append(out[0, 0].float().cpu())
            logits.append(logit[0, 0, 0].float().cpu())
    return outs, logits


@torch.inference_mode()
def ours(folder: Path, dtype: torch.dtype) -> Outputs:
    embedding = load_file(folder / "voices" / f"{VOICES[0]}{SUFFIX}")["speaker_wavs"]
    runner: Any = KyutaiRunner(model(folder, dtype), lambda voice: embedding, 1, 0.0, launch=AtOnce())
    runner.reset({0: runner.prepare(SpeechRequest(cfg_coef=2.0))})
    step, outs, logits = runner._model, [], []
    step._runs.fill_(True)
    for tokens in tokens_of(step._lm):
        out = step._listen(tokens[:, :, 0], step._sum)
        outs.append(out[0].float().cpu())
        logits.append(step._lm.text_linear(out)[0].float().cpu())
    runner.close()
    return outs, logits


def apart(got: list[torch.Tensor], right: list[torch.Tensor]) -> dict[str, float]:
    """Relative errors, and how often the best candidate is the same. NaN never passes for near."""
    errors = sorted(((a - b).norm() / b.norm()).item() for a, b in zip(got, right, strict=True))
    same = sum(int(a.argmax() == b.argmax()) for a, b in zip(got, right, strict=True)) / len(got)
    finite = float(all(bool(torch.isfinite(x).all()) for x in got))
    return {"median": errors[len(errors) // 2], "most": errors[-1], "same_argmax": same, "finite": finite}


if __name__ == "__main__":
    main()
