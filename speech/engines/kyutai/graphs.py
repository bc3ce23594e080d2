"""How the parts of a step are run: as they are, or as CUDA graphs that run while the host does something else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch

Action = Callable[[], None]


class Launcher(ABC):
    """Runs actions in the order in which they are given."""

    ahead: bool  # an action may run later than it is given; a mark tells when

    @abstractmethod
    def part(self, action: Action) -> Action:
        """The action in a form that can be run many times. Runs it at least once, or not at all."""

    def begin(self) -> None:  # noqa: B027  nothing to give up where nothing is kept
        """Parts that were made before are gone; others will be made."""

    @abstractmethod
    def do(self, action: Action) -> None:
        """Run it once."""

    @abstractmethod
    def mark(self) -> Action:
        """What waits until all that was given so far is done."""


class AtOnce(Launcher):
    """On a CPU."""

    ahead = False

    def part(self, action: Action) -> Action:
        return action

    def do(self, action: Action) -> None:
        action()

    def mark(self) -> Action:
        return _nothing


class Graphs(Launcher):
    """On CUDA: each part is captured in a graph. Used by one thread."""

    ahead = True

    def __init__(self) -> None:
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # of captures; what is captured runs on the thread's own
        self.begin()

    def begin(self) -> None:
        """A pool of memory for all: they never run at once, and pass nothing on in it. It dies with its last graph."""
        self._pool = torch.cuda.graph_pool_handle()

    def part(self, action: Action) -> Action:
        """First as it is, so that libraries choose their kernels and take their workspaces outside of the graph."""
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.stream(self._stream):
            action()
            torch.cuda.synchronize()
            # Other threads may ask for the free memory meanwhile: that is not to end the capture.
            graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
            try:
                action()
            finally:
                graph.capture_end()
        return graph.replay

    def do(self, action: Action) -> None:
        action()

    def mark(self) -> Action:
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record()
        return event.synchronize


def launcher(device: torch.device) -> Launcher:
    """The one for this device."""
    return Graphs() if device.type == "cuda" else AtOnce()


def _nothing() -> None:
    pass
