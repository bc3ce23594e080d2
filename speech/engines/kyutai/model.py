"""The language model and the codec of all rows, one step at a time: tensors in, tensors out, nothing of the host.

What changes from step to step is read from `control`, at a fixed address, so that CUDA graphs see it. A step is made of
parts: the text (what the model wishes for next, and the token that answers it), then the codes or silence, then the
sound. Greedy codes are exactly moshi's. Reaches into moshi's modules where moshi's own server does.
Knows no script, no queue.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from speech.engines.kyutai import fused
from speech.engines.kyutai.backbone import norm, take_over
from speech.engines.kyutai.codec import Decoder
from speech.engines.kyutai.control import Control
from speech.engines.kyutai.depformer import Depformer
from speech.engines.kyutai.memory import VOICE_KEYS
from speech.engines.kyutai.rows import RowStates, move
from speech.engines.kyutai.sampling import TOP_K_TEXT
from speech.engines.kyutai.tables import join_codes, text_adder

JOINS = (16, 4, 1)  # so many rows are seated at once


class StepModel:
    def __init__(self, tts: Any) -> None:
        """Takes hold of moshi's TTSModel for good. Raises NotSupported for a model of another kind."""
        lm, device = tts.lm, tts.lm.device
        lm.dep_q = tts.n_q  # without this n_q does nothing
        self._lm, self._new_word = lm, tts.machine.token_ids.new_word
        self._transformer = take_over(lm)
        self._depformer = Depformer(lm)
        self._code_table, self._starts = join_codes(lm.emb)
        self._add_text = text_adder(lm.text_emb)
        self._streams = fused.Streams(0, 1, lm.text_linear.out_features, most=TOP_K_TEXT, device=device)
        self._delays = torch.tensor(lm.delays, device=device)  # (streams,): text first
        self.max_delay = max(lm.delays)
        # (codebooks,): the step of each one's first code.
        self._first_codes = self._delays[1 : 1 + lm.dep_q] + tts.delay_steps
        self._initial = lm._get_initial_token()[0, :, 0]  # (streams,)
        self._frame_size, self._decoder = tts.mimi.frame_size, Decoder(tts.mimi, lm.dep_q)

    def open(self, slots: int, whole_past: bool) -> None:
        """All that so many rows remember, and what goes in and out. Before the first step, or after `close`.

        whole_past: see StepTransformer.
        """
        lm, device = self._lm, self._lm.device
        self._transformer.whole_past = whole_past
        self._runs = torch.zeros(slots, dtype=torch.bool, device=device)
        self._sounds = torch.zeros(slots, dtype=torch.bool, device=device)
        self._rows = RowStates([self._transformer], self._runs)
        self._decoder.open(self._sounds, whole_past)
        # Tokens of the last steps, by step modulo `depth`; one more place takes what rows that stand still would write.
        self._depth = self.max_delay + 2
        self._ring = torch.full((slots, lm.num_codebooks, self._depth + 1), lm.zero_token_id, device=device)
        self._sum = torch.zeros(slots, lm.dim, dtype=lm.dtype, device=device)  # of the conditions
        self._heard = torch.zeros(slots, lm.dim, dtype=lm.dtype, device=device)  # what the transformer made
        self._text = torch.zeros(slots, dtype=torch.int64, device=device)
        self._none = torch.full((slots, lm.dep_q), lm.zero_token_id, device=device)
        numbers, joins = {"device": device, "dtype": lm.dtype}, min(slots, JOINS[0])
        self._invited = (
            torch.zeros(joins, dtype=torch.int64, device=device),
            torch.zeros(joins, VOICE_KEYS, lm.dim, **numbers),
            torch.zeros(joins, lm.dim, **numbers),
        )
        self.control = torch.zeros(len(Control), slots, dtype=torch.int64, device=device)
        self.wishes = torch.zeros(slots, dtype=torch.bool, device=device)  # for a word
        self.pcm = torch.zeros(slots, self._frame_size, device=device)

    # -- the parts of a step, of the first `rows` rows ------------------------------------------------------------

    def text(self, rows: int) -> None:
        """The language model's part: `wishes`, and the text token of this step."""
        self._rows.show(rows)
        control, streams = self.control[:, :rows], self._lm.num_codebooks
        runs, step = self._runs[:rows].copy_(control[Control.RUNS]), control[Control.STEP]
        here = (step % self._depth)[:, None, None].expand(-1, streams, -1)
        tokens = self._ring[:rows].gather(2, here)[..., 0]
        unknown = (step[:, None] <= self._delays) | ~runs[:, None]
        heard = self._listen(torch.where(unknown, self._initial, tokens), self._sum[:rows])
        logits = self._lm.text_linear(heard)
        token = self._streams.odds(control).draw(0, logits)
        wishes = torch.eq(token, self._new_word, out=self.wishes[:rows])
        torch.where(wishes, control[Control.IF_WORD], control[Control.IF_PAD], out=self._text[:rows])
        self._heard[:rows].copy_(heard)

    def silence(self, rows: int) -> None:
        """No codes: the text runs ahead of the audio."""
        self._keep(self._none[:rows], self.control[:, :rows])

    def codes(self, rows: int) -> None:
        """The depformer's part; no codes before the text is far enough ahead."""
        control = self.control[:, :rows]
        codes = self._depformer(self._text[:rows], self._heard[:rows], control)
        codes.masked_fill_(control[Control.STEP][:, None] < self._first_codes, self._lm.zero_token_id)
        self._keep(codes, control)

    def sound(self, rows: int) -> None:
        """The codec's part: `pcm`."""
        self._decoder.rows.show(rows)
        control, books = self.control[:, :rows], 1 + self._lm.dep_q
        self._sounds[:rows].copy_(control[Control.SOUNDS])
        when = control[Control.STEP][:, None] + (1 - self.max_delay) + self._delays[1:books]
        codes = self._ring[:rows, 1:books].gather(2, (when % self._depth)[..., None])[..., 0]
        self.pcm[:rows].copy_(self._decoder(codes.clamp(min=0)))  # rows that stand still have none

    def _listen(self, tokens: torch.Tensor, condition_sum: torch.Tensor) -> torch.Tensor:
        """(rows, streams), (rows, dim) -> what the transformer makes of it, (rows, dim)."""
        lm = self._lm
        codes = F.embedding(tokens[:, lm.audio_offset :] + self._starts, self._code_table)
        x = self._add_text(codes.sum(1).add_(condition_sum), tokens[:, 0])
        return norm(lm.out_norm, self._transformer(x[:, None]))[:, 0]

    def _keep(self, codes: torch.Tensor, control: torch.Tensor) -> None:
        """Write the tokens of the step just made, for those that ran."""
        rows, books = codes.shape
        there = torch.where(self._runs[:rows], (control[Control.STEP] + 1) % self._depth, self._depth)
        tokens = torch.cat([self._text[:rows, None], codes], dim=1)[..., None]
        self._ring[:rows, : 1 + books].scatter_(2, there[:, None, None].expand_as(tokens), tokens)

    # -- rows that come and change places -------------------------------------------------------------------------

    def invite(self, rows: torch.Tensor, voices: torch.Tensor, sums: torch.Tensor) -> None:
        """Say who is seated next: rows (joins,), voices (joins, VOICE_KEYS, dim), sums (joins, dim), see Conditions."""
        for held, given in zip(self._invited, (rows, voices, sums), strict=True):
            held[: len(rows)].copy_(given)

    def seat(self, joins: int) -> None:
        """Begin anew in the rows of the last `invite`. In place, so that CUDA graphs find it."""
        rows, voices, sums = (held[:joins] for held in self._invited)
        self._rows.clear(rows)
        self._decoder.rows.clear(rows)
        self._transformer.write_voices(self._rows.whole(self._transformer).voices, rows, voices)
        self._sum.index_copy_(0, rows, sums)

    def swap(self, low: torch.Tensor, high: torch.Tensor) -> None:
        """Let the rows `low`, (n,), and `high` change places, pair by pair."""
        remembered = [*self._rows.tensors, *self._decoder.rows.tensors, (self._ring, 0), (self._sum, 0)]
        move(remembered, torch.cat([low, high]), torch.cat([high, low]))

    def close(self) -> None:
        """Drop all that the rows remember."""
        self._rows.close()
        self._decoder.rows.close()
