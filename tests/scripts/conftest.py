from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scripts.checkout import Checkout


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Checkout]:
    """Scripts that have not been run yet; what they start is ended with the test."""
    checkout = Checkout(tmp_path / "service")
    yield checkout
    if checkout.pids():
        checkout.run("stop.sh", "--now")


@pytest.fixture
def checkout(bare: Checkout) -> Checkout:
    """Scripts whose virtual environment is there already."""
    bare.make_venv()
    return bare
