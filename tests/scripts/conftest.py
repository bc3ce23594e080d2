from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scripts.checkout import Checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """Scripts that are installed already; whatever they started is ended with the test."""
    checkout = Checkout(tmp_path / "service")
    checkout.make_venv()
    yield checkout
    if checkout.pids():
        checkout.run("stop.sh", "--now")
