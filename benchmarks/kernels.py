"""Measure the kernels of ropelib beside those of others, and write what came out to benchmarks/results.

python -m benchmarks.kernels                        every group of cases, one process
python -m benchmarks.kernels --groups decode source some of them
python -m benchmarks.kernels --processes 5          medians over five processes, and intervals of the ratios

Peers take part where they can be imported (requirements/bench.txt); the results name what was missing. Needs an
NVIDIA GPU.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.cases import DTYPES, Case, groups
from benchmarks.peers import Contestant, contestants, missing, versions
from benchmarks.report import STUDENT, command_line, line, machine, markdown
from benchmarks.timing import buffers_for, capture, copies, side_by_side
from ropelib import inverse_frequencies
from ropelib.kernels import launch
from ropelib.kernels.cache import rope_into_cache
from ropelib.kernels.norm import norm_rope
from ropelib.ops import build_rope_cache, rope_torch
from ropelib.triton_fast import rope

RESULTS = Path(__file__).parent / "results"
COPY_BLOCKS = (2048, 4096, 8192)  # the yardstick is the fastest of these copies


def measure(case: Case, rounds: int) -> dict[str, object]:
    """Every contestant of one case, beside copies of the same bytes."""
    passes = 2 if case.backward else 1
    buffers = buffers_for(case.traffic * passes)
    calls = max(buffers, 8)
    sets = [case.tensors() for _ in range(buffers)]
    flat = [as_one(s) for s in sets]
    graphs, wrong, skipped = {}, {}, {}
    for block in COPY_BLOCKS:
        graphs[f"copy {block}"] = capture(
            lambda i, b=block: [copies(flat[i], b) for _ in range(passes)], buffers, calls
        )
    for contestant in contestants(case):
        if case.backward and not contestant.backward:
            continue
        try:
            error = relative_error(contestant, case, sets[0])
            graphs[contestant.name] = capture(calling(contestant, case, sets), buffers, calls)
            if error > 4 * torch.finfo(DTYPES[case.dtype]).eps:
                wrong[contestant.name] = error
        except Exception as error:
            skipped[contestant.name] = f"{type(error).__name__}: {error}"[:200]
    timings = side_by_side(graphs, calls, rounds)
    yardstick = min(timings.pop(f"copy {block}").median for block in COPY_BLOCKS)
    return {
        "case": asdict(case) | {"traffic": case.traffic * passes},
        "copy": yardstick,
        "times": {name: asdict(t) for name, t in timings.items()},
        "wrong": wrong,
        "skipped": skipped,
        "inplace": inplace_names(case),
    }


def as_one(tensors: tuple[Tensor, ...]) -> tuple[Tensor]:
    """One tensor of as many bytes, for a copy in one launch."""
    return (torch.randn(sum(x.numel() for x in tensors), device="cuda").to(tensors[0].dtype),)


def calling(contestant: Contestant, case: Case, sets: list[tuple[Tensor, Tensor]]) -> Callable[[int], object]:
    if not case.backward:
        return lambda i: contestant.run(*sets[i])
    grads = [tuple(torch.randn_like(x) for x in s) for s in sets]
    leaves = [tuple(x.detach().requires_grad_() for x in s) for s in sets]
    return lambda i: torch.autograd.grad(contestant.run(*leaves[i]), leaves[i], grads[i])


def relative_error(contestant: Contestant, case: Case, tensors: tuple[Tensor, Tensor]) -> float:
    """‖out − exact‖ / ‖exact‖ of the first sequence."""
    q, k = (x.clone(memory_format=torch.preserve_format) for x in tensors)
    rotary_dim = case.rotary_dim or case.head_dim
    tables = build_rope_cache(
        case.seq, case.head_dim, scaling=(inverse_frequencies(rotary_dim), 1.0), device="cuda", dtype=torch.float64
    )
    exact = rope_torch(q[:1].double(), k[:1].double(), *tables, pairing=case.pairing)
    out = contestant.run(q, k)
    return max(((a[:1].double() - b).norm() / b.norm()).item() for a, b in zip(out, exact, strict=True))


def decode(batch: int, rounds: int) -> dict[str, object]:
    """One token for each sequence, at random positions, in a graph; and what a call costs the CPU."""
    case = Case(f"decode {batch}", batch, 1, (32, 8), 128)
    sets = [case.tensors() for _ in range(16)]
    ids = torch.randint(0, 8000, (batch, 1), device="cuda")
    graphs, eager = {}, {}
    flat = [as_one(s) for s in sets]
    graphs["copy"] = capture(lambda i: copies(flat[i], 1024), 16, 200)
    for contestant in contestants(case, ids):
        try:
            graphs[contestant.name] = capture(lambda i, c=contestant: c.run(*sets[i]), 16, 200)
            eager[contestant.name] = lambda c=contestant: c.run(*sets[0])
        except Exception as error:
            print(f"{case.name}: {contestant.name}: {type(error).__name__}: {error}", file=sys.stderr)
    with_launch = launch.PDL_MAX_PROGRAMS
    launch.PDL_MAX_PROGRAMS = 0
    launch.forget_plans()
    for contestant in contestants(case, ids):
        if contestant.name.startswith("ropelib"):
            name = f"{contestant.name}, without early launch"
            graphs[name] = capture(lambda i, c=contestant: c.run(*sets[i]), 16, 200)
    launch.PDL_MAX_PROGRAMS = with_launch
    launch.forget_plans()
    timings = side_by_side(graphs, 200, rounds)
    copy = timings.pop("copy").median
    times = {name: asdict(timing) for name, timing in timings.items()}
    return {"case": asdict(case), "copy": copy, "times": times, "cpu": cpu_costs(eager), "inplace": inplace_names(case)}


def inplace_names(case: Case) -> list[str]:
    return [contestant.name for contestant in contestants(case) if contestant.inplace]


def cpu_costs(calls: dict[str, Callable[[], object]], count: int = 200, rounds: int = 15) -> dict[str, float]:
    """Microseconds that Python is busy with one call: the medians of rounds in which all take their turn."""
    values: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            call()
            torch.cuda.synchronize()
            start = time.perf_counter()
            for _ in range(count):
                call()
            values[name].append((time.perf_counter() - start) / count * 1e6)
    return {name: statistics.median(costs) for name, costs in values.items()}


def fusions(tokens: int, rounds: int) -> dict[str, object]:
    """RoPE with the write to a cache, and with RMS norms before it, beside the separate operations."""
    case = Case(f"fusions {tokens}", 1, tokens, (32, 8), 128)
    buffers = buffers_for(2 * case.traffic)
    calls = max(buffers, 20)
    sets = [(*case.tensors(), case.tensors()[1]) for _ in range(buffers)]
    inv_freq, start = inverse_frequencies(128), torch.tensor([5], device="cuda")
    caches = [torch.zeros(1, 8, tokens + 64, 128, dtype=torch.bfloat16, device="cuda") for _ in range(2)]
    rows = torch.arange(tokens, device="cuda") + 5
    weights = [torch.ones(128, dtype=torch.bfloat16, device="cuda") for _ in range(2)]
    norm = torch.nn.functional.rms_norm

    def separate_cache(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        q, k = rope(q, k, inv_freq=inv_freq, offset=start)
        caches[0].index_copy_(2, rows, k)
        caches[1].index_copy_(2, rows, v)
        return q

    calls_of = {
        "rope_into_cache": lambda i: rope_into_cache(*sets[i], *caches, inv_freq=inv_freq, offset=start),
        "rope, then two index_copy_": lambda i: separate_cache(*sets[i]),
        "norm_rope": lambda i: norm_rope(*sets[i][:2], *weights, inv_freq=inv_freq, offset=start),
        "two rms_norm, then rope": lambda i: rope(
            *(norm(x, (128,), w, 1e-6) for x, w in zip(sets[i][:2], weights, strict=True)),
            inv_freq=inv_freq,
            offset=start,
        ),
    }
    graphs = {name: capture(call, buffers, calls) for name, call in calls_of.items()}
    timings = side_by_side(graphs, calls, rounds)
    return {"case": asdict(case), "times": {name: asdict(t) for name, t in timings.items()}}


def run(chosen: list[str], rounds: int, limit: float) -> dict[str, object]:
    """All results of this process; what does not fit the time limit is named."""
    started, results, left = time.perf_counter(), [], []
    jobs: list[tuple[str, Callable[[], dict[str, object]]]] = []
    if "decode" in chosen:
        jobs += [(f"decode {batch}", lambda b=batch: decode(b, rounds)) for batch in (1, 8, 64)]
    if "fusions" in chosen:
        jobs += [(f"fusions {tokens}", lambda t=tokens: fusions(t, rounds)) for tokens in (1, 64, 8192)]
    for group in ("source", "medium", "odd", "large"):
        for case in groups()[group] if group in chosen else []:
            for backward in (False, True) if group != "source" else (False,):
                both = replace(case, backward=backward)
                jobs.append((f"{case.name} {backward}", lambda c=both: measure(c, rounds)))
    for name, job in jobs:
        if time.perf_counter() - started > limit:
            left.append(name)
            continue
        results.append(job())
        print(line(results[-1]), flush=True)
        torch.cuda.empty_cache()
    return {
        "machine": machine() | {"peers": versions()},
        "missing": missing(),
        "left out for time": left,
        "results": results,
    }


def in_processes(count: int, arguments: list[str]) -> list[dict[str, object]]:
    """The results of as many processes, one after the other."""
    runs = []
    for _ in range(count):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, "-m", "benchmarks.kernels", *arguments, "--out", folder], check=True)
            runs += json.loads((Path(folder) / "kernels.json").read_text())
    return runs


def main() -> int:
    every = ["decode", "fusions", "source", "medium", "odd", "large"]
    parser = argparse.ArgumentParser(prog="make bench", description="Measure RoPE kernels side by side.")
    parser.add_argument("--groups", nargs="+", choices=every, default=every)
    parser.add_argument("--rounds", type=int, default=15, help="timed turns of each contestant")
    parser.add_argument("--processes", type=int, choices=(1, *STUDENT), default=1, help="5 for published results")
    parser.add_argument("--limit", type=float, default=float("inf"), help="seconds after which no case is begun")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder of kernels.md and kernels.json")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("NOT RUN: no GPU; run `make bench` on a machine with an NVIDIA GPU")
        return 1
    if options.processes == 1:
        runs = [run(options.groups, options.rounds, options.limit)]
    else:
        limits = ["--rounds", str(options.rounds), "--limit", str(options.limit / options.processes)]
        runs = in_processes(options.processes, ["--groups", *options.groups, *limits])
    runs[0]["machine"]["command"] = command_line(sys.argv[1:])
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "kernels.json").write_text(json.dumps(runs, indent=1) + "\n")
    (options.out / "kernels.md").write_text(markdown(runs))
    print(f"not installed: {', '.join(runs[0]['missing']) or 'none'}")
    print(f"left out for time: {', '.join(runs[0]['left out for time']) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
