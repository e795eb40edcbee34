"""RoPE as PyTorch modules: one that owns its tables, and the worked example of the course, line by line."""

import math
from collections.abc import Callable
from numbers import Integral
from typing import ClassVar

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from ropelib.ops import apply_rope, build_rope_cache, check_tensors
from ropelib.reference import Pairing, inverse_frequencies

FARTHEST = 2**24  # rows; float32 tables of this length for head_dim 128 take 8 GB


class _ExactBuffers(nn.Module):
    """A module whose EXACT buffers follow .to(device) but keep their dtype under .half(), .bfloat16(), .to(dtype).

    Rounded frequencies, angles or tables cannot be repaired by casting back later, so they are never rounded.
    """

    EXACT: ClassVar[tuple[str, ...]]

    def _fill(self, device: torch.device) -> None:
        """Set the EXACT buffers on device, from nothing but Python attributes of this module."""
        raise NotImplementedError

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
        exact = {name: self._buffers.pop(name) for name in self.EXACT}  # out of the reach of fn
        super()._apply(fn, recurse)
        self._buffers.update(exact)
        here = exact[self.EXACT[0]].device
        there = fn(torch.empty(0, device=here)).device
        if there != here:  # filled anew, not copied: the meta device holds nothing to copy
            self._fill(there)
        return self


class RotaryEmbedding(_ExactBuffers):
    """RoPE for an attention layer: cos and sin tables, and the rotation of queries and keys.

    head_dim:    features of one attention head; positive and even
    max_seq_len: rows of the tables at first; they grow when a longer sequence or a higher position comes
    base:        as in ropelib.inverse_frequencies; unused beside scaling, which brings its own frequencies
    pairing:     "half" pairs feature i with i + rotary_dim/2, "interleaved" pairs 2i with 2i + 1
    scaling:     (inv_freq, attention_factor) as the functions of ropelib.scaling return it;
                 fewer than head_dim/2 frequencies mean partial rotary
    seq_dim:     the axis that counts tokens: −2, or 1 for (batch, seq, heads, head_dim)

    The tables are float32 buffers (rows, rotary_dim/2). They follow .to(device), keep their dtype whatever the
    module is cast to, and are in no state_dict. Raises ValueError for any other argument. Su et al. 2021, §3.2.2.
    """

    EXACT = ("cos", "sin")
    cos: Tensor
    sin: Tensor

    def __init__(
        self,
        head_dim: int,
        max_seq_len: int = 2048,
        base: float = 10_000.0,
        *,
        pairing: Pairing = "half",
        scaling: tuple[ArrayLike, float] | None = None,
        seq_dim: int = -2,
    ) -> None:
        super().__init__()
        if pairing not in ("half", "interleaved"):
            raise ValueError(f'pairing must be "half" or "interleaved", but got {pairing!r}')
        if not isinstance(seq_dim, int) or isinstance(seq_dim, bool):
            raise ValueError(f"seq_dim must be an integer, the axis that counts tokens, but got {seq_dim!r}")
        if not isinstance(max_seq_len, Integral) or isinstance(max_seq_len, bool) or max_seq_len <= 0:
            raise ValueError(f"max_seq_len must be a positive integer, but got {max_seq_len!r}")
        self.head_dim, self.base, self.scaling = head_dim, base, scaling
        self.pairing, self.seq_dim = pairing, seq_dim
        self._fill(torch.get_default_device(), max_seq_len)

    def forward(
        self, q: Tensor, k: Tensor, position_ids: Tensor | None = None, offset: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Rotate q and k by their positions, offset … offset + seq − 1 or those in position_ids.

        q, k:         (batch, heads, seq, head_dim), or as seq_dim says; any numbers of heads
        position_ids: (seq,) or (batch, seq), int64 or int32, in tokens
        offset:       position of the first token: the tokens already in the cache; not beside position_ids
        returns:      the rotated q and k, new tensors of their shapes and dtypes

        Raises what apply_rope raises, and ValueError for another head_dim, a negative offset, or an offset beside
        position_ids. Inside torch.compile the tables cannot grow: give max_seq_len what the positions need.
        """
        check_tensors(q=q, k=k, position_ids=position_ids)
        if not isinstance(offset, Integral) or isinstance(offset, bool) or offset < 0:
            raise ValueError(
                f"offset must be a non-negative integer, but got {offset!r}; rows of a batch with offsets of their "
                "own need position_ids of shape (batch, seq)"
            )
        for name, x in (("q", q), ("k", k)):
            if x.shape[-1] != self.head_dim:
                raise ValueError(f"{name} must end in head_dim = {self.head_dim}, but its shape is {tuple(x.shape)}")
            if not -x.ndim <= self.seq_dim < x.ndim:
                raise ValueError(f"seq_dim={self.seq_dim} must be an axis of {name}, whose shape is {tuple(x.shape)}")
        if position_ids is None:
            end = offset + q.size(self.seq_dim)
            self._reach(end, q.device)
            cos, sin = self.cos[offset:end], self.sin[offset:end]
            return apply_rope(q, k, cos, sin, pairing=self.pairing, seq_dim=self.seq_dim)
        if offset:
            raise ValueError(f"position_ids are positions already: give no offset beside them, but got {offset}")
        if position_ids.numel() and not torch.compiler.is_compiling():
            self._reach(int(position_ids.max()) + 1, q.device)
        return apply_rope(
            q, k, self.cos, self.sin, position_ids=position_ids, pairing=self.pairing, seq_dim=self.seq_dim
        )

    def _reach(self, rows: int, device: torch.device) -> None:
        if rows > FARTHEST:
            raise ValueError(f"positions must stay below {FARTHEST}, or the tables fill the memory, but got {rows - 1}")
        if self.cos.is_meta and device.type != "meta":  # built on meta, then given its weights and no tables
            self._fill(device)
        if rows > len(self.cos):
            self._fill(self.cos.device, max(rows, 2 * len(self.cos)))  # doubled, so that decoding seldom comes here

    @torch.compiler.disable(reason="the table of a RotaryEmbedding cannot grow while compiled: raise max_seq_len")
    def _fill(self, device: torch.device, rows: int | None = None) -> None:
        rows = len(self.cos) if rows is None else rows
        with torch.inference_mode(False):  # tables made in inference mode could not take part in training later
            cos, sin = build_rope_cache(rows, self.head_dim, self.base, scaling=self.scaling, device=device)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def extra_repr(self) -> str:
        return f"head_dim={self.head_dim}, rows={len(self.cos)}, pairing={self.pairing!r}, seq_dim={self.seq_dim}"


class RotaryPositionAttention(_ExactBuffers):
    """Attention over one sequence with rotary positions, half pairing: the worked example, one method a step.

    d_model: features of a token; positive and even
    base:    as in ropelib.inverse_frequencies
    causal:  whether a token sees only itself and what came before; the worked example sees everything

    Raises ValueError for any other d_model or base. Su et al. 2021, eq. 16 and 34.
    """

    EXACT = ("inv_freq",)
    inv_freq: Tensor

    def __init__(self, d_model: int, base: float = 10_000.0, *, causal: bool = False) -> None:
        super().__init__()
        self.d_model, self.base, self.causal = d_model, base, causal
        self._fill(torch.get_default_device())

    def _fill(self, device: torch.device) -> None:
        exact = torch.device("cpu") if device.type == "mps" else device  # MPS has no float64
        inv_freq = torch.as_tensor(inverse_frequencies(self.d_model, self.base), device=exact)
        self.register_buffer("inv_freq", inv_freq, persistent=False)

    def compute_angles(self, seq_len: int) -> Tensor:
        """(seq_len, d_model/2), in radians, float64 whatever the module was cast to."""
        positions = torch.arange(seq_len, dtype=self.inv_freq.dtype, device=self.inv_freq.device)
        return torch.outer(positions, self.inv_freq)

    def apply_rotation(self, x: Tensor, angles: Tensor) -> Tensor:
        """(..., seq, d_model): each pair (i, i + d_model/2) of each token of x turned by its angle, in x's dtype."""
        cos = angles.cos().to(x)
        sin = angles.sin().to(x)
        first, second = x.chunk(2, dim=-1)
        return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)

    def compute_scores(self, Q: Tensor, K: Tensor) -> Tensor:
        """(..., seq, seq): the dot product of every query (row) with every key (column)."""
        return Q @ K.mT

    def scale_scores(self, scores: Tensor) -> Tensor:
        """scores / √d_model, whose spread does not grow with d_model."""
        return scores / math.sqrt(self.d_model)

    def compute_weights(self, scaled: Tensor) -> Tensor:
        """(..., seq, seq): the softmax of each row, positive numbers that sum to one."""
        if self.causal:
            future = torch.ones_like(scaled, dtype=torch.bool).triu(1)
            scaled = scaled.masked_fill(future, -torch.inf)
        return scaled.softmax(dim=-1)

    def compute_output(self, weights: Tensor, V: Tensor) -> Tensor:
        """(..., seq, d_model): the values, never rotated themselves, mixed by the weights."""
        return weights @ V

    def forward(self, Q: Tensor, K: Tensor, V: Tensor) -> tuple[Tensor, Tensor]:
        """Attend with rotated queries and keys.

        Q, K, V: (..., seq, d_model), of one floating-point dtype; token i is at position i
        returns: output (..., seq, d_model), weights (..., seq, seq)

        Raises ValueError where Q or K is not (..., seq, d_model), or V has another number of rows.
        """
        self._check(Q, K, V)
        angles = self.compute_angles(Q.shape[-2])
        Q_rotated = self.apply_rotation(Q, angles)
        K_rotated = self.apply_rotation(K, angles)
        scores = self.compute_scores(Q_rotated, K_rotated)
        scaled = self.scale_scores(scores)
        weights = self.compute_weights(scaled)
        output = self.compute_output(weights, V)
        return output, weights

    def _check(self, Q: Tensor, K: Tensor, V: Tensor) -> None:
        if Q.ndim < 2 or Q.shape[-1] != self.d_model or Q.shape != K.shape or V.shape[-2:-1] != Q.shape[-2:-1]:
            raise ValueError(
                f"Q and K must be (..., seq, d_model={self.d_model}) and V have a row for each token, but their shapes "
                f"are {tuple(Q.shape)}, {tuple(K.shape)} and {tuple(V.shape)}"
            )
