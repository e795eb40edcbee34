"""Read a Llama's sizes, words and weights from a GGUF file, and say what is wrong with one that cannot be read."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ropelib.texts import REMEDY

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_CONTROL = 3  # the GGUF type of tokens that are no text
_SMOLLM = "smollm"  # the one way of splitting text that is rebuilt here


@dataclass(frozen=True)
class Config:
    """The sizes of a Llama. `context_length` is the longest text, in tokens, that it was trained on."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    head_dim: int
    feed_forward: int
    words: int
    base: float
    context_length: int
    epsilon: float


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of a byte-level BPE and its merges, as the file lists them; `ends` are those that end a text."""

    tokens: list[str]
    merges: list[str]
    special: list[str]
    ends: frozenset[int]

    def tokenizer(self) -> "Tokenizer":
        from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

        merges = [tuple(merge.split(" ")) for merge in self.merges]
        tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(self.tokens)}, merges=merges))
        digits, bytes_ = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, bytes_])
        tokenizer.decoder = decoders.ByteLevel()
        tokenizer.add_special_tokens([AddedToken(token, special=True) for token in self.special])
        return tokenizer


def read(path: Path) -> tuple[Config, Vocabulary, dict[str, Tensor]]:
    """The sizes, the vocabulary and every weight, as float32, of a Llama with tied embeddings.

    Raises FileNotFoundError; ValueError for a file that is cut short or no GGUF, another architecture, a scaling
    rule, a missing tensor or one of the wrong shape.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is a folder, not a GGUF file" if path.is_dir() else f"there is no file {path}")
    try:
        import gguf
        import tokenizers  # noqa: F401 (asked here, where the remedy can be told)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"the package {error.name}, which reads the model, is not installed: {REMEDY}"
        ) from error

    try:
        reader = gguf.GGUFReader(path)
        values = {name: field.contents() for name, field in reader.fields.items()}
    except (ValueError, IndexError, KeyError, OverflowError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} must be a whole GGUF file, but it is cut short or of another kind") from error
    config, vocabulary = _config(path.name, values), _vocabulary(path.name, values)
    stored = {tensor.name: tensor for tensor in reader.tensors}
    expected = _shapes(config)
    if missing := sorted(expected.keys() - stored.keys()):
        raise ValueError(f"{path.name} must hold every tensor of a Llama, but {', '.join(missing[:3])} is missing")
    if unknown := sorted(stored.keys() - expected.keys()):
        raise ValueError(f"{path.name} must hold a Llama with tied embeddings alone, but has {', '.join(unknown[:3])}")
    return config, vocabulary, {name: _tensor(stored[name], shape) for name, shape in expected.items()}


def _config(name: str, values: dict[str, Any]) -> Config:
    architecture = values.get("general.architecture")
    if architecture != "llama":
        raise ValueError(f'general.architecture must be "llama", but {name} has {architecture!r}')
    if "llama.rope.scaling.type" in values:
        raise ValueError(f"{name} must have plain RoPE, but its scaling is {values['llama.rope.scaling.type']!r}")
    keys = {
        "layers": "block_count",
        "width": "embedding_length",
        "heads": "attention.head_count",
        "kv_heads": "attention.head_count_kv",
        "head_dim": "rope.dimension_count",
        "feed_forward": "feed_forward_length",
        "words": "vocab_size",
        "base": "rope.freq_base",
        "context_length": "context_length",
        "epsilon": "attention.layer_norm_rms_epsilon",
    }
    if missing := [key for key in keys.values() if f"llama.{key}" not in values]:
        raise ValueError(f"{name} must state the sizes of its Llama, but llama.{missing[0]} is missing")
    return Config(**{ours: values[f"llama.{theirs}"] for ours, theirs in keys.items()})


def _vocabulary(name: str, values: dict[str, Any]) -> Vocabulary:
    kind = values.get("tokenizer.ggml.pre")
    if kind != _SMOLLM:
        raise ValueError(f'tokenizer.ggml.pre must be "{_SMOLLM}", but {name} has {kind!r}')
    keys = [f"tokenizer.ggml.{key}" for key in ("tokens", "token_type", "merges")]
    if missing := [key for key in keys if key not in values]:
        raise ValueError(f"{name} must hold its vocabulary, but {missing[0]} is missing")
    tokens, kinds, merges = (values[key] for key in keys)
    special = [token for token, kind in zip(tokens, kinds, strict=True) if kind == _CONTROL]
    ends = frozenset(tokens.index(token) for token in ("<|endoftext|>", "<|im_end|>") if token in tokens)
    return Vocabulary(tokens, merges, special, ends)


def _shapes(config: Config) -> dict[str, tuple[int, ...]]:
    width, inner, q, kv = config.width, config.feed_forward, config.heads, config.kv_heads
    block = {
        "attn_norm": (width,),
        "attn_q": (q * config.head_dim, width),
        "attn_k": (kv * config.head_dim, width),
        "attn_v": (kv * config.head_dim, width),
        "attn_output": (width, q * config.head_dim),
        "ffn_norm": (width,),
        "ffn_gate": (inner, width),
        "ffn_up": (inner, width),
        "ffn_down": (width, inner),
    }
    shapes = {f"blk.{i}.{name}.weight": shape for i in range(config.layers) for name, shape in block.items()}
    return shapes | {"token_embd.weight": (config.words, width), "output_norm.weight": (width,)}


def _tensor(stored: Any, shape: tuple[int, ...]) -> Tensor:
    from gguf.quants import dequantize

    found = tuple(int(size) for size in reversed(stored.shape))
    if found != shape:
        raise ValueError(f"{stored.name} must have shape {shape}, but its shape is {found}")
    return torch.from_numpy(np.array(dequantize(stored.data, stored.tensor_type), dtype=np.float32))
