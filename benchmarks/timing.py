"""Time GPU kernels side by side: CUDA graphs of many calls, replayed in turn, on more memory than the caches hold.

What goes wrong without that: a launch from Python costs more than a small kernel; a buffer that was just written is
still in the cache; an output that nobody keeps is written to the same lines again; and a clock that changes between
two measurements is taken for a difference between two kernels.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

import torch
import triton
import triton.language as tl
from torch import Tensor

CACHES = 4  # buffers hold that many times the L2 cache
MOST_BUFFERS = 64


@dataclass(frozen=True)
class Timing:
    """Microseconds a call: the median of all rounds, and their tenth and ninetieth percentile."""

    median: float
    low: float
    high: float


def buffers_for(bytes_moved: int) -> int:
    """How many sets of buffers a measurement goes through, so that none is still in the cache when it comes again."""
    cache = torch.cuda.get_device_properties(0).L2_cache_size
    return max(3, min(MOST_BUFFERS, -(-CACHES * cache // max(bytes_moved, 1))))


def capture(call: Callable[[int], object], buffers: int, calls: int) -> torch.cuda.CUDAGraph:
    """A graph of calls: call(i) works on buffer set i % buffers, and its result lives until that set comes again."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for i in range(3):
            call(i % buffers)
    torch.cuda.current_stream().wait_stream(stream)
    graph, alive = torch.cuda.CUDAGraph(), [None] * buffers
    with torch.cuda.graph(graph):
        for i in range(calls):
            alive[i % buffers] = call(i % buffers)
    graph.alive = alive, call  # what a replay reads and writes must not be freed before it
    return graph


def side_by_side(graphs: dict[str, torch.cuda.CUDAGraph], calls: int, rounds: int = 15) -> dict[str, Timing]:
    """Replay the graphs in turn, each round beginning with another one, and time every replay on the GPU."""
    names = list(graphs)
    events: dict[str, list[tuple[torch.cuda.Event, torch.cuda.Event]]] = {name: [] for name in names}
    for graph in graphs.values():
        graph.replay()
    for round_ in range(rounds):
        for i in range(len(names)):
            name = names[(round_ + i) % len(names)]
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            graphs[name].replay()
            end.record()
            events[name].append((start, end))
    torch.cuda.synchronize()
    return {name: summary([1000 * a.elapsed_time(b) / calls for a, b in pairs]) for name, pairs in events.items()}


def summary(values: list[float]) -> Timing:
    low, *_, high = statistics.quantiles(values, n=10)
    return Timing(statistics.median(values), low, high)


@triton.jit
def copy_kernel(source, target, count, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    tl.store(target + at, tl.load(source + at, mask=at < count), mask=at < count)


def copies(tensors: tuple[Tensor, ...], block: int) -> list[Tensor]:
    """Copy every tensor, as the yardstick: the same bytes, read once and written once, and no arithmetic."""
    results = [torch.empty_like(x) for x in tensors]
    for x, out in zip(tensors, results, strict=True):
        copy_kernel[(triton.cdiv(x.numel(), block),)](x, out, x.numel(), BLOCK=block, num_warps=4)
    return results


@triton.jit
def nothing_kernel(x):
    """What a launch costs, and no more."""


@triton.jit
def chase_kernel(following, out, STEPS: tl.constexpr):
    """Each load needs the result of the one before: what is measured is how long one takes."""
    at = 0
    for _ in range(STEPS):
        at = tl.load(following + at)
    tl.store(out, at)
