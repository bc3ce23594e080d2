"""The convolutions of Pocket TTS's Mimi over many rows, each with its own past.

Tensors lie as (rows, steps, channels). So each convolution is one product with a matrix, whose weights are laid out for
it once (packed.py): a frame has few steps, and torch's own convolutions lay their weights out at every call. The pasts
lie row by row. Knows no transformer, no text and no thread.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from speech.engines.pocket.library import SEANetResnetBlock, StreamingConv1d, StreamingConvTranspose1d
from speech.engines.pocket.packed import packed
from speech.errors import NotSupported


@dataclass(frozen=True)
class Rows:
    """The rows that take part in one call, in ascending order."""

    numbers: tuple[int, ...]

    @property
    def index(self) -> slice | Tensor:
        """Where they lie in a tensor of all rows. Rows side by side are a slice: a view, nothing is copied."""
        first, last = self.numbers[0], self.numbers[-1]
        side_by_side = last - first + 1 == len(self.numbers)
        return slice(first, last + 1) if side_by_side else torch.tensor(self.numbers)


class Stage(ABC):
    """Part of the decoder: (rows, steps, channels) to as many or more steps."""

    def restart(self, row: int) -> None:  # noqa: B027 - most remember nothing
        """Nothing of the row's past remains."""

    @abstractmethod
    def __call__(self, x: Tensor, rows: Rows) -> Tensor:
        """x: (taking part, steps, channels)."""


class Plain(Stage):
    """A function of each number alone."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __call__(self, x: Tensor, rows: Rows) -> Tensor:
        return cast(Tensor, self._module(x))


class Convolution(Stage):
    """Causal: the last steps of one call stand before the first of the next."""

    def __init__(self, conv: nn.Conv1d, rows: int) -> None:
        """Raises NotSupported for one with a stride or groups."""
        if conv.stride != (1,) or conv.groups != 1:
            raise other_kind()
        self._dilation = conv.dilation[0]
        self._linear = packed(conv.weight.detach().transpose(1, 2).flatten(1), conv.bias)
        self._previous = torch.zeros(rows, (conv.kernel_size[0] - 1) * self._dilation, conv.in_channels)

    def restart(self, row: int) -> None:
        self._previous[row] = 0

    def __call__(self, x: Tensor, rows: Rows) -> Tensor:
        if kept := self._previous.shape[1]:
            x = torch.cat([self._previous[rows.index], x], 1)
            self._previous[rows.index] = x[:, -kept:]
            windows = x.unfold(1, kept + 1, 1)[..., :: self._dilation]  # (rows, steps, channels, kernel)
            x = windows.transpose(2, 3).flatten(2)
        return cast(Tensor, self._linear(x))


class Transposed(Stage):
    """A transposed convolution of a kernel twice its stride: half of what a step gives is added to the next one's."""

    def __init__(self, convtr: nn.ConvTranspose1d, rows: int) -> None:
        """Raises NotSupported for another kernel, or for groups of several channels."""
        stride, self._channels = convtr.stride[0], convtr.out_channels
        if convtr.kernel_size[0] != 2 * stride:
            raise other_kind()
        self._spread = _spread(convtr)
        self._bias = None if convtr.bias is None else convtr.bias.detach().repeat(stride)
        self._partial = torch.zeros(rows, 1, stride * self._channels)

    def restart(self, row: int) -> None:
        self._partial[row] = 0

    def __call__(self, x: Tensor, rows: Rows) -> Tensor:
        spread = self._spread(x).view(*x.shape[:2], 2, -1)
        first, second = spread.unbind(2)  # each (rows, steps, stride * channels)
        y = torch.cat([self._partial[rows.index], second[:, :-1]], 1).add_(first)
        self._partial[rows.index] = second[:, -1:]
        if self._bias is not None:
            y += self._bias
        return y.view(x.shape[0], -1, self._channels)


def _spread(convtr: nn.ConvTranspose1d) -> Callable[[Tensor], Tensor]:
    """What each step gives, (rows, steps, kernel * channels), of (rows, steps, channels)."""
    weight = convtr.weight.detach()  # (channels in, channels out for each group, kernel)
    if convtr.groups == 1:
        return packed(weight.permute(2, 1, 0).flatten(0, 1), None)
    if convtr.groups != convtr.in_channels or convtr.groups != convtr.out_channels:
        raise other_kind()
    kernel = weight[:, 0].t().contiguous()
    return lambda x: (x[:, :, None] * kernel).flatten(2)


class Residual(Stage):
    def __init__(self, module: Any, rows: int) -> None:
        self._stages = [stage_of(part, rows) for part in module.block]

    def restart(self, row: int) -> None:
        for stage in self._stages:
            stage.restart(row)

    def __call__(self, x: Tensor, rows: Rows) -> Tensor:
        y = x
        for stage in self._stages:
            y = stage(y, rows)
        return x + y


def stage_of(module: Any, rows: int) -> Stage:
    """One of pocket-tts's decoder. Raises NotSupported for a convolution of another kind."""
    if isinstance(module, StreamingConv1d):
        if module.pad_mode != "constant":
            raise other_kind()
        return Convolution(module.conv, rows)
    if isinstance(module, StreamingConvTranspose1d):
        return Transposed(module.convtr, rows)
    return Residual(module, rows) if isinstance(module, SEANetResnetBlock) else Plain(module)


def other_kind() -> NotSupported:
    return NotSupported("This model's codec is built in another way than those of Pocket TTS.")
