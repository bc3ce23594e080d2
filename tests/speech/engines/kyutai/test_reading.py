"""What enters Kyutai's model of written text: words, never a digit nor a sign."""

from __future__ import annotations

from pathlib import Path

import pytest
from moshi.models.tts import TokenIds, script_to_entries
from sentencepiece import SentencePieceProcessor

from speech.request import Token
from speech.text.manner import Manner
from speech.text.pipe import read
from speech.text.reading import LANGUAGES
from speech.text.remarks import Remarks
from tests.speech.engines.kyutai.checkpoint import TOKENIZER_FILE
from tests.speech.text.reading.reading import UNSAYABLE, cases, plain


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_no_case_of_the_tables_brings_a_digit_or_a_sign_into_the_model(language: str, checkpoint: Path) -> None:
    tokenizer = SentencePieceProcessor(str(checkpoint / TOKENIZER_FILE))
    ids = TokenIds(tokenizer.vocab_size() + 1)
    for case in cases(language):
        pieces = read(case.written, Manner(language).reader(Remarks()))
        said = [piece.spoken for piece in pieces if isinstance(piece, Token) and piece.spoken]
        entries = [
            entry for text in said for entry in script_to_entries(tokenizer, ids, 12.5, [text], padding_between=1)
        ]
        entered = " ".join(entry.text for entry in entries)
        decoded = tokenizer.decode(
            [token for entry in entries for token in entry.tokens if token < tokenizer.vocab_size()]
        )
        assert not UNSAYABLE.intersection(entered + decoded), case.written
        assert plain(entered.replace("-", " ")) == plain(case.said.replace("-", " ")), case.written
