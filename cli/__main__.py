"""python -m cli: what ./say runs."""

from __future__ import annotations

import sys

from cli.main import main

sys.exit(main(sys.argv[1:]))
