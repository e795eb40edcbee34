"""Context extension in NumPy float64: every rule that a Hugging Face config can name.

A rule changes one step of the journey, inv_freq; YaRN and LongRoPE also set the attention_factor of
ropelib.reference.cos_sin. Parameters have Hugging Face's names, except base, its rope_theta. All rules share:

head_dim:              features of one attention head; positive and even
base:                  finite and positive
partial_rotary_factor: in (0, 1]; the first rotary_dim = int(head_dim·partial_rotary_factor) features, an even
                       number, rotate like a head of that width, and the rest carry no position
factor:                how many times longer the context becomes; at least 1
lengths:               in tokens; at least 2
returns:               inv_freq, (rotary_dim/2,), in radians per position; attention_factor, dimensionless

Each raises ValueError, with the rule and the values, for anything else. Where a paper and its authors' code differ,
the code counts, because checkpoints were trained with it.
"""

import math
from collections.abc import Callable, Sequence
from numbers import Integral, Real

import numpy as np

from ropelib.reference import Floats, inverse_frequencies

Scaled = tuple[Floats, float]


def default(head_dim: int, base: float = 10_000.0, *, partial_rotary_factor: float = 1.0) -> Scaled:
    """Plain RoPE, on a part of each head in GPT-NeoX, Phi, StableLM and others. Su et al. 2021, §3.2.2."""
    if not 0 < _number("partial_rotary_factor", partial_rotary_factor) <= 1:
        raise ValueError(f"partial_rotary_factor must be in (0, 1], but got {partial_rotary_factor!r}")
    if partial_rotary_factor == 1 or not isinstance(head_dim, Integral):
        return inverse_frequencies(head_dim, base), 1.0
    rotary_dim = int(head_dim * partial_rotary_factor)
    if rotary_dim < 2 or rotary_dim % 2:
        rule = "int(head_dim·partial_rotary_factor) must be positive and even"
        raise ValueError(f"{rule}, but is {rotary_dim} for {head_dim!r} and {partial_rotary_factor!r}")
    return inverse_frequencies(rotary_dim, base), 1.0


def linear(head_dim: int, base: float = 10_000.0, *, factor: float, partial_rotary_factor: float = 1.0) -> Scaled:
    """Position interpolation: every frequency is divided by factor. Chen et al. 2023, arXiv:2306.15595."""
    inv_freq, attention_factor = default(head_dim, base, partial_rotary_factor=partial_rotary_factor)
    return inv_freq / _number("factor", factor, least=1), attention_factor


def ntk(head_dim: int, base: float = 10_000.0, *, factor: float, partial_rotary_factor: float = 1.0) -> Scaled:
    """NTK-aware: base becomes base·factor^(rotary_dim/(rotary_dim − 2)), with rotary_dim at least 4.

    The fastest pair stays, the slowest is divided by factor. transformers has only the dynamic form, so "ntk" is a
    rope_type of this course alone. bloc97 2023, r/LocalLLaMA 14lz7j5; Peng et al. 2023, arXiv:2309.00071, §3.1.
    """
    _number("factor", factor, least=1)
    inv_freq, attention_factor = default(head_dim, base, partial_rotary_factor=partial_rotary_factor)
    rotary_dim = 2 * inv_freq.size
    if rotary_dim == 2:
        raise ValueError("NTK-aware scaling needs rotary_dim of at least 4, a fastest and a slowest pair, but got 2")
    return inverse_frequencies(rotary_dim, base * factor ** (rotary_dim / (rotary_dim - 2))), attention_factor


def dynamic_ntk(
    head_dim: int,
    base: float = 10_000.0,
    *,
    factor: float,
    max_position_embeddings: int,
    seq_len: int | None = None,
    partial_rotary_factor: float = 1.0,
) -> Scaled:
    """NTK-aware with factor·seq_len/max_position_embeddings − (factor − 1) in place of factor.

    max_position_embeddings: the trained length
    seq_len:                 the current length; None, or at most the trained length, changes nothing

    Keys that were rotated for a shorter seq_len do not fit a longer one. emozilla 2023, r/LocalLLaMA 14mrgpr, which
    is factor 1; the general form is that of Hugging Face transformers.
    """
    _number("factor", factor, least=1)
    trained = _number("max_position_embeddings", max_position_embeddings, least=2)
    longest = trained if seq_len is None else max(_number("seq_len", seq_len, least=1), trained)
    stretch = factor * longest / trained - (factor - 1)
    return ntk(head_dim, base, factor=max(stretch, 1.0), partial_rotary_factor=partial_rotary_factor)


def yarn(
    head_dim: int,
    base: float = 10_000.0,
    *,
    factor: float,
    original_max_position_embeddings: int,
    beta_fast: float = 32.0,
    beta_slow: float = 1.0,
    truncate: bool = True,
    attention_factor: float | None = None,
    mscale: float | None = None,
    mscale_all_dim: float | None = None,
    partial_rotary_factor: float = 1.0,
) -> Scaled:
    """YaRN: fast pairs stay, slow pairs are divided by factor, and a ramp over the index of the pair joins them.

    original_max_position_embeddings: the trained length
    beta_fast, beta_slow:   turns within it where the ramp starts and ends; beta_fast ≥ beta_slow > 0
    truncate:               rounds both ends of the ramp outwards to whole pairs; False in gpt-oss
    attention_factor:       positive; None means 0.1·ln(factor) + 1, unless the next two are given
    mscale, mscale_all_dim: (0.1·mscale·ln(factor) + 1)/(0.1·mscale_all_dim·ln(factor) + 1) instead; as in
                            transformers, one alone or a 0 counts as neither. DeepSeek's own attention also
                            multiplies scores by the square of the divisor

    base must exceed 1. Peng et al. 2023, arXiv:2309.00071, authors' code; the paper's own ramp (§3.2) runs over
    turns instead of the index, which is what llama3 does.
    """
    inv_freq, _ = default(head_dim, base, partial_rotary_factor=partial_rotary_factor)
    dim, trained = 2 * inv_freq.size, _number("original_max_position_embeddings", original_max_position_embeddings, 2)
    if _number("beta_fast", beta_fast) < _number("beta_slow", beta_slow):
        raise ValueError(f"beta_fast must be at least beta_slow, but they are {beta_fast!r} and {beta_slow!r}")
    if not isinstance(truncate, bool):
        raise ValueError(f"truncate must be True or False, but got {truncate!r}")
    if base <= 1:
        raise ValueError(f"base must exceed 1 for a ramp from fast to slow pairs, but got {base!r}")
    start, end = (dim * math.log(trained / (b * 2 * math.pi)) / (2 * math.log(base)) for b in (beta_fast, beta_slow))
    if truncate:
        start, end = math.floor(start), math.ceil(end)
    # dim − 1 lies beyond the last pair, dim/2 − 1; it is the authors' bound, and the slope of the ramp depends on it.
    # Theirs too: an end before the start swaps what is kept and what is divided. No published model comes near.
    start, end = max(start, 0), min(end, dim - 1)
    ramp = np.clip((np.arange(dim // 2) - start) / ((end - start) or 0.001), 0, 1)
    inv_freq = _interpolate(inv_freq, _number("factor", factor, least=1), keep=1 - ramp)

    if attention_factor is None:
        m, m_all = 1.0, 0.0
        if mscale and mscale_all_dim:
            m, m_all = _number("mscale", mscale), _number("mscale_all_dim", mscale_all_dim)
        attention_factor = (0.1 * m * math.log(factor) + 1) / (0.1 * m_all * math.log(factor) + 1)
    return inv_freq, float(_number("attention_factor", attention_factor))


def longrope(
    head_dim: int,
    base: float = 10_000.0,
    *,
    short_factor: Sequence[float],
    long_factor: Sequence[float],
    original_max_position_embeddings: int,
    max_position_embeddings: int | None = None,
    factor: float | None = None,
    attention_factor: float | None = None,
    seq_len: int | None = None,
    partial_rotary_factor: float = 1.0,
) -> Scaled:
    """LongRoPE: a search found a divisor for each pair; one list serves short sequences, one long ones.

    short_factor, long_factor:        (rotary_dim/2,) each; positive
    original_max_position_embeddings: the trained length
    max_position_embeddings, factor:  the extended length, or how many times longer it is; factor counts if both are
                                      given, and neither matters beside attention_factor
    attention_factor:                 positive; None means √(1 + ln(factor)/ln(original_max_position_embeddings))
    seq_len:                          the current length; long_factor holds above the trained one, None is short

    All positions change at once there, so cached keys do not fit. Ding et al. 2024, arXiv:2402.13753, authors' code.
    """
    inv_freq, _ = default(head_dim, base, partial_rotary_factor=partial_rotary_factor)
    trained = _number("original_max_position_embeddings", original_max_position_embeddings, least=2)
    lists = {"short_factor": short_factor, "long_factor": long_factor}
    for name, divisors in lists.items():
        if np.shape(divisors) != inv_freq.shape:
            raise ValueError(f"{name} must have shape {inv_freq.shape}, but its shape is {np.shape(divisors)}")
        lists[name] = np.array([_number(name, divisor) for divisor in divisors], dtype=np.float64)
    is_long = seq_len is not None and _number("seq_len", seq_len, least=1) > trained
    inv_freq = inv_freq / lists["long_factor" if is_long else "short_factor"]

    if attention_factor is None:
        if factor is None and max_position_embeddings is None:
            raise ValueError("longrope needs factor, max_position_embeddings or attention_factor, but all are None")
        if factor is None:
            factor = max(1.0, _number("max_position_embeddings", max_position_embeddings, least=2) / trained)
        attention_factor = math.sqrt(1 + math.log(_number("factor", factor, least=1)) / math.log(trained))
    return inv_freq, float(_number("attention_factor", attention_factor))


def llama3(
    head_dim: int,
    base: float = 10_000.0,
    *,
    factor: float,
    low_freq_factor: float,
    high_freq_factor: float,
    original_max_position_embeddings: int,
    partial_rotary_factor: float = 1.0,
) -> Scaled:
    """Llama 3.1: pairs below low_freq_factor turns are divided by factor, those above high_freq_factor stay.

    original_max_position_embeddings:  the trained length, within which turns are counted
    low_freq_factor, high_freq_factor: 0 < low ≤ high; a ramp over turns joins them, or a step if equal (Llama 4)

    Meta's llama-models, apply_scaling; as a ramp over turns it is the by-parts rule of Peng et al. 2023, §3.2.
    """
    inv_freq, attention_factor = default(head_dim, base, partial_rotary_factor=partial_rotary_factor)
    low, high = _number("low_freq_factor", low_freq_factor), _number("high_freq_factor", high_freq_factor)
    if low > high:
        raise ValueError(f"low_freq_factor must not exceed high_freq_factor, but they are {low!r} and {high!r}")
    trained = _number("original_max_position_embeddings", original_max_position_embeddings, least=2)
    turns = trained * inv_freq / (2 * math.pi)
    keep = np.clip((turns - low) / (high - low), 0, 1) if low < high else np.where(turns < low, 0.0, 1.0)
    return _interpolate(inv_freq, _number("factor", factor, least=1), keep), attention_factor


def proportional(head_dim: int, base: float = 10_000.0, *, partial_rotary_factor: float, factor: float = 1.0) -> Scaled:
    """p-RoPE: the fastest int(partial_rotary_factor·head_dim/2) pairs of the whole head rotate, divided by factor.

    partial_rotary_factor: in [0, 1]; unlike in the other rules the frequencies stay those of the whole head
    returns:               inv_freq of shape (head_dim/2,), with zeros for the pairs that stand still

    Barbero et al. 2024, arXiv:2410.06205; factor is an addition of Hugging Face transformers.
    """
    inv_freq, attention_factor = linear(head_dim, base, factor=factor)
    if _number("partial_rotary_factor", partial_rotary_factor, least=0) > 1:
        raise ValueError(f"partial_rotary_factor must be in [0, 1], but got {partial_rotary_factor!r}")
    inv_freq[int(partial_rotary_factor * head_dim // 2) :] = 0
    return inv_freq, attention_factor


RULES: dict[str, Callable[..., Scaled]] = {
    "default": default,
    "linear": linear,
    "ntk": ntk,
    "dynamic": dynamic_ntk,
    "yarn": yarn,
    "longrope": longrope,
    "su": longrope,  # its name in the first Phi-3 configs
    "llama3": llama3,
    "proportional": proportional,
    "mrope": default,  # Qwen2-VL: three positions share these frequencies
}


def _interpolate(inv_freq: Floats, factor: float, keep: Floats) -> Floats:
    return keep * inv_freq + (1 - keep) * inv_freq / factor


def _number(name: str, value: float, least: float | None = None) -> float:
    is_number = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or (value <= 0 if least is None else value < least):
        rule = "a finite positive number" if least is None else f"a finite number of at least {least}"
        raise ValueError(f"{name} must be {rule}, but got {value!r}")
    return value
