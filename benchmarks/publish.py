"""What benchmarks.steps has measured, made fit to be read: results and a page. Needs no GPU."""

import ast
import hashlib
import json
import statistics
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CHAPTER = ROOT / "notebooks" / "13_a_kernel_at_the_limit.ipynb"
RESULTS = ROOT / "benchmarks" / "results"


def kernel_cells() -> str:
    cells = json.loads(CHAPTER.read_text(encoding="utf-8"))["cells"]
    return "\n\n\n".join("".join(cell["source"]) for cell in cells if "kernel" in cell["metadata"].get("tags", ()))


def fingerprint(source: str) -> str:
    """Of what a program says, whatever its comments and spaces."""
    return hashlib.sha256(ast.unparse(ast.parse(source)).encode()).hexdigest()[:16]


def fusions() -> Any:
    """What benchmarks.kernels has measured of them, with its machine and date."""
    runs = json.loads((RESULTS / "kernels.json").read_text(encoding="utf-8"))
    found: dict[str, dict[str, list[float]]] = {}
    for result in (result for run in runs for result in run["results"]):
        if result["case"]["name"].startswith("fusions"):
            times = found.setdefault(str(result["case"]["seq"]), {})
            for name, time in result["times"].items():
                times.setdefault(name, []).append(time["median"])
    medians = {seq: {n: {"median": statistics.median(t)} for n, t in times.items()} for seq, times in found.items()}
    return {"machine": runs[0]["machine"], "processes": len(runs), "times": medians}


def publish(results: dict[str, Any]) -> None:
    text = json.dumps(results, indent=1, ensure_ascii=False)
    (RESULTS / "steps.json").write_text(text + "\n", encoding="utf-8")
    (RESULTS / "steps.md").write_text(markdown(results), encoding="utf-8")


def rounded(value: Any) -> Any:
    """Four significant digits: the spread is larger than what is cut off."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def markdown(results: dict[str, Any]) -> str:
    lines = ["# The steps of chapter 13", "", *(f"- {key}: {value}" for key, value in results["machine"].items())]
    lines += ["", "Microseconds a call (share of a copy of the same bytes), from the lowest tenth to the highest.", ""]
    for title, result in results.items():
        if isinstance(result, dict) and "copy" in result and "times" in result:
            copy = result["copy"]["median"]
            lines += [f"## {title}", "", f"- copy: {copy:.2f}"]
            for name, t in result["times"].items():
                share = f"{100 * copy / t['median']:.0f} %"
                lines.append(f"- {name}: {t['median']:.2f} ({share}), {t['low']:.2f} … {t['high']:.2f}")
            lines.append("")
    lines += ["Ceilings, decoding and the mistakes of the chapter stand in steps.json.", ""]
    return "\n".join(lines)
