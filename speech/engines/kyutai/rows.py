"""What the rows of a model remember from step to step: shown for the first few rows only, cleared, moved.

Knows moshi's streaming states and ours, no queue, no voice.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch

from speech.engines.kyutai.backbone import StepState


class RowStates:
    """The states of some streaming modules, opened for so many rows.

    A step of the first `rows` rows runs on views of the whole, which lie at the same addresses: CUDA graphs of any
    number of rows see what the others wrote.
    """

    def __init__(self, roots: Sequence[Any], mask: torch.Tensor) -> None:
        """roots: moshi's StreamingModules. mask: (slots,), bool: the rows that move on, for all modules alike."""
        self._roots = roots
        self._slots = len(mask)
        self._modules: list[Any] = []
        for root in roots:
            root.streaming_forever(self._slots)
            root._apply_named_streaming(lambda _, module: self._modules.append(module))
        whole = [module._streaming_state for module in self._modules]
        for state in whole:
            state.exec_mask = mask
        self._views: dict[int, list[Any]] = {self._slots: whole}
        self._shown = self._slots

    def show(self, rows: int) -> None:
        """Let the modules see the first rows only."""
        if rows == self._shown:
            return
        if rows not in self._views:
            self._views[rows] = [_narrow(state, rows) for state in self._views[self._slots]]
        for module, state in zip(self._modules, self._views[rows], strict=True):
            module._streaming_state = state
        self._shown = rows

    def whole(self, module: Any) -> Any:
        """The state of one of the modules, with all rows."""
        return self._views[self._slots][self._modules.index(module)]

    @property
    def tensors(self) -> list[tuple[torch.Tensor, int]]:
        """All that is remembered, whole, and the dimension of the rows in it."""
        return [(tensor, dim) for _, tensor, dim in self._fields()]

    def clear(self, rows: torch.Tensor) -> None:
        """Nothing of the past of rows, (joins,), remains. Not of their voices: they get others."""
        for name, tensor, dim in self._fields():
            if name != "voices":
                tensor.index_fill_(dim, rows, int(name == "first"))

    def close(self) -> None:
        for root in self._roots:
            root._stop_streaming()
        self._views.clear()
        self._modules.clear()

    def _fields(self) -> list[tuple[str, torch.Tensor, int]]:
        return [
            (name, tensor, _rows_at(state, name))
            for state in self._views[self._slots]
            for name, tensor in vars(state).items()
            if isinstance(tensor, torch.Tensor) and name != "exec_mask"
        ]


def move(tensors: Sequence[tuple[torch.Tensor, int]], to: torch.Tensor, source: torch.Tensor) -> None:
    """Give the rows `to`, (n,), what the rows `source` had. Layer by layer: a row's past has 65 MB at full size."""
    for tensor, dim in tensors:
        for part in tensor.unbind(0) if dim else (tensor,):
            at = max(0, dim - 1)
            part.index_copy_(at, to, part.index_select(at, source))


def _rows_at(state: Any, name: str) -> int:
    return 2 if isinstance(state, StepState) and name in ("past", "voices") else 0


def _narrow(state: Any, rows: int) -> Any:
    view = copy.copy(state)
    view.batch_size = rows
    for name, value in vars(state).items():
        if isinstance(value, torch.Tensor):
            setattr(view, name, value.narrow(_rows_at(state, name), 0, rows))
    return view
