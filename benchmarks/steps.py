"""Measure the kernels that chapter 13 prints, and the ceilings above them.

python -m benchmarks.steps            needs an NVIDIA GPU; writes benchmarks/results/steps.*
python -m benchmarks.steps --check    compares the kernels with NumPy's float64 only; without a GPU in the interpreter

The kernels are the chapter's own cells, those with the tag "kernel". Their fingerprint goes into the results, so that a
test can tell when a kernel has changed and its figures have not.
"""

import argparse
import datetime
import importlib.util
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # before Triton is imported
WORKSHOP = tempfile.TemporaryDirectory()  # of this process: a kernel compiled by an earlier one would be found again
os.environ["TRITON_CACHE_DIR"] = str(Path(WORKSHOP.name) / "compiled")

import triton  # noqa: E402
from torch import Tensor  # noqa: E402

from benchmarks.ceilings import (  # noqa: E402
    COPY_BLOCKS,
    HEAD_DIM,
    HEADS,
    Calls,
    ceilings,
    decode,
    heads_of,
    mistakes,
    timed,
    traffic,
)
from benchmarks.publish import fingerprint, fusions, kernel_cells, publish, rounded  # noqa: E402
from benchmarks.timing import buffers_for, copies  # noqa: E402
from ropelib import inverse_frequencies, reference  # noqa: E402
from ropelib.ops import build_rope_cache, rope_torch  # noqa: E402
from ropelib.triton_fast import rope  # noqa: E402
from ropelib.triton_kernel import rotate  # noqa: E402

TILES = ((16, 1), (8, 2), (4, 4), (2, 8), (1, 16))  # tokens, heads: 16 pairs a thread in all of them


def chapter() -> ModuleType:
    """The kernel cells as a module: Triton reads the source of a kernel from a file."""
    file = Path(WORKSHOP.name) / "chapter_13_kernels.py"
    head = "import numpy as np\nimport torch\nimport triton\nimport triton.language as tl\n\n\n"
    file.write_text(head + kernel_cells(), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ways(ours: ModuleType, sets: list[tuple[Tensor, Tensor]], seq: int, tokens_first: bool) -> Calls:
    """The chapter's kernels on those buffers: a name, and call(i) for buffer set i; tiles in the order of programs."""
    device = sets[0][0].device
    inv_freq = inverse_frequencies(HEAD_DIM)
    table = build_rope_cache(seq, HEAD_DIM, device=device)
    turns = ours.turns_of(inv_freq).to(device)
    sources = {"table": (*table, ours.table_angles), "exact": (turns, turns, ours.exact_angles)}
    as_before = {"tile": (32, 1), "warps": 4}  # as chapter 12 has it
    calls: Calls = {
        "PyTorch, operation by operation": lambda i: rope_torch(*sets[i], *table),
        "1 token of 1 head a program": lambda i: [rotate(x, *table, block=1) for x in sets[i]],
        "32 tokens of 1 head a program": lambda i: [rotate(x, *table, block=32) for x in sets[i]],
        "one launch": lambda i: ours.together(*sets[i], *sources["table"], **as_before, tokens_first=True),
        "one launch, heads first": lambda i: ours.together(*sets[i], *sources["table"], **as_before),
    }
    for name, source in sources.items():
        for tile in TILES:
            how = {"tile": tile, "tokens_first": tokens_first}
            calls[f"{name}, {tile[0]} tokens of {tile[1]} heads"] = lambda i, source=source, how=how: ours.together(
                *sets[i], *source, **how
            )
    calls["ropelib.triton_fast.rope"] = lambda i: rope(*sets[i], inv_freq=inv_freq)
    return calls


def check(ours: ModuleType) -> None:
    """Raise AssertionError unless every kernel agrees with ropelib.reference in float64, at an odd small size."""
    inv_freq = inverse_frequencies(HEAD_DIM)
    seq = 19
    cos, sin = reference.cos_sin(reference.rotation_angles(np.arange(seq), inv_freq))
    for layout in ("bshd", "bhsd"):
        q, k = heads_of(2, seq, layout, torch.float32, (5, 2))
        for name, call in ways(ours, [(q, k)], seq, tokens_first=layout == "bhsd").items():
            for x, out in zip((q, k), call(0), strict=True):
                exact = reference.rotate(x.cpu().double().numpy(), cos, sin)
                np.testing.assert_allclose(out.cpu().numpy(), exact, atol=5e-6, err_msg=f"{layout}: {name}")
    (x, _), tables = heads_of(1, 16, "bshd", torch.float32, (4, 1)), build_rope_cache(16, HEAD_DIM, device=q.device)
    exact = reference.rotate(x[0].cpu().double().numpy(), cos[:16], sin[:16], pairing="interleaved")
    for whole in (False, True):
        out = ours.neighbours(x[0].transpose(0, 1), *tables, whole).transpose(0, 1)
        np.testing.assert_allclose(out.cpu().numpy(), exact, atol=5e-6)
    values = torch.arange(2048.0, device=x.device)
    exact = 2 + (values.cpu().double().numpy() - 2) / 2**5
    np.testing.assert_allclose(ours.work(values, 5).cpu().numpy(), exact, rtol=1e-5)


def beside_copy(calls: Calls, batch: int, seq: int, rounds: int) -> dict[str, Any]:
    """Those calls, and the fastest of three copies of the same bytes, in turn."""
    moved = traffic(batch, seq)
    buffers = buffers_for(moved)
    flat = [(torch.randn(moved // 4, device="cuda").to(torch.bfloat16),) for _ in range(buffers)]
    yardsticks = {f"copy {b}": lambda i, b=b: copies(flat[i], b) for b in COPY_BLOCKS}
    times = timed(yardsticks | calls, buffers, rounds)
    copy = min((times.pop(name) for name in yardsticks), key=lambda t: t["median"])
    return {"bytes": moved, "copy": copy, "times": times}


def sized(ours: ModuleType, batch: int, seq: int, rounds: int, layout: str = "bshd") -> Any:
    sets = [heads_of(batch, seq, layout) for _ in range(buffers_for(traffic(batch, seq)))]
    return beside_copy(ways(ours, sets, seq, layout == "bhsd"), batch, seq, rounds)


def interleaved(ours: ModuleType, rounds: int) -> Any:
    """The same traffic as q and k of the large case, as one tensor without gaps."""
    batch, seq = 4, 4096
    sets = [torch.randn(batch * seq, sum(HEADS), HEAD_DIM, device="cuda").to(torch.bfloat16) for _ in range(3)]
    tables = build_rope_cache(batch * seq, HEAD_DIM, device="cuda")
    calls: Calls = {
        "chapter 12": lambda i: rotate(sets[i % 3][None].transpose(1, 2), *tables, pairing="interleaved"),
        "every other number": lambda i: ours.neighbours(sets[i % 3], *tables, False),
        "whole rows": lambda i: ours.neighbours(sets[i % 3], *tables, True),
    }
    return beside_copy(calls, batch, seq, rounds)


def machine() -> dict[str, Any]:
    properties = torch.cuda.get_device_properties(0)
    return {
        "GPU": torch.cuda.get_device_name(),
        "L2 cache": properties.L2_cache_size,
        "multiprocessors": properties.multi_processor_count,
        "CUDA": torch.version.cuda,
        "torch": torch.__version__,
        "triton": triton.__version__,
        "Python": platform.python_version(),
        "date": datetime.date.today().isoformat(),
        "command": "python -m benchmarks.steps",
    }


def measure(ours: ModuleType, rounds: int) -> dict[str, Any]:
    jobs: dict[str, Callable[[], Any]] = {
        "ceilings": lambda: ceilings(ours, rounds),
        "large": lambda: sized(ours, 4, 4096, rounds),
        "medium": lambda: sized(ours, 1, 2048, rounds),
        "large, bhsd": lambda: sized(ours, 4, 4096, rounds, "bhsd"),
        "interleaved": lambda: interleaved(ours, rounds),
        **{f"decode {batch}": lambda b=batch: decode(ours, b, rounds) for batch in (1, 8, 64)},
        "mistakes": lambda: mistakes(ours, rounds),
        "fusions": fusions,
    }
    results: dict[str, Any] = {"machine": machine(), "kernels": fingerprint(kernel_cells())}
    for name, job in jobs.items():
        results[name] = rounded(job())
        print(f"{name}: {json.dumps(results[name], ensure_ascii=False)}", flush=True)
        torch.cuda.empty_cache()
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the kernels that chapter 13 prints.")
    parser.add_argument("--check", action="store_true", help="compare with NumPy only")
    parser.add_argument("--rounds", type=int, default=25)
    options = parser.parse_args()
    ours = chapter()
    check(ours)
    print("the kernels of the chapter agree with NumPy's float64", flush=True)
    if options.check:
        return 0
    if not torch.cuda.is_available():
        print("NOT RUN: no GPU; run `make bench BENCH=steps` on a machine with an NVIDIA GPU")
        return 1
    results = measure(ours, options.rounds)
    publish(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
