"""Who takes part in a case: ropelib's kernels, PyTorch, and every installed peer in the layout that it expects."""

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any

import torch
from torch import Tensor

from benchmarks.cases import DTYPES
from ropelib import inverse_frequencies
from ropelib.kernels.angles import fixed_point_turns
from ropelib.ops import build_rope_cache, rope_torch
from ropelib.triton_fast import rope
from ropelib.triton_kernel import rotate

# Where each imports from. requirements/bench.txt names those that `make test` does not install.
PACKAGES = {
    "liger-kernel": "liger_kernel",
    "quack-kernels": "quack",
    "fla-core": "fla",
    "flashinfer-python": "flashinfer",
    "rotalabs-accel": "rotalabs_accel",
    "transformers": "transformers",
}


@dataclass(frozen=True)
class Contestant:
    """run(q, k) rotates (batch, heads, seq, head_dim) tensors; inplace says whether it overwrites them."""

    name: str
    run: Callable[[Tensor, Tensor], Any]
    backward: bool = True
    inplace: bool = False


def missing() -> list[str]:
    """What cannot take part, by the names that pip knows."""
    return [name for name, module in PACKAGES.items() if importlib.util.find_spec(module) is None]


def versions() -> str:
    """Who takes part, as pip would name it."""
    absent = missing()
    return ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES if name not in absent)


def contestants(case: Any, ids: Tensor | None = None) -> Iterator[Contestant]:
    """All of them; with ids, (batch, 1), each token stands at its own position."""
    rotary_dim = case.rotary_dim or case.head_dim
    rows = 8192 if ids is not None else case.seq
    inv_freq = inverse_frequencies(rotary_dim)
    cos, sin = build_rope_cache(rows, case.head_dim, scaling=(inv_freq, 1.0), device="cuda")
    yield from _ours(case, ids, inv_freq, cos, sin)
    dtype = DTYPES[case.dtype]
    if case.pairing == "half":
        rows_of_tokens = (t[ids] if ids is not None else t[None] for t in (cos, sin))
        full = [torch.cat([t, t], dim=-1).to(dtype) for t in rows_of_tokens]
        yield from _half_peers(case, rotary_dim, *full)
    elif ids is None:
        yield from _interleaved_peers(case, dtype, cos, sin)
    yield from _peers_of_both_pairings(case, ids, cos, sin)
    if "fla-core" not in missing() and ids is None and case.name.endswith("bf16 half bshd 128"):
        yield Contestant("fla-core", _fla(cos.to(dtype), sin.to(dtype), case.pairing))


def _ours(case: Any, ids: Tensor | None, inv_freq: Any, cos: Tensor, sin: Tensor) -> Iterator[Contestant]:
    how = {"pairing": case.pairing} | ({} if ids is None else {"position_ids": ids})
    turns = fixed_point_turns(inv_freq, torch.device("cuda", torch.cuda.current_device()))
    yield Contestant("ropelib exact", lambda q, k: rope(q, k, inv_freq=turns, **how))
    yield Contestant("ropelib table", lambda q, k: rope(q, k, cos=cos, sin=sin, **how))
    yield Contestant(
        "ropelib exact in place", lambda q, k: rope(q, k, inv_freq=turns, inplace=True, **how), False, True
    )
    if ids is None and case.rotary_dim is None and case.name.startswith(("source", "medium", "bf16")):
        yield Contestant(
            "ropelib chapter 12", lambda q, k: [rotate(x, cos, sin, pairing=case.pairing) for x in (q, k)], False
        )
        yield Contestant("PyTorch eager", lambda q, k: rope_torch(q, k, cos, sin, pairing=case.pairing))


def _half_peers(case: Any, rotary_dim: int, cos: Tensor, sin: Tensor) -> Iterator[Contestant]:
    if "liger-kernel" not in missing():
        from liger_kernel.ops.rope import LigerRopeFunction

        yield Contestant("liger-kernel", lambda q, k: LigerRopeFunction.apply(q, k, cos, sin), inplace=True)
    if "transformers" not in missing() and rotary_dim == case.head_dim:
        from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

        yield Contestant("Hugging Face eager", lambda q, k: apply_rotary_pos_emb(q, k, cos, sin))
        if case.dtype != "fp16":
            compiled = _compiled(apply_rotary_pos_emb)
            yield Contestant("Hugging Face, torch.compile", lambda q, k: compiled(q, k, cos, sin))


def _peers_of_both_pairings(case: Any, ids: Tensor | None, cos: Tensor, sin: Tensor) -> Iterator[Contestant]:
    interleaved = case.pairing == "interleaved"
    if "quack-kernels" not in missing() and ids is None:
        from quack.rotary import apply_rotary_emb

        yield Contestant(
            "quack-kernels",
            lambda q, k: [
                apply_rotary_emb(x.transpose(1, 2), cos, sin, interleaved=interleaved).transpose(1, 2) for x in (q, k)
            ],
        )
    # flashinfer 0.7.2 reads beyond its tensors at head_dim 112, and launches 80 and 96 with the wrong blocks.
    power_of_two = case.head_dim in (64, 128, 256)
    if "flashinfer-python" not in missing() and case.layout == "bshd" and case.dtype != "fp32" and power_of_two:
        from flashinfer import apply_rope_with_cos_sin_cache

        table = torch.cat([cos, sin], dim=-1)
        positions = torch.arange(case.seq, device="cuda").repeat(case.batch) if ids is None else ids.flatten()

        def run(q: Tensor, k: Tensor) -> list[Tensor]:
            flat = [
                x.transpose(1, 2).flatten(2).flatten(0, 1) for x in (q, k)
            ]  # views of (batch, seq, heads, head_dim)
            out = apply_rope_with_cos_sin_cache(positions, *flat, case.head_dim, table, is_neox=not interleaved)
            return [o.view(x.transpose(1, 2).shape).transpose(1, 2) for o, x in zip(out, (q, k), strict=True)]

        yield Contestant("flashinfer", run, backward=False)


def _interleaved_peers(case: Any, dtype: torch.dtype, cos: Tensor, sin: Tensor) -> Iterator[Contestant]:
    if case.name.startswith(("source", "bf16")) and case.layout == "bshd":
        compiled = _compiled(rope_torch)
        yield Contestant("PyTorch, torch.compile", lambda q, k: compiled(q, k, cos, sin, pairing="interleaved"))
    if "rotalabs-accel" not in missing() and case.name.startswith("source"):
        from rotalabs_accel.kernels import rope as theirs

        c, s = cos.to(dtype), sin.to(dtype)
        for name, use in (("rotalabs-accel Triton", True), ("rotalabs-accel PyTorch", False)):
            yield Contestant(
                name,
                lambda q, k, use=use: [
                    x.transpose(1, 2)
                    for x in theirs.apply_rope(q.transpose(1, 2), k.transpose(1, 2), c, s, use_triton=use)
                ],
                backward=not use,
            )


def _fla(cos: Tensor, sin: Tensor, pairing: str) -> Callable[[Tensor, Tensor], Any]:
    from fla.modules.rotary import rotary_embedding

    return lambda q, k: [
        rotary_embedding(x.transpose(1, 2), cos, sin, interleaved=pairing == "interleaved").transpose(1, 2)
        for x in (q, k)
    ]


@cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    torch._dynamo.config.cache_size_limit = 256
    return torch.compile(function, dynamic=False)
