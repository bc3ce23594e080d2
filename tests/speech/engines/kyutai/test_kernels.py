"""Our kernels do what torch's operations do. On a CPU only that the sources are for the types the engine has."""

from __future__ import annotations

import pytest
import torch

from speech.engines.kyutai import fused, kernels
from speech.engines.kyutai.control import Control
from speech.engines.kyutai.sampling import TOP_K, Streams
from tests.speech.engines.kyutai.model import DEVICE

on_gpu = pytest.mark.skipif(DEVICE == "cpu", reason="needs TEST_DEVICE=cuda")
DTYPES = [torch.float32, torch.bfloat16, torch.float16]
ROWS = 5


def random(*shape: int, dtype: torch.dtype) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1)).to(DEVICE, dtype)


def near(got: torch.Tensor, right: torch.Tensor) -> bool:
    return bool((got.float() - right.float()).norm() <= 1e-2 * right.float().norm() + 1e-6)


def test_torchs_operations_are_used_where_there_is_no_card() -> None:
    assert not kernels.ready(torch.zeros(1))


@on_gpu
def test_they_are_used_where_there_is_one() -> None:
    assert kernels.ready(torch.zeros(1, device=DEVICE))


@on_gpu
@pytest.mark.parametrize("dtype", DTYPES)
class TestOnTheGPU:
    def test_silu_mul(self, dtype: torch.dtype) -> None:
        x = random(ROWS, 1, 600, dtype=dtype)
        gate, value = x.chunk(2, dim=-1)
        assert torch.allclose(fused.silu_mul(x), torch.nn.functional.silu(gate) * value, rtol=1e-2, atol=1e-3)

    @pytest.mark.parametrize("width", [32, 1024, 2048])
    def test_rms_norm(self, dtype: torch.dtype, width: int) -> None:
        x, alpha = random(ROWS, 1, width, dtype=dtype) * 3, random(width, dtype=dtype)
        right = torch.nn.functional.rms_norm(x.float(), (width,), alpha.float(), 1e-5)
        assert near(fused.rms_norm(x, alpha, 1e-5), right)

    def test_add_row(self, dtype: torch.dtype) -> None:
        x, table = random(ROWS, 300, dtype=dtype), random(9, 300, dtype=dtype)
        index = torch.tensor([8, 0, 3, 3, 1], device=DEVICE)
        assert torch.equal(fused.add_row(x, table, index), x + table[index])

    @pytest.mark.parametrize(("heads", "width"), [(16, 64), (2, 16), (3, 40)])
    def test_attend(self, dtype: torch.dtype, heads: int, width: int) -> None:
        past = random(32, ROWS, 3 * heads * width, dtype=dtype)
        for keys in (1, 2, 17, 32):
            query, key, value = past[:keys].float().view(keys, ROWS, 3, heads, width).unbind(2)
            q, k, v = (part.permute(1, 2, 0, 3) for part in (query[-1:], key, value))
            right = torch.nn.functional.scaled_dot_product_attention(q, k, v).reshape(ROWS, heads * width)
            assert near(fused.attend(past[:keys], heads), right), keys

    @pytest.mark.parametrize("card", [64, 2048, 8001])
    def test_draw(self, dtype: torch.dtype, card: int) -> None:
        """The very same draws; the hash is whole numbers, and logarithms differ by a bit at most."""
        rows = 400
        control = torch.zeros(len(Control), rows + 7, dtype=torch.int64, device=DEVICE)
        control[Control.SEED] = torch.arange(rows + 7, device=DEVICE) * 12345
        control[Control.STEP] = torch.arange(rows + 7, device=DEVICE) % 5
        control[Control.TOP_K] = torch.tensor([1, 3, 250, 9999], device=DEVICE).repeat(rows)[: rows + 7]
        temperatures = torch.tensor([0.0, 0.6, 1.5], dtype=torch.float64, device=DEVICE).repeat(rows)
        control[Control.TEMPERATURE].view(torch.float64).copy_(temperatures[: rows + 7])
        logits = random(rows, card, dtype=dtype) * 3
        ours = fused.Streams(1, 4, card, TOP_K, control.device).odds(control[:, :rows])
        torchs = Streams(1, 4, card, TOP_K, control.device).odds(control[:, :rows])
        for stream in range(4):
            got, right = ours.draw(stream, logits), torchs.draw(stream, logits)
            assert (got == right).float().mean() > 0.99
            greedy = temperatures[:rows] == 0
            assert torch.equal(logits.gather(1, got[:, None])[greedy, 0], logits.amax(1)[greedy])
