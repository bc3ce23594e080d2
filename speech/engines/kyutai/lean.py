"""moshi's LMGen with rows of their own: temperature, top_k and seed by row, and both its models in a fraction of the
kernels. Greedy codes are exactly moshi's.

Everything that changes from step to step is read from one tensor, `control`, at a fixed address, so that CUDA graphs
see it. Knows no text, no voice, no audio. Samples as moshi does: the softmax at a temperature, its top_k, one draw.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import torch
import torch.nn.functional as F
from moshi.models.lm import LMGen
from moshi.utils.compile import CUDAGraphed

from speech.engines.kyutai.backbone import norm

TOP_K = 250  # of the audio codes; moshi's defaults, and the most that a row can ask for
TOP_K_TEXT = 25
_MASK = 0xFFFFFFFF


class Control(IntEnum):
    """The rows of the control tensor (len(Control), slots), int64: what one step needs to know of each slot."""

    RUNS = 0  # the language model moves this slot on
    SOUNDS = 1  # so does the codec
    IF_PAD = 2  # the text token to go on with if the model wishes to wait
    IF_WORD = 3  # and if it wishes for a word
    STEP = 4  # the slot's own count of steps
    SEED = 5
    TOP_K = 6
    TEMPERATURE = 7  # the bits of a float64; 0 is greedy


class LeanLMGen(LMGen):
    def __init__(self, lm: Any, conditions: Any, slots: int, *, delay_steps: int, new_word: int) -> None:
        """lm: its transformer is a StepTransformer. conditions: of `slots` rows. new_word: the text token by which the
        model wishes for a word."""
        super().__init__(
            lm,
            use_sampling=False,
            condition_tensors=conditions,
            on_text_logits_hook=self._listen,
            on_text_hook=self._answer,
            on_audio_hook=self._hush,
            support_out_of_sync=True,
        )
        self.control = torch.zeros(len(Control), slots, dtype=torch.int64, device=lm.device)
        self.wants_word = torch.zeros(slots, dtype=torch.bool, device=lm.device)  # (slots,), after each step
        self._new_word = new_word
        self._first_codes = (
            self.delays_cuda[1 : 1 + lm.dep_q] + delay_steps
        )  # (codebooks,): the step of each one's first
        self._weights = lm.depformer_weights_per_step_schedule or list(range(lm.dep_q))
        self._code_table, self._table_starts = _join_tables(lm.emb)

    def _init_streaming_state(self, batch_size: int) -> Any:
        state = super()._init_streaming_state(batch_size)
        state.condition_cross = self.condition_tensors = (
            None  # large; the StepTransformer has what it needs of the voices
        )
        state.graphed_main = CUDAGraphed(self.text_step, disable=self.lm_model.device.type != "cuda")
        return state

    # -- the hooks: they run outside the graphs, on their outputs -------------------------------------------------

    def _listen(self, logits: torch.Tensor) -> None:  # (slots, 1, 1, card)
        odds = self._odds(first_stream=0, streams=1, card=logits.shape[-1], most=TOP_K_TEXT)
        self.wants_word.copy_(odds.draw(0, logits[:, 0, 0]) == self._new_word)

    def _answer(self, tokens: torch.Tensor) -> None:  # (slots,): what the model wished for -> what the script says
        tokens.copy_(torch.where(self.wants_word, self.control[Control.IF_WORD], self.control[Control.IF_PAD]))

    def _hush(self, codes: torch.Tensor) -> None:  # (slots, codebooks): none before the text is far enough ahead
        codes.masked_fill_(self.control[Control.STEP][:, None] < self._first_codes, self.lm_model.zero_token_id)

    # -- the two models: each captured in a graph -----------------------------------------------------------------

    def text_step(
        self, tokens: torch.Tensor, condition_sum: torch.Tensor, condition_cross: None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As LMModel.forward_text: (slots, 1 + codebooks, 1), (slots, 1, dim) -> (slots, 1, dim), (slots, 1, 1, card).

        The codes of all codebooks are looked up at once in one table, whose last row, zeros, is for "no code".
        """
        lm: Any = self.lm_model
        codes = tokens[:, lm.audio_offset :, 0]
        places = torch.where(codes < 0, len(self._code_table) - 1, codes + self._table_starts)
        heard = F.embedding(places, self._code_table).sum(1, keepdim=True)
        out = lm.out_norm(lm.transformer(heard + lm.text_emb(tokens[:, 0]) + condition_sum))
        return out, lm.text_linear(out)[:, None]

    def depformer_step(self, text_token: torch.Tensor, transformer_out: torch.Tensor) -> torch.Tensor:
        """As LMGen's: (slots,) and (slots, 1, dim) -> (slots, codebooks).

        The keys and values of one frame live in one small tensor a layer instead of ring caches, codebooks that share
        weights share their projection of the transformer's output, and a code that was just sampled needs no check.
        """
        lm: Any = self.lm_model
        layers = lm.depformer.layers
        attention = layers[0].self_attn
        heads, width = attention.num_heads, attention.embed_dim
        caches = transformer_out.new_empty(len(layers), 2, len(text_token), heads, lm.dep_q, width // heads)
        odds = self._odds(first_stream=1, streams=lm.dep_q, card=lm.card, most=TOP_K)
        projected: dict[int, torch.Tensor] = {}
        codes: list[torch.Tensor] = []
        for codebook in range(lm.dep_q):
            weights = self._weights[codebook]
            if weights not in projected:
                projected[weights] = lm.depformer_in[weights](transformer_out)
            before = _embed(lm.depformer_emb[codebook - 1], codes[-1]) if codes else lm.depformer_text_emb(text_token)
            x = projected[weights] + before[:, None]
            for layer, cache in zip(layers, caches, strict=True):
                x = _depformer_layer(layer, cache, codebook, weights, x)
            logits = lm.linears[codebook](lm.depformer_norms[codebook](x))[:, 0]
            codes.append(odds.draw(codebook, logits))
        return torch.stack(codes, dim=1)

    def _odds(self, first_stream: int, streams: int, card: int, most: int) -> Odds:
        """What decides this step's draws, made at once for all of them."""
        control, candidates = self.control, min(most, card)
        temperature = control[Control.TEMPERATURE].view(torch.float64).float()
        noise = gumbel(control[Control.SEED], control[Control.STEP], first_stream, streams, candidates)
        rank = torch.arange(candidates, device=noise.device)
        noise.masked_fill_((rank >= control[Control.TOP_K][:, None])[:, None], float("-inf"))
        return Odds(noise, temperature)


class Odds:
    """Draws from softmaxes at the rows' temperatures, 0 being greedy.

    The highest sum of score and Gumbel noise is a draw from a softmax; candidates whose noise is minus infinity, those
    beyond a row's top_k, never win.
    """

    def __init__(self, noise: torch.Tensor, temperature: torch.Tensor) -> None:
        """noise: (rows, streams, candidates), by rank; temperature: (rows,)."""
        self.noise = noise
        self.sharpness = 1.0 / temperature.clamp(min=1e-6)[:, None]
        self.greedy = temperature <= 0

    def draw(self, stream: int, logits: torch.Tensor) -> torch.Tensor:
        """One draw a row: (rows, card) -> (rows,)."""
        logits = logits.float()
        best, indices = torch.topk(logits, self.noise.shape[-1], dim=-1)
        winner = torch.addcmul(self.noise[:, stream], best, self.sharpness).argmax(dim=-1, keepdim=True)
        return torch.where(self.greedy, logits.argmax(dim=-1), indices.gather(1, winner)[:, 0])


def gumbel(seed: torch.Tensor, step: torch.Tensor, first_stream: int, streams: int, candidates: int) -> torch.Tensor:
    """Gumbel noise (rows, streams, candidates) that depends on nothing but a row's seed and step, (rows,), the stream
    and the candidate's rank: the same in any slot of any batch.

    A counter-based generator: a 32-bit integer hash (two rounds of multiply and xor-shift) of the four.
    """
    stream = torch.arange(first_stream, first_stream + streams, device=seed.device)
    rank = torch.arange(candidates, device=seed.device)
    row = seed[:, None] * 0x9E3779B1 + step[:, None] * 0x85EBCA77 + stream * 0xC2B2AE3D  # (rows, streams)
    bits = _hash32(_hash32(row)[..., None] + _hash32(rank) * 0x27D4EB2F)
    uniform = ((bits >> 8).float() + 0.5) * 2.0**-24
    return -torch.log(-torch.log(uniform))


def _hash32(x: torch.Tensor) -> torch.Tensor:
    """32 bits scrambled, in an int64."""
    x = x & _MASK
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & _MASK
    x = ((x ^ (x >> 15)) * 0x846CA68B) & _MASK
    return x ^ (x >> 16)


def _join_tables(embeddings: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """One table of all codebooks and a row of zeros, (rows, dim), and where each one's begins, (codebooks,).

    The embeddings keep their weights, as parts of it: the memory is taken once.
    """
    weights = [embedding.weight for embedding in embeddings]
    table = torch.cat([*weights, torch.zeros_like(weights[0][:1])])
    sizes = torch.tensor([len(weight) for weight in weights])
    starts = sizes.cumsum(0) - sizes
    for embedding, start, size in zip(embeddings, starts.tolist(), sizes.tolist(), strict=True):
        embedding.weight = torch.nn.Parameter(table[start : start + size], requires_grad=False)
    return table, starts.to(table.device)


def _embed(table: Any, codes: torch.Tensor) -> torch.Tensor:
    """What moshi's embedding gives for codes of which none is the special -1: (slots,) -> (slots, dim)."""
    embedded = F.embedding(codes, table.weight)
    return embedded if table.low_rank is None else table.low_rank(embedded)


def _depformer_layer(layer: Any, cache: torch.Tensor, codebook: int, weights: int, x: torch.Tensor) -> torch.Tensor:
    """One layer for one codebook: x is (slots, 1, dim); cache, (2, slots, heads, codebooks, head_dim), is added to."""
    attention = layer.self_attn
    _, slots, heads, _, head_dim = cache.shape
    projected = attention.in_projs[weights](norm(layer.norm1, x)).view(slots, 3, heads, head_dim)
    cache[:, :, :, codebook].copy_(projected[:, 1:].transpose(0, 1))
    keys, values = cache[:, :, :, : codebook + 1].unbind()
    heard = F.scaled_dot_product_attention(projected[:, 0, :, None], keys, values)
    x = x + layer.layer_scale_1(attention.out_projs[weights](heard.view(slots, 1, heads * head_dim)))
    result: torch.Tensor = x + layer.layer_scale_2(layer.gating[weights](norm(layer.norm2, x)))
    return result
