"""Our constructor of hibari's reader makes the same reader."""

from __future__ import annotations

import pytest
from hibari.g2p import G2P

from speech.engines.hibari.reader import Reader

TEXT = "Dr. Smith read the record on 3 May 2024, isn't it? A colour film, [zorb](/zˈɔɹb/), costs $4.50 at 7:30 p.m."


@pytest.mark.parametrize("british", [False, True])
def test_it_reads_as_the_package_does(british: bool) -> None:
    ours, theirs = Reader(british), G2P(british=british)
    assert vars(ours).keys() == vars(theirs).keys()
    assert (ours._oov, ours.unk, ours.british) == (theirs._oov, theirs.unk, theirs.british)
    assert ours(TEXT) == theirs(TEXT)
    assert ours.lexicon.golds.d == theirs.lexicon.golds.d
    assert ours.lexicon.silvers.d == theirs.lexicon.silvers.d
    assert (ours.tagger.weights, ours.tokenizer.special) == (theirs.tagger.weights, theirs.tokenizer.special)
