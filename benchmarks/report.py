"""What the kernel benchmark says: a line for each case as it is measured, and the table of all processes."""

import datetime
import platform
import statistics
from typing import Any

import torch
import triton

Result = dict[str, Any]

# Student's t for an interval of 95 % from so many values.
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
MOST_BEHIND = 1.02  # beyond it, a peer is the faster one

LEGEND = (
    "`exact` computes its angles in the kernel, from integer phases; `table` reads float32 tables",
    "`in place` overwrites q and k, all else writes to fresh memory; for partial rotary that saves half of the bytes, "
    "so shares pass 100 %",
    "decoding: one token of so many texts, replayed in a CUDA graph; launches may overlap, so shares pass 100 %, and "
    "the lines `without early launch` show the kernel alone",
    "`CPU`: microseconds of Python and PyTorch for one eager call",
    "`bshd`, `bhsd`: (batch, seq, heads, head_dim) and (batch, heads, seq, head_dim) in memory; `qkv`: slices of one",
    "`source 128 2048`: the sizes, head_dim and seq, that rotalabs-accel publishes; 32 heads, fp16, interleaved",
    "float32 beats the copy by a few percent, which is not explained here",
    "* computes something else than RoPE",
)


def line(result: Result) -> str:
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
    }


def command_line(arguments: list[str]) -> str:
    """What to type for the same results; where they were put for a while is nobody's business."""
    kept = [a for i, a in enumerate(arguments) if a != "--out" and (i == 0 or arguments[i - 1] != "--out")]
    return " ".join(["python -m benchmarks.kernels", *kept])


def markdown(runs: list[Result]) -> str:
    """The table of the results: medians over all processes, and how ropelib stands to the best correct peer."""
    first = runs[0]
    lines = ["# Kernels side by side", "", *(f"- {key}: {value}" for key, value in first["machine"].items())]
    lines += [f"- processes: {len(runs)}; not installed: {', '.join(first['missing']) or 'none'}", ""]
    lines += ["Microseconds a call (share of a copy of the same bytes), from the lowest tenth to the highest.", ""]
    lines += [*(f"- {text}" for text in LEGEND), ""]
    if len(runs) > 1:
        text = "Medians of the processes' medians. A ratio is that of two medians of one process; behind it stands its"
        lines += [f"{text} interval of 95 %, and `loss` where that lies wholly beyond {MOST_BEHIND}.", ""]
    for result in first["results"]:
        same = [found for run in runs for found in run["results"] if found["case"] == result["case"]]
        both = ", forward and backward" if result["case"].get("backward") else ""
        lines += [f"## {result['case']['name']}{both}", ""]
        if "copy" in result:
            lines.append(f"- copy: {statistics.median(r['copy'] for r in same):.2f}")
        lines += [text for _, text in sorted(row(name, same) for name in result["times"])]
        lines += [*verdicts(same), ""]
    return "\n".join(lines)


def row(name: str, same: list[Result]) -> tuple[float, str]:
    times = [r["times"][name] for r in same if name in r["times"]]
    median = statistics.median(t["median"] for t in times)
    shares = [100 * r["copy"] / r["times"][name]["median"] for r in same if "copy" in r and name in r["times"]]
    share = f" ({statistics.median(shares):.0f} %)" if shares else ""
    costs = [r["cpu"][name] for r in same if name in r.get("cpu", {})]
    cost = f", CPU {statistics.median(costs):.1f}" if costs else ""
    mark = "*" if name in same[0].get("wrong", {}) else ""
    spread = f"{min(t['low'] for t in times):.2f} … {max(t['high'] for t in times):.2f}"
    return median, f"- {name}{mark}: {median:.2f}{share}, {spread}{cost}"


def verdicts(same: list[Result]) -> list[str]:
    """ropelib's time over that of the best correct peer of its kind: in place with in place, fresh with fresh."""
    texts = []
    for kind, mine in (("fresh memory", "ropelib exact"), ("place", "ropelib exact in place")):
        peers = [name for name in same[0]["times"] if _competes(name, same[0], inplace=kind == "place")]
        if not peers or mine not in same[0]["times"]:
            continue
        best = min(peers, key=lambda name: statistics.median(r["times"][name]["median"] for r in same))
        ratios = [r["times"][mine]["median"] / r["times"][best]["median"] for r in same]
        texts.append(f"- {mine} / best peer in {kind}, {best}: {compared(ratios)}")
    return texts


def _competes(name: str, result: Result, *, inplace: bool) -> bool:
    if name.startswith(("ropelib", "PyTorch eager")) or name in result.get("wrong", {}):
        return False
    overwrites = name in result.get("inplace", [])
    if result["case"].get("backward"):  # ropelib has no gradients in place; whoever has moves less only if partial
        return not (overwrites and result["case"].get("rotary_dim"))
    return overwrites == inplace


def compared(ratios: list[float]) -> str:
    """The median of ratios, one from each process, the interval of 95 % of their mean, and what follows from it."""
    text = f"{statistics.median(ratios):.3f}"
    if len(ratios) not in STUDENT:
        return text
    half = STUDENT[len(ratios)] * statistics.stdev(ratios) / len(ratios) ** 0.5
    low, high = statistics.mean(ratios) - half, statistics.mean(ratios) + half
    return f"{text} ({low:.3f} … {high:.3f}){': loss' if low > MOST_BEHIND else ''}"
