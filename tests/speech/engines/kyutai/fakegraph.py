"""CUDA graphs on a CPU, with CUDA's contract: capture runs nothing, replay repeats the recorded kernels on the recorded
addresses, and an operation that would need the host during a capture raises.

    runner = KyutaiRunner(..., launch=FakeGraphs())

Capture: every operation is recorded with its very tensors; writes to tensors that existed before are undone at the end.
Replay: an operation that made a tensor runs again and its result is copied into the recorded one; an operation in place
runs again on the recorded tensor. So a stale address, a host read or a hook in the wrong place fails as on a GPU.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from speech.engines.kyutai.graphs import Action, Launcher

NEED_THE_HOST = {"_local_scalar_dense", "nonzero", "is_nonzero", "equal", "masked_select", "unique"}


@dataclass
class Kernel:
    """One recorded operation."""

    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    made: list[tuple[int, torch.Tensor]]  # which of its outputs are new tensors, and those tensors
    writes: bool

    def replay(self) -> None:
        if not self.writes and not self.made:
            return
        outputs = _tensors(self.function(*self.args, **self.kwargs))
        if not self.writes:
            for index, recorded in self.made:
                recorded.copy_(outputs[index])


class FakeGraph:
    def __init__(self) -> None:
        self.kernels: list[Kernel] = []
        self.replays = 0

    def replay(self) -> None:
        self.replays += 1
        for kernel in self.kernels:
            kernel.replay()


class Recorder(TorchDispatchMode):
    def __init__(self, graph: FakeGraph) -> None:
        super().__init__()
        self.graph = graph
        self.before: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}
        self.born: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func.overloadpacket.__name__ in NEED_THE_HOST:
            raise RuntimeError(f"operation not permitted when stream is capturing: {func}")
        written = _written(func, args, kwargs)
        for tensor in written:
            self._remember(tensor.untyped_storage())
        known = {tensor.untyped_storage().data_ptr() for tensor in _tensors((args, kwargs))}
        result = func(*args, **kwargs)
        outputs = enumerate(_tensors(result))
        made = [(i, tensor) for i, tensor in outputs if tensor.untyped_storage().data_ptr() not in known]
        self.born |= {tensor.untyped_storage().data_ptr() for _, tensor in made}
        self.graph.kernels.append(Kernel(func, args, kwargs, made, bool(written)))
        return result

    def _remember(self, storage: torch.UntypedStorage) -> None:
        address = storage.data_ptr()
        if address not in self.born and address not in self.before:
            self.before[address] = (storage, storage.clone())

    def undo(self) -> None:
        for storage, copy in self.before.values():
            storage.copy_(copy)


class FakeGraphs(Launcher):
    """Parts as graphs, on a CPU. Nothing that it is given runs before somebody waits for a mark behind it, as on a
    device that lags as far behind as it can: a read or a write that comes too early is found out.
    """

    ahead = True

    def __init__(self) -> None:
        self.captured: list[FakeGraph] = []
        self._queue: deque[Action] = deque()
        self._given = self._done = 0

    def part(self, action: Action) -> Action:
        self.wait(self._given)
        action()
        graph = FakeGraph()
        recorder = Recorder(graph)
        with recorder:
            action()
        recorder.undo()
        self.captured.append(graph)
        return graph.replay

    def do(self, action: Action) -> None:
        self._queue.append(action)
        self._given += 1

    def mark(self) -> Action:
        return partial(self.wait, self._given)

    def wait(self, given: int) -> None:
        """Run what was given before that."""
        with torch.inference_mode():
            while self._done < given:
                self._queue.popleft()()
                self._done += 1


def _tensors(tree: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_flatten(tree)[0] if isinstance(leaf, torch.Tensor)]


def _written(func: Any, args: Any, kwargs: Any) -> list[torch.Tensor]:
    values = [*zip(func._schema.arguments, args, strict=False)]
    values += [(argument, kwargs[argument.name]) for argument in func._schema.arguments if argument.name in kwargs]
    return [
        tensor
        for argument, value in values
        if argument.alias_info is not None and argument.alias_info.is_write
        for tensor in _tensors(value)
    ]
