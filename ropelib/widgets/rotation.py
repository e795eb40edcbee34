"""Two arrows that turn by their positions: the rotation identity, to be moved by hand (chapter 01)."""

import math
from collections.abc import Sequence

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ropelib import plotting
from ropelib.reference import Floats, rotation_matrix
from ropelib.widgets.base import Interactive, Ruled, arrow, integer, module_source, number, one_of, style_source
from ropelib.worked_example import TOKENS

SHORTEST, LONGEST = 0.1, 10.0
LAST_POSITION = 131_072
MOST_TOKENS = 12


def _accept_tokens(value: Sequence[str]) -> list[str]:
    if (
        isinstance(value, str)
        or not 1 <= len(value) <= MOST_TOKENS
        or not all(isinstance(token, str) for token in value)
    ):
        raise ValueError(value)
    return list(value)


class RotationVisualiser(Interactive):
    """A query and a key on one plane, each turned by its position times the frequency.

    q, k:      two numbers each, the pair before it is turned; an arrow of length 0.1 to 10
    m, n:      positions of query and key, in tokens
    inv_freq:  θ, the frequency of the pair, in radians per position; 0 to π
    direction: 1 turns counter-clockwise, −1 clockwise
    tokens:    words that stand at positions 0, 1, …; at most 12

    All can be assigned later, and read back after the reader has moved something. Raises TraitError, with the rule
    and the value, for anything else. Su et al. 2021, arXiv:2104.09864, §3.2.1.
    """

    _esm = module_source("plane", "rotation")
    _css = style_source("rotation")
    q = arrow((1.2, 0.3), SHORTEST, LONGEST)
    k = arrow((0.5, 1.0), SHORTEST, LONGEST)
    m = integer(1, 0, LAST_POSITION)
    n = integer(3, 0, LAST_POSITION)
    inv_freq = number(0.5, 0, math.pi)
    direction = one_of(1, 1, -1)
    tokens = Ruled(tuple(TOKENS), f"1 to {MOST_TOKENS} words", _accept_tokens)
    start = traitlets.Dict().tag(sync=True)  # where "start again" leads

    def __init__(
        self,
        q: ArrayLike = (1.2, 0.3),
        k: ArrayLike = (0.5, 1.0),
        *,
        m: int = 1,
        n: int = 3,
        inv_freq: float = 0.5,
        direction: int = 1,
        tokens: Sequence[str] = TOKENS,
    ) -> None:
        super().__init__(q=q, k=k, m=m, n=n, inv_freq=inv_freq, direction=direction, tokens=tokens)
        self.start = {name: getattr(self, name) for name in ("q", "k", "m", "n", "inv_freq", "direction")}

    def describe(self) -> str:
        theta = self.direction * self.inv_freq
        (query, key), offset = self._turned(), self.n - self.m
        between = abs(math.atan2(query[0] * key[1] - query[1] * key[0], query @ key))
        score, identity = query @ key, np.array(self.q) @ rotation_matrix(offset * theta) @ np.array(self.k)
        way, minus = ("counter-clockwise", "") if self.direction == 1 else ("clockwise", "-")
        sides = f"R({minus}mθ)q · R({minus}nθ)k", f"q · R({minus}(n-m)θ)k"
        return "\n".join(
            [
                f"Rotation visualiser: θ = {self.inv_freq:.4f} rad a token, {way}",
                f"query {_point(self.q)} at m = {self.m}{self._word(self.m)}, turned by {self.m * theta:.4f} rad"
                f" to {_point(query)}",
                f"key {_point(self.k)} at n = {self.n}{self._word(self.n)}, turned by {self.n * theta:.4f} rad"
                f" to {_point(key)}",
                f"offset n - m = {offset}, angle between the turned arrows {between:.4f} rad",
                f"{sides[0]} = {score:.6f}",
                f"{sides[1]:<{len(sides[0])}} = {identity:.6f}",
            ]
        )

    def snapshot(self) -> Figure:
        figure = Figure(figsize=(4.8, 4.8))
        size = 1.25 * max(1.2, math.hypot(*self.q), math.hypot(*self.k))
        _, axes = plotting.plane(size, f"query at {self.m}, key at {self.n}, θ = {self.inv_freq:g}", figure)
        turned = self._turned()
        sides = (("q", self.q, turned[0], plotting.QUERY), ("k", self.k, turned[1], plotting.KEY))
        for name, before, after, color in sides:
            plotting.arrow(axes, before, name, color, dashed=True)
            plotting.arrow(axes, after, f"R {name}", color)
        return figure

    def _turned(self) -> tuple[Floats, Floats]:
        theta = self.direction * self.inv_freq
        return rotation_matrix(self.m * theta) @ np.array(self.q), rotation_matrix(self.n * theta) @ np.array(self.k)

    def _word(self, position: int) -> str:
        return f' ("{self.tokens[position]}")' if position < len(self.tokens) else ""


def _point(pair: Sequence[float]) -> str:
    return f"({pair[0]:.4f}, {pair[1]:.4f})"
