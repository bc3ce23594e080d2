"""hibari's reader of English, from text to phonemes. Knows no model and no voice.

Its own constructor reads its dictionaries in gzip's text mode, which leaves a small block behind with each file (seen
with CPython 3.11); as that lies amid what is read, each keeps 1 MB of Python's memory. Here they are read as bytes.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from hibari import g2p
from hibari.g2p import G2P
from hibari.g2p.lexicon import Lexicon
from hibari.g2p.tagger import Tagger
from hibari.g2p.tokenize import Tokenizer

ASSETS = Path(g2p.ASSETS)


class Reader(G2P):  # type: ignore[misc]
    def __init__(self, british: bool = False) -> None:
        """british: that dictionary instead of the American one. The rest is as in the pinned version's constructor."""
        accent = "gb" if british else "us"
        gold, silver = (dictionary(f"lexicon_{accent}_{kind}.json.gz") for kind in ("gold", "silver"))
        self.lexicon = Lexicon(gold, silver, british)
        self.tokenizer = Tokenizer(dictionary("tokenizer_exceptions.json"))
        self.tagger = Tagger(dictionary("tagger.json.gz"))
        self._oov, self.unk, self.british = None, "", british


def dictionary(name: str) -> Any:
    """The content of one of the wheel's JSON files."""
    data = (ASSETS / name).read_bytes()
    return json.loads(gzip.decompress(data) if name.endswith(".gz") else data)
