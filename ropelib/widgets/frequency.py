"""All the clock hands of a head at any position, under every scaling rule (chapter 03)."""

from collections.abc import Callable
from typing import Any

import numpy as np
import traitlets
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ropelib import plotting, scaling
from ropelib.reference import Floats, rotation_angles
from ropelib.tables import table
from ropelib.widgets.base import Interactive, color_table, integer, module_source, one_of, style_source

LAST_POSITION = 131_072
HEAD_DIMS = (4, 64, 128)
BASES = (10_000.0, 500_000.0, 1_000_000.0)
# One stretch for all rules, so that they can be compared: Llama 3.1's, from 8192 tokens to 65 536.
FACTOR, TRAINED = 8.0, 8192
RULES: dict[str, Callable[[int, float], scaling.Scaled]] = {
    "none": scaling.default,
    "linear": lambda head_dim, base: scaling.linear(head_dim, base, factor=FACTOR),
    "ntk": lambda head_dim, base: scaling.ntk(head_dim, base, factor=FACTOR),
    "yarn": lambda head_dim, base: scaling.yarn(
        head_dim, base, factor=FACTOR, original_max_position_embeddings=TRAINED
    ),
    "llama3": lambda head_dim, base: scaling.llama3(
        head_dim,
        base,
        factor=FACTOR,
        low_freq_factor=1.0,
        high_freq_factor=4.0,
        original_max_position_embeddings=TRAINED,
    ),
}
NAMES = {
    "none": "none",
    "linear": f"linear, factor {FACTOR:g}",
    "ntk": f"NTK-aware, factor {FACTOR:g}",
    "yarn": f"YaRN, factor {FACTOR:g}, trained on {TRAINED}",
    "llama3": f"Llama 3, factor {FACTOR:g}, trained on {TRAINED}",
}


class FrequencyExplorer(Interactive):
    """Every pair of a head as a clock hand, and its wave against position; below, their mean cosine against distance.

    head_dim: features of one attention head: 4, 64 or 128
    base:     10 000, 500 000 or 1 000 000
    rule:     how frequencies are scaled: "none", "linear", "ntk", "yarn" or "llama3", see ropelib.scaling; each by
              the factor 8, with 8192 as the trained length where the rule needs one
    position: in tokens, 0 to 131 072; also the distance at which the mean cosine is read
    pair:     the pair whose wave is drawn as a line

    All can be assigned later, and read back after the reader has moved something. Raises TraitError, with the rule
    and the value, for anything else.
    """

    _esm = module_source("frequency")
    _css = style_source("frequency")
    head_dim = one_of(128, *HEAD_DIMS)
    base = one_of(BASES[0], *BASES)
    rule = one_of("none", *RULES)
    position = integer(0, 0, LAST_POSITION)
    pair = integer(0, 0, max(HEAD_DIMS) // 2 - 1)
    names = traitlets.Dict(NAMES).tag(sync=True)
    spectra = traitlets.List().tag(sync=True)
    signed = traitlets.Bytes(color_table(plotting.SIGNED)).tag(sync=True)

    def __init__(
        self, head_dim: int = 128, base: float = BASES[0], *, rule: str = "none", position: int = 4096, pair: int = 0
    ) -> None:
        choice = {"head_dim": head_dim, "base": base, "rule": rule, "position": position, "pair": pair}
        super().__init__(**choice, spectra=[_spectrum(*key) for key in _keys()])

    @traitlets.validate("pair", "head_dim")
    def _has_such_a_pair(self, proposal: Any) -> int:
        chosen = {"pair": self.pair, "head_dim": self.head_dim, proposal.trait.name: proposal.value}
        if chosen["pair"] >= chosen["head_dim"] // 2:
            rule = f"pair must be below head_dim/2 = {chosen['head_dim'] // 2}"
            raise traitlets.TraitError(f"{rule}, but got {chosen['pair']!r}")
        return proposal.value

    def describe(self) -> str:
        inv_freq, attention_factor = RULES[self.rule](self.head_dim, self.base)
        turns = rotation_angles([self.position], inv_freq)[0] / (2 * np.pi)
        fewer, lengths = np.flatnonzero(turns < 1), 2 * np.pi / inv_freq
        shown = sorted({0, len(inv_freq) // 4, len(inv_freq) // 2, len(inv_freq) - 1})
        numbers = [lengths[shown], turns[shown]]
        extra = f", attention_factor {attention_factor:.4f}" if attention_factor != 1 else ""
        which = f", pairs {fewer[0]} to {fewer[-1]}" if fewer.size else ""
        return "\n".join(
            [
                f"Frequency explorer: head_dim = {self.head_dim}, base = {self.base:.0f},"
                f" scaling: {NAMES[self.rule]}{extra}",
                f"at position {self.position}, {fewer.size} of {len(inv_freq)} pairs have not completed a turn{which}",
                f"mean cosine at this distance {np.cos(self.position * inv_freq).mean():.6f}",
                table(numbers, ["wavelength", "turns"], [f"pair {i}" for i in shown], digits=2),
            ]
        )

    def snapshot(self) -> Figure:
        inv_freq, _ = RULES[self.rule](self.head_dim, self.base)
        figure = Figure(figsize=(8.6, 5.6))
        clocks, axes = figure.subplots(2, 1, height_ratios=[1.5, 1])
        for number, theta in enumerate(inv_freq):
            _draw_clock(clocks, number, self.position * theta)
        clocks.axis("off")
        clocks.set(aspect="equal", title=f"hands at position {self.position}; dotted: no full turn yet")
        distances = np.arange(max(64, self.position) + 1)
        axes.plot(distances, mean_cosine(distances, inv_freq), color=plotting.QUERY, linewidth=1)
        axes.set(xlabel="distance (tokens)", ylabel="mean cosine", ylim=(-1.05, 1.05))
        return figure


def mean_cosine(distances: np.ndarray, inv_freq: Floats) -> Floats:
    """Share of the score that a key equal to its query keeps at each distance: the mean of cos(distance·θ)."""
    total = np.zeros(len(distances))
    for frequency in inv_freq:
        total += np.cos(distances * frequency)
    return total / len(inv_freq)


def _draw_clock(axes: Axes, number: int, angle: float) -> None:
    row, column = divmod(number, 16)
    x, y = 2.6 * column, -3.3 * row
    has_turned = angle >= 2 * np.pi
    circle, swept = np.linspace(0, 2 * np.pi, 61), np.linspace(0, angle, 40)
    style = {"color": plotting.REFERENCE, "linewidth": 1, "linestyle": "-" if has_turned else ":"}
    axes.plot(x + np.cos(circle), y + np.sin(circle), **style)
    if not has_turned:
        axes.fill([x, *x + np.cos(swept)], [y, *y + np.sin(swept)], color=plotting.OTHER, alpha=0.35, linewidth=0)
    axes.plot([x, x + np.cos(angle)], [y, y + np.sin(angle)], color=plotting.QUERY)
    axes.text(x, y - 1.55, str(number), ha="center", va="center", fontsize=10)


def _keys() -> list[tuple[int, float, str]]:
    return [(head_dim, base, rule) for head_dim in HEAD_DIMS for base in BASES for rule in RULES]


def _spectrum(head_dim: int, base: float, rule: str) -> dict[str, Any]:
    inv_freq, attention_factor = RULES[rule](head_dim, base)
    key = {"head_dim": head_dim, "base": base, "rule": rule}
    return {**key, "inv_freq": inv_freq.tobytes(), "attention_factor": attention_factor}
