"""Measurements that take too long for a chapter: made once by a script in benchmarks/, and read here."""

import json
from pathlib import Path
from typing import Any

_RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "results"


def measured(name: str) -> Any:
    """What `python -m benchmarks.<name>` wrote down, with the machine, the date and the command.

    name:    of the measurement, such as "long_context"
    returns: what the file holds: a dict, or for "kernels" a list with one dict for each process

    Raises FileNotFoundError, with what there is and what to type, where no such measurement is kept.
    """
    path = _RESULTS / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in _RESULTS.glob("*.json"))) or "none"
        remedy = f"type `python -m benchmarks.{name}` in the folder of the course, or fetch its benchmarks/results"
        raise FileNotFoundError(f"no measurement is called {name!r} (there are: {known}): {remedy}")
    return json.loads(path.read_text(encoding="utf-8"))
