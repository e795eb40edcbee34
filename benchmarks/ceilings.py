"""The ceilings above a kernel, what a call costs, and three measurements that are wrong: for benchmarks.steps.

They need the kernels of chapter 13 as a module, which benchmarks.steps makes of its cells.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from benchmarks.timing import (
    buffers_for,
    capture,
    chase_kernel,
    copies,
    copy_kernel,
    nothing_kernel,
    side_by_side,
)
from ropelib import inverse_frequencies
from ropelib.ops import build_rope_cache, rope_torch
from ropelib.triton_fast import rope
from ropelib.triton_kernel import rotate

HEADS, HEAD_DIM = (32, 8), 128
COPY_BLOCKS = (2048, 4096, 8192)

Calls = dict[str, Callable[[int], object]]


def heads_of(
    batch: int,
    seq: int,
    layout: str = "bshd",
    dtype: torch.dtype = torch.bfloat16,
    heads: tuple[int, int] = HEADS,
) -> tuple[Tensor, Tensor]:
    """q and k, (batch, heads, seq, head_dim), in memory as layout says."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if layout == "bhsd":
        return tuple(torch.randn(batch, n, seq, HEAD_DIM, device=device, dtype=dtype) for n in heads)
    return tuple(torch.randn(batch, seq, n, HEAD_DIM, device=device, dtype=dtype).transpose(1, 2) for n in heads)


def traffic(batch: int, seq: int) -> int:
    return 2 * 2 * batch * seq * sum(HEADS) * HEAD_DIM


def timed(calls: Calls, buffers: int, rounds: int, repeat: int = 8) -> dict[str, dict[str, float]]:
    count = max(buffers, repeat)
    graphs = {name: capture(call, buffers, count) for name, call in calls.items()}
    return {name: asdict(timing) for name, timing in side_by_side(graphs, count, rounds).items()}


def latency(steps: int = 20_000, lines: int = 2**20) -> float:
    """Nanoseconds from asking for a number in memory to having it: each of a chain of loads needs the one before."""
    order = torch.randperm(lines, device="cuda") * 32  # one number in each line of 128 bytes
    order = torch.cat([order[order == 0], order[order != 0]]).to(torch.int32)
    following = torch.zeros(lines * 32, dtype=torch.int32, device="cuda")
    following[order.long()] = order.roll(-1)
    other, out = torch.empty(2**28, device="cuda"), torch.empty(1, dtype=torch.int32, device="cuda")
    chase_kernel[(1,)](following, out, STEPS=steps, num_warps=1)
    assert out.item() == order[steps % lines].item()
    values = []
    for _ in range(5):
        other.fill_(1.0)  # 1 GiB, which puts the chain out of the cache
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        chase_kernel[(1,)](following, out, STEPS=steps, num_warps=1)
        end.record()
        torch.cuda.synchronize()
        values.append(start.elapsed_time(end) / steps * 1e6)
    return statistics.median(values)


def copy_of(megabytes: float, rounds: int) -> dict[str, float]:
    """A copy that reads and writes that many megabytes together."""
    numbers = int(megabytes * 1e6 / 8) // 8192 * 8192
    buffers = buffers_for(8 * numbers)
    flat = [(torch.randn(numbers, device="cuda"),) for _ in range(buffers)]
    times = timed({str(b): lambda i, b=b: copies(flat[i], b) for b in COPY_BLOCKS}, buffers, rounds)
    best = min(times.values(), key=lambda t: t["median"])
    return {"bytes": 8 * numbers} | best


def copy_wide(x: Tensor, warps: int) -> Tensor:
    """1024 numbers of two bytes a program, by that many times 32 threads."""
    out = torch.empty_like(x)
    copy_kernel[(x.numel() // 1024,)](x, out, x.numel(), BLOCK=1024, num_warps=warps)
    return out


def ceilings(ours: ModuleType, rounds: int) -> Any:
    x = [torch.randn(2**23, 2, device="cuda").to(torch.bfloat16).reshape(-1) for _ in range(3)]
    x = [torch.cat([part] * 5) for part in x]  # 168 MB, as much as q and k of the large case
    wide = {str(2 * 1024 // (32 * warps)): lambda i, w=warps: copy_wide(x[i], w) for warps in (4, 8, 16, 32)}
    fp32 = [torch.randn(2**25, device="cuda") for _ in range(3)]
    busy = {str(n): lambda i, n=n: ours.work(fp32[i], n) for n in (1, 4, 16, 32, 64, 128, 256, 512, 1024)}
    one = torch.zeros(1, device="cuda")
    return {
        "copy": [copy_of(mb, rounds) for mb in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)],
        "bytes a thread": {"bytes": 4 * x[0].numel(), "times": timed(wide, 3, rounds)},
        "operations": {"numbers": fp32[0].numel(), "times": timed(busy, 3, rounds)},
        "empty kernel": timed({"": lambda i: nothing_kernel[(1,)](one)}, 1, rounds, 200)[""],
        "empty kernel, CPU": cpu_cost(lambda: nothing_kernel[(1,)](one)),
        "latency, ns": latency(),
    }


def cpu_cost(call: Callable[[], object], count: int = 200, rounds: int = 15) -> float:
    """Microseconds that Python is busy with one call: the GPU is not waited for."""
    values = []
    for _ in range(rounds):
        call()
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(count):
            call()
        values.append((time.perf_counter() - start) / count * 1e6)
        torch.cuda.synchronize()
    return statistics.median(values)


def decode(ours: ModuleType, batch: int, rounds: int) -> Any:
    """One new token at position 5000 in every sequence."""
    sets = [heads_of(batch, 1) for _ in range(16)]
    inv_freq = inverse_frequencies(HEAD_DIM)
    cos, sin = (t[5000:5001].contiguous() for t in build_rope_cache(5001, HEAD_DIM, device="cuda"))
    calls: Calls = {
        "PyTorch, operation by operation": lambda i: rope_torch(*sets[i], cos, sin),
        "chapter 12, two launches": lambda i: [rotate(x, cos, sin, block=1) for x in sets[i]],
        "one launch": lambda i: ours.together(*sets[i], cos, sin, ours.table_angles, tile=(1, 8), warps=4),
        "ropelib.triton_fast.rope": lambda i: rope(*sets[i], inv_freq=inv_freq, offset=5000),
    }
    times = timed(calls, 16, rounds, 200)
    for name, call in calls.items():
        times[name]["called"] = stopwatch(lambda c=call: [c(i % 16) for i in range(200)], 15, True) / 200
        times[name]["cpu"] = cpu_cost(lambda c=call: c(0))
    return {"bytes": traffic(batch, 1), "times": times}


def stopwatch(call: Callable[[], object], times: int, wait: bool) -> float:
    """Microseconds, as a stopwatch in Python reads them; with wait it is stopped when the GPU is ready."""
    values = []
    for _ in range(times):
        torch.cuda.synchronize()
        start = time.perf_counter()
        call()
        if wait:
            torch.cuda.synchronize()
        values.append((time.perf_counter() - start) * 1e6)
    return statistics.median(values)


def mistakes(ours: ModuleType, rounds: int) -> Any:
    """Three ways to fool oneself, and what is right."""
    inv_freq = inverse_frequencies(HEAD_DIM)
    turns = ours.turns_of(inv_freq).cuda()
    exact = (turns, turns, ours.exact_angles)
    large = heads_of(4, 4096)
    tables = build_rope_cache(4096, HEAD_DIM, device="cuda")
    first = []
    for _ in range(20):  # no other call has this tile with this number of warps, so the first one compiles
        torch.cuda.synchronize()
        start = time.perf_counter()
        ours.together(*large, *exact, tile=(4, 4), warps=4)
        torch.cuda.synchronize()
        first.append((time.perf_counter() - start) * 1e6)
    watched = {
        "exact phases, 4 heads share": lambda: ours.together(*large, *exact, tile=(4, 4)),
        "PyTorch, operation by operation": lambda: rope_torch(*large, *tables),
    }
    for call in watched.values():
        call()
    return {
        "stopwatch": {
            name: {"stopped at once": stopwatch(call, 30, False), "stopped when ready": stopwatch(call, 30, True)}
            for name, call in watched.items()
        },
        "cache": [from_the_cache(ours, seq, rounds) for seq in (128, 256, 512, 1024, 1536, 2048, 4096, 8192)],
        "calls": first,
    }


def from_the_cache(ours: ModuleType, seq: int, rounds: int) -> Any:
    """The same rotation on one set of buffers again and again, and on many in turn."""
    turns = ours.turns_of(inverse_frequencies(HEAD_DIM)).cuda()
    moved = traffic(1, seq)
    sets = [heads_of(1, seq) for _ in range(buffers_for(moved))]
    result: dict[str, Any] = {"bytes": moved, "sets": len(sets)}
    for name, buffers in (("one set", 1), ("many sets", len(sets))):
        calls = {"": lambda i: ours.together(*sets[i], turns, turns, ours.exact_angles, tile=(4, 4))}
        result[name] = timed(calls, buffers, rounds, 64)[""]
    return result
