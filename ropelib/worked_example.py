"""The cat sat on the mat: five tokens, four features, and attention with and without positions.

Every step is a method of its own, so that a chapter (or a line-by-line trace) can stop after each.
"""

import numpy as np
from numpy.typing import ArrayLike

from ropelib.reference import Floats, cos_sin, inverse_frequencies, rotate, rotation_angles

TOKENS = ["The", "cat", "sat", "on", "mat"]

Q = np.array([[1, 0, 1, 0], [0, 2, 0, 1], [1, 1, 1, 0], [0, 0, 1, 1], [1, 0, 0, 1]], dtype=np.float64)
K = np.array([[0, 1, 0, 1], [1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 0.5, 0.5]], dtype=np.float64)
V = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0.5, 0.5, 0.5, 0.5]], dtype=np.float64)


class PositionFreeAttention:
    """Scaled dot-product attention of one head that cannot tell one position from another.

    d_model: features of each query and key; positive
    causal:  hide the future: token m attends to tokens 0 to m only

    Q, K:    (seq, d_model) queries and keys
    V:       (seq, any) values
    Vaswani et al. 2017, "Attention Is All You Need", eq. 1, arXiv:1706.03762.
    """

    def __init__(self, d_model: int, *, causal: bool = False) -> None:
        if not isinstance(d_model, (int, np.integer)) or isinstance(d_model, bool) or d_model <= 0:
            raise ValueError(f"d_model must be a positive integer, but got {d_model!r}")
        self.d_model = int(d_model)
        self.causal = causal

    def compute_scores(self, Q: ArrayLike, K: ArrayLike) -> Floats:
        """(seq, seq): the dot product of every query (row) with every key (column)."""
        return np.asarray(Q, dtype=np.float64) @ np.asarray(K, dtype=np.float64).T

    def scale_scores(self, scores: Floats) -> Floats:
        """(seq, seq): the scores divided by √d_model."""
        return scores / np.sqrt(self.d_model)

    def compute_weights(self, scaled: Floats) -> Floats:
        """(seq, seq): softmax of every row; each row is non-negative and sums to 1."""
        if self.causal:
            future = np.triu(np.ones_like(scaled, dtype=bool), k=1)
            scaled = np.where(future, -np.inf, scaled)
        exponentials = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
        return exponentials / exponentials.sum(axis=-1, keepdims=True)

    def compute_output(self, weights: Floats, V: ArrayLike) -> Floats:
        """(seq, any): for every token, the mean of the values under its weights."""
        return weights @ np.asarray(V, dtype=np.float64)

    def forward(self, Q: ArrayLike, K: ArrayLike, V: ArrayLike) -> tuple[Floats, Floats]:
        """Attention of Q over K and V → output (seq, any), weights (seq, seq).

        Raises ValueError where Q or K is not (seq, d_model), or V has another number of rows.
        """
        self._check(Q, K, V)
        scaled = self.scale_scores(self.compute_scores(Q, K))
        weights = self.compute_weights(scaled)
        return self.compute_output(weights, V), weights

    def _check(self, Q: ArrayLike, K: ArrayLike, V: ArrayLike) -> None:
        q, k, v = np.shape(Q), np.shape(K), np.shape(V)
        if len(q) != 2 or q != k or q[1] != self.d_model:
            raise ValueError(f"Q and K must both be (seq, d_model={self.d_model}), but their shapes are {q} and {k}")
        if len(v) != 2 or v[0] != q[0]:
            raise ValueError(f"V must have one row a token, ({q[0]}, any), but its shape is {v}")


class RotaryPositionAttention(PositionFreeAttention):
    """The same attention with queries and keys rotated by their position. Values are not rotated.

    d_model: positive and even
    base:    see inverse_frequencies; pairs are "half": feature i turns with feature i + d_model/2

    Su et al. 2021, arXiv:2104.09864.
    """

    def __init__(self, d_model: int, base: float = 10_000.0, *, causal: bool = False) -> None:
        super().__init__(d_model, causal=causal)
        self.base = base
        self.inv_freq = inverse_frequencies(d_model, base)

    def compute_angles(self, seq_len: int) -> Floats:
        """(seq_len, d_model/2): position × frequency, in radians, for positions 0 to seq_len − 1."""
        return rotation_angles(np.arange(seq_len), self.inv_freq)

    def apply_rotation(self, x: ArrayLike, angles: Floats) -> Floats:
        """(seq, d_model): every pair of every row of x, turned by its angle."""
        cos, sin = cos_sin(angles)
        return rotate(x, cos, sin, pairing="half")

    def forward(self, Q: ArrayLike, K: ArrayLike, V: ArrayLike) -> tuple[Floats, Floats]:
        """Rotate Q and K, then attend → output (seq, any), weights (seq, seq). Errors as in the twin."""
        self._check(Q, K, V)
        angles = self.compute_angles(len(np.asarray(Q)))
        return super().forward(self.apply_rotation(Q, angles), self.apply_rotation(K, angles), V)
