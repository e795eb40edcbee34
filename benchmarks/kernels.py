"""Measure the kernels of ropelib beside those of others, and write what came out to benchmarks/results.

python -m benchmarks.kernels                        every group of cases, one process
python -m benchmarks.kernels --groups decode source some of them
python -m benchmarks.kernels --processes 5          the median of five processes, and intervals of the ratios

Peers take part where they can be imported: liger-kernel, quack-kernels, fla-core, flashinfer-python, transformers,
rotalabs-accel, unsloth. What is not installed is named in the results. Needs an NVIDIA GPU.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
import triton
from torch import Tensor

from benchmarks.peers import Contestant, contestants, missing
from benchmarks.timing import buffers_for, capture, copies, side_by_side
from ropelib import inverse_frequencies, triton_launch
from ropelib.ops import build_rope_cache, rope_torch
from ropelib.triton_cache import rope_into_cache
from ropelib.triton_fast import rope
from ropelib.triton_norm import norm_rope

RESULTS = Path(__file__).parent / "results"
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
COPY_BLOCKS = (2048, 4096, 8192)  # the yardstick is the fastest of these copies


@dataclass(frozen=True)
class Case:
    name: str
    batch: int
    seq: int
    heads: tuple[int, int]
    head_dim: int
    dtype: str = "bf16"
    pairing: str = "half"
    layout: str = "bshd"
    rotary_dim: int | None = None
    backward: bool = False

    @property
    def traffic(self) -> int:
        """Bytes read and written by one forward pass."""
        return 2 * self.batch * self.seq * sum(self.heads) * self.head_dim * DTYPES[self.dtype].itemsize

    def tensors(self) -> tuple[Tensor, Tensor]:
        """q and k, (batch, heads, seq, head_dim), in memory as layout says."""
        q_heads, k_heads = self.heads
        options = {"device": "cuda", "dtype": DTYPES[self.dtype]}
        if self.layout == "bhsd":
            return tuple(torch.randn(self.batch, n, self.seq, self.head_dim, **options) for n in self.heads)
        if self.layout == "bshd":
            shapes = [(self.batch, self.seq, n, self.head_dim) for n in self.heads]
            return tuple(torch.randn(shape, **options).transpose(1, 2) for shape in shapes)
        fused = torch.randn(self.batch, self.seq, q_heads + 2 * k_heads, self.head_dim, **options)
        return fused[:, :, :q_heads].transpose(1, 2), fused[:, :, q_heads : q_heads + k_heads].transpose(1, 2)


def groups() -> dict[str, list[Case]]:
    large = [
        Case(
            f"{dtype} {pairing} {layout} {head_dim}",
            2 if dtype == "fp32" else 4,
            4096,
            (32, 8),
            head_dim,
            dtype,
            pairing,
            layout,
        )
        for head_dim in (128, 64)
        for pairing in ("half", "interleaved")
        for layout in ("bshd", "bhsd", "qkv")
        for dtype in ("bf16", "fp32", "fp16")
    ]
    odd = [
        Case("head_dim 80", 4, 4096, (40, 10), 80),
        Case("head_dim 96", 4, 4096, (40, 10), 96),
        Case("head_dim 112", 4, 4096, (24, 8), 112),
        Case("5 heads", 4, 8192, (5, 5), 128),
        Case("partial 64 of 128", 4, 4096, (32, 8), 128, rotary_dim=64),
    ]
    medium = [
        Case("medium half bshd", 1, 2048, (32, 8), 128),
        Case("medium half bhsd", 1, 2048, (32, 8), 128, layout="bhsd"),
        Case("medium interleaved bshd", 1, 2048, (32, 8), 128, pairing="interleaved"),
    ]
    source = [
        Case(f"source {head_dim} {seq}", 1, seq, (32, 32), head_dim, "fp16", "interleaved")
        for head_dim, seq in ((128, 2048), (128, 8192), (64, 2048))
    ]
    return {"large": large, "odd": odd, "medium": medium, "source": source}


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
    with_launch = triton_launch.PDL_MAX_PROGRAMS
    triton_launch.PDL_MAX_PROGRAMS = 0
    triton_launch.forget_plans()
    for contestant in contestants(case, ids):
        if contestant.name.startswith("ropelib"):
            name = f"{contestant.name}, without early launch"
            graphs[name] = capture(lambda i, c=contestant: c.run(*sets[i]), 16, 200)
    triton_launch.PDL_MAX_PROGRAMS = with_launch
    triton_launch.forget_plans()
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


def steps(rounds: int) -> dict[str, object]:
    """The way from PyTorch to the limit, bf16, half pairing, (4, 4096, 32/8, 128): one change a step."""
    from ropelib import triton_fast
    from ropelib.triton_kernel import rotate

    case = Case("steps", 4, 4096, (32, 8), 128)
    buffers, calls = buffers_for(case.traffic), 8
    sets = [case.tensors() for _ in range(buffers)]
    flat = [as_one(s) for s in sets]
    cos, sin = build_rope_cache(4096, 128, device="cuda")
    inv_freq = inverse_frequencies(128)

    def tiled(*blocks: int, **angles: object) -> Callable[[int], object]:
        def call(i: int) -> object:
            chosen, triton_fast.tile = triton_fast.tile, lambda *_: blocks
            triton_launch.forget_plans()
            try:
                return rope(*sets[i], **angles)
            finally:
                triton_fast.tile = chosen
                triton_launch.forget_plans()

        return call

    table, exact = {"cos": cos, "sin": sin}, {"inv_freq": inv_freq}
    calls_of = {
        "1 PyTorch, eager": lambda i: rope_torch(*sets[i], cos, sin),
        "2 one token of one head a program": lambda i: [rotate(x, cos, sin, block=1) for x in sets[i]],
        "3 32 tokens a program": lambda i: [rotate(x, cos, sin, block=32) for x in sets[i]],
        "4 q and k in one launch, vectors of 16 bytes, 1 head": tiled(16, 1, 2, **table),
        "5 8 heads share the angles of a token": tiled(2, 8, 2, **table),
        "6 no table: exact phases, angles by every head": tiled(16, 1, 2, **exact),
        "7 no table: exact phases, 4 heads share": tiled(4, 4, 2, **exact),
    }
    graphs = {f"copy {b}": capture(lambda i, b=b: copies(flat[i], b), buffers, calls) for b in COPY_BLOCKS}
    graphs |= {name: capture(call, buffers, calls) for name, call in calls_of.items()}
    timings = side_by_side(graphs, calls, rounds)
    copy = min(timings.pop(f"copy {b}").median for b in COPY_BLOCKS)
    return {"case": asdict(case), "copy": copy, "times": {name: asdict(t) for name, t in timings.items()}}


def run(chosen: list[str], rounds: int, limit: float) -> dict[str, object]:
    """All results of this process; what does not fit the time limit is named."""
    started, results, left = time.perf_counter(), [], []
    jobs: list[tuple[str, Callable[[], dict[str, object]]]] = []
    if "decode" in chosen:
        jobs += [(f"decode {batch}", lambda b=batch: decode(b, rounds)) for batch in (1, 8, 64)]
    if "steps" in chosen:
        jobs.append(("steps", lambda: steps(rounds)))
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
    return {"machine": machine(), "missing": missing(), "left out for time": left, "results": results}


def line(result: dict[str, object]) -> str:
    """One case: share of the copy, in percent, or microseconds where there is no copy; * marks a wrong output."""
    case, times = result["case"], result["times"]
    name = case["name"] + (" f+b" if case.get("backward") else "")
    cells = []
    for contestant, timing in sorted(times.items(), key=lambda item: item[1]["median"]):
        share = f" {100 * result['copy'] / timing['median']:.0f}%" if "copy" in result else ""
        mark = "*" if contestant in result.get("wrong", {}) else ""
        cpu = f" cpu {result['cpu'][contestant]:.1f}" if contestant in result.get("cpu", {}) else ""
        cells.append(f"{contestant}{mark} {timing['median']:.2f}{share}{cpu}")
    return f"{name}: copy {result.get('copy', 0):.2f} | " + " | ".join(cells)


def machine() -> dict[str, str]:
    return {
        "GPU": torch.cuda.get_device_name(),
        "CUDA": torch.version.cuda,
        "torch": torch.__version__,
        "triton": triton.__version__,
        "Python": platform.python_version(),
        "date": datetime.date.today().isoformat(),
        "command": " ".join(["python -m benchmarks.kernels", *_without_out(sys.argv[1:])]),
    }


def _without_out(arguments: list[str]) -> list[str]:
    """Where the results were put for a while is nobody's business."""
    return [a for i, a in enumerate(arguments) if a != "--out" and (i == 0 or arguments[i - 1] != "--out")]


def markdown(runs: list[dict[str, object]]) -> str:
    """The table of the results: medians over all processes, and how ropelib stands to the best correct peer."""
    first = runs[0]
    lines = ["# Kernels side by side", "", *(f"- {key}: {value}" for key, value in first["machine"].items())]
    lines += [f"- processes: {len(runs)}; not installed: {', '.join(first['missing']) or 'none'}", ""]
    lines += ["Microseconds a call (share of a copy of the same bytes), from the lowest tenth to the highest.", ""]
    lines += ["* computes something else than RoPE.", ""]
    for index, result in enumerate(first["results"]):
        same = [run["results"][index] for run in runs if index < len(run["results"])]
        lines += [
            f"## {result['case']['name']}{', forward and backward' if result['case'].get('backward') else ''}",
            "",
        ]
        if "copy" in result:
            lines.append(f"- copy: {statistics.median(r['copy'] for r in same):.2f}")
        lines += [text for _, text in sorted(row(name, same) for name in result["times"])]
        lines += [*verdicts(same), ""]
    return "\n".join(lines)


def row(name: str, same: list[dict[str, object]]) -> tuple[float, str]:
    times = [r["times"][name] for r in same if name in r["times"]]
    median = statistics.median(t["median"] for t in times)
    shares = [100 * r["copy"] / r["times"][name]["median"] for r in same if "copy" in r and name in r["times"]]
    share = f" ({statistics.median(shares):.0f} %)" if shares else ""
    costs = [r["cpu"][name] for r in same if name in r.get("cpu", {})]
    cost = f", CPU {statistics.median(costs):.1f}" if costs else ""
    mark = "*" if name in same[0].get("wrong", {}) else ""
    spread = f"{min(t['low'] for t in times):.2f} … {max(t['high'] for t in times):.2f}"
    return median, f"- {name}{mark}: {median:.2f}{share}, {spread}{cost}"


def verdicts(same: list[dict[str, object]]) -> list[str]:
    """ropelib's time over that of the best correct peer of its kind: in place with in place, fresh with fresh."""
    texts = []
    for kind, mine in (("fresh memory", "ropelib exact"), ("in place", "ropelib exact in place")):
        inplace = kind == "in place"
        backward = same[0]["case"].get("backward")
        peers = [
            name
            for name in same[0]["times"]
            if not name.startswith(("ropelib", "PyTorch eager")) and name not in same[0].get("wrong", {})
            if backward or (name in same[0].get("inplace", [])) == inplace
        ]
        if not peers or mine not in same[0]["times"]:
            continue
        best = min(peers, key=lambda name: statistics.median(r["times"][name]["median"] for r in same))
        ratios = [r["times"][mine]["median"] / r["times"][best]["median"] for r in same]
        interval = ""
        if len(ratios) == 5:  # Student's t for four degrees of freedom
            half = 2.776 * statistics.stdev(ratios) / 5**0.5
            interval = f" ± {half:.3f} (95 %)"
        texts.append(f"- {mine} / best peer in {kind}, {best}: {statistics.mean(ratios):.3f}{interval}")
    return texts


def main() -> int:
    every = ["decode", "steps", "fusions", "source", "medium", "odd", "large"]
    parser = argparse.ArgumentParser(description="Measure RoPE kernels side by side.")
    parser.add_argument("--groups", nargs="+", choices=every, default=every)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--limit", type=float, default=float("inf"), help="seconds after which no case is begun")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("NOT RUN: no GPU; run `make bench` on a machine with an NVIDIA GPU")
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    if options.processes == 1:
        runs = [run(options.groups, options.rounds, options.limit)]
    else:
        command = [sys.executable, "-m", "benchmarks.kernels", "--groups", *options.groups]
        runs = []
        for number in range(options.processes):
            part = options.out / f"process{number}"
            limits = ["--rounds", str(options.rounds), "--limit", str(options.limit / options.processes)]
            subprocess.run([*command, *limits, "--out", str(part)], check=True, env=os.environ)
            runs.append(json.loads((part / "kernels.json").read_text())[0])
    (options.out / "kernels.json").write_text(json.dumps(runs, indent=1))
    (options.out / "kernels.md").write_text(markdown(runs))
    print(f"missing: {runs[0]['missing']}; left out for time: {runs[0]['left out for time']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
