"""Chapters as files: find them, run them in place, and say what is wrong with one.

python -m ropelib.course.notebooks [--chapter 03]     restart-and-run-all, outputs written back
"""

import argparse
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import nbformat

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("notebooks", "solutions", "exercises")
SECONDS_PER_CELL = 120
IGNORED = "nbval-ignore-output"
LONGEST_RUN_OF_CODE = 3
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
REFERENCE = "IPY_MODEL_"

DECIMAL = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.]*\d)")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|tmp|Users|work|opt)/\w")


def find(chapter: str = "") -> list[Path]:
    """The notebooks that are committed executed, in order; those whose name starts with chapter where given."""
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).glob(f"{chapter}*.ipynb"))


def none_found(chapter: str) -> str:
    there = ", ".join(sorted({path.name[:2] for path in find()}))
    return f"No notebook's name starts with {chapter!r}; there are {there}."


def execute(path: Path) -> float:
    """Restart, run all, write the outputs back where anything changed → seconds. An error leaves the file alone."""
    from nbclient import NotebookClient

    started = time.perf_counter()
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=SECONDS_PER_CELL,
        kernel_name="python3",
        coalesce_streams=True,
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    _normalise(notebook)
    _write(path, nbformat.writes(notebook) + "\n")
    return time.perf_counter() - started


def problems(path: Path) -> list[str]:
    """What strict nbval would not notice, as sentences; none for a notebook that is fit to be committed."""
    notebook = nbformat.read(path, as_version=4)
    return [f"{path.name}: {sentence}" for rule in RULES for sentence in rule(notebook)]


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def is_ignored(cell: nbformat.NotebookNode) -> bool:
    return IGNORED in cell.metadata.get("tags", ()) or "NBVAL_IGNORE_OUTPUT" in cell.source


def _normalise(notebook: nbformat.NotebookNode) -> None:
    """Drop what differs from machine to machine, so that running an unchanged notebook changes no file."""
    metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    # With their state in the file, widgets work in a trusted notebook before anything has run.
    if notebook.metadata.get("widgets"):
        metadata["widgets"] = notebook.metadata.widgets
    notebook.metadata = nbformat.from_dict(metadata)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    _number_the_models(notebook)


def _number_the_models(notebook: nbformat.NotebookNode) -> None:
    """Replace the random id of every widget model by its number, in the order in which they were made."""
    models = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    numbers = {model_id: f"model-{number:04}" for number, model_id in enumerate(models, 1)}
    names = numbers | {REFERENCE + model_id: REFERENCE + number for model_id, number in numbers.items()}
    if models:
        notebook.metadata.widgets = _renamed(notebook.metadata.widgets, names)
        for cell in code_cells(notebook):
            cell.outputs = _renamed(cell.outputs, names)


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """value with every string that has a new name, among keys and values alike, under that name."""
    if isinstance(value, dict):
        return type(value)({_renamed(key, names): _renamed(inner, names) for key, inner in value.items()})
    if isinstance(value, list):
        return [_renamed(inner, names) for inner in value]
    return names.get(value, value) if isinstance(value, str) else value


def _write(path: Path, text: str) -> None:
    if path.read_text(encoding="utf-8") != text:
        fresh = path.with_suffix(".ipynb.fresh")
        fresh.write_text(text, encoding="utf-8")
        os.replace(fresh, path)


def _was_run_once_from_the_top(notebook: nbformat.NotebookNode) -> Iterator[str]:
    counts = [cell.execution_count for cell in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts are {counts}, not 1 to {len(counts)}: strict nbval compares nothing there"


def _has_no_accident_in_its_outputs(notebook: nbformat.NotebookNode) -> Iterator[str]:
    for number, cell in enumerate(code_cells(notebook), 1):
        for output in cell.outputs:
            if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", ()):
                yield f"cell {number} ends in {output.ename}"
            if output.get("name") == "stderr":
                yield f"cell {number} writes to stderr"
            if found := MACHINE_PATH.search(_text(output)):
                yield f"cell {number} shows a path of one machine: {found.group()}…"


def _asserts_what_it_does_not_compare(notebook: nbformat.NotebookNode) -> Iterator[str]:
    cells = code_cells(notebook)
    for number, (cell, following) in enumerate(zip(cells, [*cells[1:], None], strict=True), 1):
        if "NBVAL_SKIP" in cell.source or "nbval-skip" in cell.metadata.get("tags", ()):
            yield f"cell {number} is skipped by nbval: nothing verifies it"
        if is_ignored(cell) and (following is None or is_ignored(following) or "assert " not in following.source):
            yield f"cell {number} is not compared, and no compared cell with an assert follows it"


def _says_every_figure_in_words(notebook: nbformat.NotebookNode) -> Iterator[str]:
    for cell, following in zip(notebook.cells, [*notebook.cells[1:], None], strict=True):
        shows = cell.cell_type == "code" and any("image/png" in output.get("data", {}) for output in cell.outputs)
        if shows and (following is None or following.cell_type != "markdown"):
            yield f"the figure of cell {cell.execution_count} has no words beside it"


def _keeps_code_in_small_portions(notebook: nbformat.NotebookNode) -> Iterator[str]:
    kinds = "".join("c" if cell.cell_type == "code" else "m" for cell in notebook.cells)
    longest = max((len(run) for run in kinds.split("m")), default=0)
    if longest > LONGEST_RUN_OF_CODE:
        yield f"{longest} code cells follow each other without a word between them"


def _computes_the_decimals_it_states(notebook: nbformat.NotebookNode) -> Iterator[str]:
    shown = "\n".join("\n".join([cell.source, *map(_text, cell.outputs)]) for cell in code_cells(notebook))
    computed = set(DECIMAL.findall(shown))
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for number in dict.fromkeys(DECIMAL.findall(re.sub(r"\]\([^)]*\)|arXiv:[\d.]+", "", cell.source))):
                if number not in computed:
                    yield f"the prose states {number}, which no cell produces or asserts"


RULES = (
    _was_run_once_from_the_top,
    _has_no_accident_in_its_outputs,
    _asserts_what_it_does_not_compare,
    _says_every_figure_in_words,
    _keeps_code_in_small_portions,
    _computes_the_decimals_it_states,
)


def _text(output: nbformat.NotebookNode) -> str:
    return output.get("text", "") + "".join(
        output.get("data", {}).get(kind, "") for kind in ("text/plain", "text/html")
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="make execute", description="Run notebooks in place, restart-and-run-all.")
    parser.add_argument("--chapter", default="", metavar="NN", help="only notebooks whose name starts with this")
    chapter = parser.parse_args().chapter
    paths = find(chapter)
    if not paths:
        print(none_found(chapter), file=sys.stderr)
        return 2
    failed = 0
    with ProcessPoolExecutor(max_workers=min(len(paths), os.cpu_count() or 1)) as pool:
        runs = {pool.submit(execute, path): path for path in paths}
        for done, run in enumerate(as_completed(runs), 1):
            path, error = runs[run].relative_to(ROOT), run.exception()
            failed += error is not None
            print(
                f"[{done}/{len(paths)}] {path}  " + (f"FAILED\n{error}" if error else f"{run.result():.1f} s"),
                flush=True,
            )
    for sentence in [sentence for path in paths for sentence in problems(path)]:
        print(sentence)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
