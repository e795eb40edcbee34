"""How long rotating queries and keys takes on a CPU, beside three libraries: python benchmarks/rope_on_cpu.py

Everyone gets the same (batch, heads, seq, head_dim) tensors and, prepared outside the timing, the tables that it
takes. All contenders take turns within a round, in a new random order each round, in one process; outputs stay alive
while the clock runs. Before anything is timed, every result is compared with the float64 definition.
"""

import argparse
import gc
import random
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from rotary_embedding_torch import apply_rotary_emb
from torch import Tensor
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from ropelib.ops import apply_rope, build_rope_cache
from ropelib.reference import inverse_frequencies, rotate, rotation_angles

SHAPES = {"prefill": (1, 32, 2048, 128), "decode": (8, 32, 1, 128)}
END = 2048  # both shapes end at position 2047
NOTES = """
What the numbers hide:
- transformers rotates in the dtype of q. In bfloat16 that is less memory traffic, and three roundings instead of
  one: see the error column. Every other contender computes in float32, so the ratios leave it out there.
- rotary-embedding-torch keeps float32 angles, not tables: it takes their cosines and sines in every call, and a
  float32 angle is the less exact the further out it is.
- torchtune's and rotary-embedding-torch's pairing is interleaved, transformers' is half; apply_rope is timed in both.
- The torchtune formula is written afresh here, with this layout. Only the pure formula is timed, not its module.
"""


class Contender(NamedTuple):
    name: str
    pairing: str
    run: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    in_float32: bool = True


def torchtune_formula(x: Tensor, pairs: Tensor) -> Tensor:
    """Split into adjacent pairs in float32, combine, stack, flatten, cast back; pairs (seq, head_dim/2, 2)."""
    split = x.float().reshape(*x.shape[:-1], -1, 2)
    even, odd, cos, sin = split[..., 0], split[..., 1], pairs[..., 0], pairs[..., 1]
    return torch.stack([even * cos - odd * sin, odd * cos + even * sin], dim=-1).flatten(-2).type_as(x)


def contenders(seq: int, head_dim: int, dtype: torch.dtype) -> list[Contender]:
    cos, sin = (table[-seq:] for table in build_rope_cache(END, head_dim))
    full = [torch.cat([table, table], dim=-1)[None].to(dtype) for table in (cos, sin)]
    angles = torch.from_numpy(rotation_angles(np.arange(END - seq, END), inverse_frequencies(head_dim))).float()
    angles, pairs = angles.repeat_interleave(2, dim=-1), torch.stack([cos, sin], dim=-1)
    return [
        Contender("ropelib", "half", lambda q, k: apply_rope(q, k, cos, sin)),
        Contender("ropelib", "interleaved", lambda q, k: apply_rope(q, k, cos, sin, pairing="interleaved")),
        Contender("transformers", "half", lambda q, k: apply_rotary_pos_emb(q, k, *full), dtype == torch.float32),
        Contender(
            "rotary-embedding-torch",
            "interleaved",
            lambda q, k: (apply_rotary_emb(angles, q), apply_rotary_emb(angles, k)),
        ),
        Contender(
            "torchtune formula",
            "interleaved",
            lambda q, k: (torchtune_formula(q, pairs), torchtune_formula(k, pairs)),
        ),
    ]


def worst_error(contender: Contender, q: Tensor, k: Tensor) -> float:
    """The largest difference from the definition, over q's largest feature."""
    angles = rotation_angles(np.arange(END - q.shape[-2], END), inverse_frequencies(q.shape[-1]))
    expected = rotate(q.double().numpy(), np.cos(angles), np.sin(angles), pairing=contender.pairing)
    rotated = contender.run(q, k)[0].double().numpy()
    return float(np.abs(rotated - expected).max() / q.abs().max())


def forward(contender: Contender, q: Tensor, k: Tensor, grads: tuple[Tensor, Tensor]) -> object:
    with torch.no_grad():
        return contender.run(q, k)


def forward_backward(contender: Contender, q: Tensor, k: Tensor, grads: tuple[Tensor, Tensor]) -> object:
    rotated = contender.run(q, k)
    return rotated, torch.autograd.grad(rotated, (q, k), grads)


def seconds(call: Callable[[], object], repeats: int) -> float:
    start = time.perf_counter()
    alive = [call() for _ in range(repeats)]
    elapsed = time.perf_counter() - start
    del alive
    return elapsed / repeats


def measure(shape: tuple[int, ...], dtype: torch.dtype, rounds: int) -> None:
    q, k, *grads = (torch.randn(shape).to(dtype) for _ in range(4))
    everyone, passes = contenders(*shape[-2:], dtype), (forward, forward_backward)
    errors = [worst_error(contender, q, k) for contender in everyone]
    if max(errors) > 0.05:  # rounding stays far below, a wrong rotation goes far above
        raise SystemExit(f"a contender rotates differently: {errors}")
    q.requires_grad_(), k.requires_grad_()
    turns = [(row, column) for row in range(len(everyone)) for column in range(2)]
    times = np.empty((len(everyone), 2, rounds))
    repeats = 1 if q.numel() > 2**20 else 50
    for turn in range(-2, rounds):  # two rounds to warm up
        for row, column in random.sample(turns, len(turns)):
            call = partial(passes[column], everyone[row], q, k, tuple(grads))
            times[row, column, max(turn, 0)] = seconds(call, repeats)
    report(everyone, errors, times)


def report(everyone: list[Contender], errors: list[float], times: np.ndarray) -> None:
    low, median, high = (np.percentile(times, p, axis=-1) * 1e6 for p in (10, 50, 90))
    print(f"{'':23} {'pairing':12} {'forward (µs)':>31} {'forward + backward (µs)':>31} {'error':>9}")
    for row, contender in enumerate(everyone):
        cells = [f"{m:9,.0f} ({a:7,.0f} – {b:8,.0f})" for m, a, b in zip(median[row], low[row], high[row], strict=True)]
        print(f"{contender.name:23} {contender.pairing:12} {cells[0]:>31} {cells[1]:>31} {errors[row]:9.1e}")
    peers = [row for row, contender in enumerate(everyone) if row > 1 and contender.in_float32]
    for row in (0, 1):
        ratios = [f"{median[peers, column].min() / median[row, column]:.2f}" for column in (0, 1)]
        print(
            f"fastest peer that computes in float32, over apply_rope {everyone[row].pairing}: "
            f"{ratios[0]} forward, {ratios[1]} with backward"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="PyTorch's threads")
    parser.add_argument("--rounds", type=int, default=25, help="timed turns of each contender")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    gc.disable()
    print(f"torch {torch.__version__}, {arguments.threads} threads; median (p10 – p90) of {arguments.rounds} rounds")
    for dtype in (torch.float32, torch.bfloat16):
        for name, shape in SHAPES.items():
            print(f"\n{name} {shape}, {str(dtype).removeprefix('torch.')}")
            measure(shape, dtype, arguments.rounds)
    print(NOTES)


if __name__ == "__main__":
    main()
