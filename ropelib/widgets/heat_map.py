"""Attention weights with RoPE, without positions, and the difference, recomputed in the browser (chapter 02)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ropelib import plotting, worked_example
from ropelib.reference import Floats, inverse_frequencies
from ropelib.tables import table
from ropelib.widgets.base import Interactive, Ruled, color_table, integer, module_source, style_source
from ropelib.worked_example import PositionFreeAttention, RotaryPositionAttention

LONGEST = 64
WIDEST = 128
READABLE = 8


@dataclass(frozen=True)
class Example:
    """A sequence to attend over: its name in the menu, its tokens, queries and keys, (seq, head_dim) each."""

    name: str
    tokens: list[str]
    queries: Floats
    keys: Floats

    def __post_init__(self) -> None:
        seq, shapes = len(self.tokens), (self.queries.shape, self.keys.shape)
        if shapes[0] != shapes[1] or self.queries.ndim != 2 or shapes[0][0] != seq or not 2 <= seq <= LONGEST:
            rule = f"Q and K must both be (seq, head_dim), with one token a row and 2 to {LONGEST} rows"
            raise ValueError(f"{rule}, but there are {seq} tokens and the shapes are {shapes[0]} and {shapes[1]}")
        if shapes[0][1] % 2 or not 0 < shapes[0][1] <= WIDEST:
            raise ValueError(f"head_dim must be even and 2 to {WIDEST}, but got {shapes[0][1]}")
        if not (np.isfinite(self.queries).all() and np.isfinite(self.keys).all()):
            raise ValueError("Q and K must be finite, but hold NaN or infinite numbers")

    def sent(self) -> dict[str, Any]:
        q, k = self.queries, self.keys
        return {"name": self.name, "tokens": self.tokens, "q": q.tobytes(), "k": k.tobytes(), "head_dim": q.shape[1]}


def _accept_base(value: float) -> float:
    inverse_frequencies(2, value)
    return float(value)


def _own(Q: ArrayLike | None, K: ArrayLike | None, tokens: Sequence[str] | None) -> Example:
    queries = np.array(worked_example.Q if Q is None else Q, dtype=np.float64)
    keys = np.array(worked_example.K if K is None else K, dtype=np.float64)
    if tokens is None:
        tokens = worked_example.TOKENS if Q is None and K is None else range(len(queries))
    words = [str(token) for token in tokens]
    is_sentence = len(words) <= READABLE and not isinstance(tokens, range)
    return Example(" ".join(words) if is_sentence else "your vectors", words, queries, keys)


def _made_up() -> list[Example]:
    """Two longer sequences: random content, and no content at all, where only positions are left to see."""
    numbered, random = [str(position) for position in range(LONGEST)], np.random.default_rng(0)
    queries, keys = random.standard_normal((2, LONGEST, 8)).round(2)
    alike = np.ones((LONGEST, 8))
    return [
        Example("random vectors", numbered, queries, keys),
        Example("one vector repeated", numbered, alike, alike),
    ]


class AttentionHeatMap(Interactive):
    """Attention weights as three maps, with RoPE, without positions and their difference, and the sums behind them.

    Q, K:     (seq, head_dim) queries and keys before rotation, with 2 to 64 rows; those of chapter 02 where not given
    tokens:   a word for each row; its number where not given
    base:     of the frequencies; finite and positive
    causal:   hide the future: token m attends to tokens 0 to m only
    sequence: 0 for these vectors, 1 for 64 random ones, 2 for one vector repeated 64 times
    seq_len:  how many tokens take part, counted from the first; all where not given

    These but the vectors and words, cell ([query, key]) and row (the query whose weights are drawn as bars, or −1) can
    be assigned later, and read back after the reader has changed them. Raises ValueError or TraitError, with the rule
    and the value, for anything else.
    Su et al. 2021, arXiv:2104.09864; pairs are "half": feature i turns with feature i + head_dim/2.
    """

    _esm = module_source("attention", "weight", "heat_map")
    _css = style_source("heat_map")
    sequence = integer(0, 0, 2)
    seq_len = integer(len(worked_example.TOKENS), 2, LONGEST)
    base = Ruled(10_000.0, "a finite positive number", _accept_base)
    causal = traitlets.Bool(False).tag(sync=True)
    cell = traitlets.List(traitlets.Int(min=0, max=LONGEST - 1), [0, 0], minlen=2, maxlen=2).tag(sync=True)
    row = integer(-1, -1, LONGEST - 1)
    sequences = traitlets.List().tag(sync=True)
    weights_colors = traitlets.Bytes(color_table(plotting.WEIGHTS)).tag(sync=True)
    signed_colors = traitlets.Bytes(color_table(plotting.SIGNED)).tag(sync=True)

    def __init__(
        self,
        Q: ArrayLike | None = None,
        K: ArrayLike | None = None,
        tokens: Sequence[str] | None = None,
        *,
        base: float = 10_000.0,
        causal: bool = False,
        sequence: int = 0,
        seq_len: int | None = None,
    ) -> None:
        self._examples = [_own(Q, K, tokens), *_made_up()]
        if seq_len is None:
            seq_len = LONGEST if sequence else len(self._examples[0].tokens)
        sent = [example.sent() for example in self._examples]
        super().__init__(sequences=sent, base=base, causal=causal, sequence=sequence, seq_len=seq_len)

    @traitlets.validate("seq_len", "sequence")
    def _fits(self, proposal: Any) -> int:
        chosen = {"seq_len": self.seq_len, "sequence": self.sequence, proposal.trait.name: proposal.value}
        longest = len(self._examples[chosen["sequence"]].tokens)
        if chosen["seq_len"] > longest:
            rule = f"seq_len must be at most {longest}, the length of sequence {chosen['sequence']}"
            raise traitlets.TraitError(f"{rule}, but got {chosen['seq_len']!r}")
        return proposal.value

    def weights(self) -> tuple[Floats, Floats]:
        """The two maps: (seq_len, seq_len) attention weights with RoPE, and without positions."""
        example, n = self._examples[self.sequence], self.seq_len
        q, k = example.queries[:n], example.keys[:n]
        rope = RotaryPositionAttention(q.shape[1], self.base, causal=self.causal)
        plain = PositionFreeAttention(q.shape[1], causal=self.causal)
        return rope.forward(q, k, q)[1], plain.forward(q, k, q)[1]

    def describe(self) -> str:
        rope, plain = self.weights()
        tokens = self._examples[self.sequence].tokens[: self.seq_len]
        change = rope - plain
        row, column = np.unravel_index(np.abs(change).round(9).argmax(), change.shape)
        masked = "causal mask" if self.causal else "no mask"
        lines = [
            f"Attention heat map: {self._examples[self.sequence].name}, {self.seq_len} tokens,"
            f" base = {self.base:g}, {masked}",
            f"largest difference {change[row, column]:+.4f}: {tokens[row]} (query {row}) to {tokens[column]}"
            f" (key {column}), {rope[row, column]:.4f} with RoPE, {plain[row, column]:.4f} without positions",
        ]
        if self.seq_len <= READABLE:
            lines += [
                table(rope, tokens, tokens, corner="with RoPE"),
                table(change, tokens, tokens, corner="difference"),
            ]
        return "\n".join(lines)

    def snapshot(self) -> Figure:
        rope, plain = self.weights()
        panels = {"with RoPE": rope, "without positions": plain, "difference": rope - plain}
        figure, is_small = Figure(figsize=(11.4, 4.1)), self.seq_len <= READABLE
        tokens = self._examples[self.sequence].tokens[: self.seq_len]
        plotting.heat_maps(panels, tokens, signed=["difference"], digits=2 if is_small else None, figure=figure)
        return figure
