"""What every interactive figure shares: the palette, a text that says it all, and a picture for where nothing runs.

A widget is one Python file and one JavaScript file of the same name. Python validates and computes once; every
interaction happens in the browser, so that it needs no kernel.
"""

import base64
import io
import math
from collections.abc import Callable
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import anywidget
import matplotlib
import numpy as np
import PIL.Image
import traitlets
from matplotlib.figure import Figure

from ropelib import plotting

HERE = Path(__file__).parent
COLORS = 128


def module_source(*names: str) -> str:
    """The ES module of one widget: the shared helpers of base.js, then its own file, or files."""
    return "\n".join((HERE / f"{part}.js").read_text(encoding="utf-8") for part in ("base", *names))


def style_source(name: str) -> str:
    """The style sheet of one widget: the shared rules of base.css, then its own file."""
    return "\n".join((HERE / f"{part}.css").read_text(encoding="utf-8") for part in ("base", name))


class Interactive(anywidget.AnyWidget):
    """A figure to play with. Subclasses set _esm = module_source("name"), and write describe() and snapshot().

    In a notebook without a kernel, or on a page that runs no scripts, the snapshot and the description are shown;
    strict nbval compares the description, so it must be the same on every machine.
    """

    _css = HERE / "base.css"
    palette = traitlets.Dict(
        {
            "query": plotting.QUERY,
            "query_on_dark": plotting.QUERY_ON_DARK,
            "key": plotting.KEY,
            "other": plotting.OTHER,
            "reference": plotting.REFERENCE,
        }
    ).tag(sync=True)

    def describe(self) -> str:
        """The figure in words and rounded numbers: read aloud, compared by nbval, shown where no picture can be."""
        raise NotImplementedError

    def snapshot(self) -> Figure:
        """The figure as it first appears."""
        raise NotImplementedError

    def __repr__(self) -> str:
        # The usual one holds an address, which differs from run to run.
        return f"<{self.describe().splitlines()[0]}>"

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        data["text/plain"] = self.describe()
        data["image/png"] = self._png()
        return data, metadata

    def _png(self) -> str:
        drawn, picture = io.BytesIO(), io.BytesIO()
        # The course's style, whatever the notebook has set: one state of a widget has one picture.
        with matplotlib.rc_context():
            plotting.use_style()
            self.snapshot().savefig(drawn, format="png", dpi=80)
        # It is committed with its notebook, and a palette makes it a third as large.
        PIL.Image.open(drawn).convert("RGB").quantize(COLORS).save(picture, format="png", optimize=True)
        return base64.b64encode(picture.getvalue()).decode()


class Ruled(traitlets.TraitType[Any, Any]):
    """A value that Python and browser share, under a rule: "<name> must be <rule>, but got <value>".

    accept: returns the value as it is kept, or raises TypeError or ValueError where it breaks the rule
    """

    def __init__(self, default: Any, rule: str, accept: Callable[[Any], Any]) -> None:
        super().__init__(default_value=default)
        self.rule, self.accept = rule, accept
        self.tag(sync=True)

    def validate(self, obj: traitlets.HasTraits, value: Any) -> Any:
        try:
            return self.accept(value)
        except (TypeError, ValueError):
            raise traitlets.TraitError(f"{self.name} must be {self.rule}, but got {value!r}") from None


def integer(default: int, low: int, high: int) -> Ruled:
    """A whole number, kept as int. True and False are none."""

    def accept(value: Any) -> int:
        return int(
            _require(value, isinstance(value, Integral) and not isinstance(value, bool) and low <= value <= high)
        )

    return Ruled(default, f"an integer from {low} to {high}", accept)


def number(default: float, low: float, high: float) -> Ruled:
    """A real number, kept as float; NaN is out of every range."""

    def accept(value: Any) -> float:
        return float(_require(value, isinstance(value, Real) and not isinstance(value, bool) and low <= value <= high))

    return Ruled(default, f"a number from {low:g} to {high:g}", accept)


def one_of(default: Any, *options: Any) -> Ruled:
    """One of a few values."""
    return Ruled(default, f"one of {', '.join(map(repr, options))}", lambda value: _require(value, value in options))


def arrow(default: tuple[float, float], shortest: float, longest: float) -> Ruled:
    """A point of the plane, kept as a list of two numbers."""

    def accept(value: Any) -> list[float]:
        x, y = np.asarray(value, dtype=np.float64).tolist()
        return _require([x, y], shortest <= math.hypot(x, y) <= longest)

    return Ruled(default, f"two numbers, an arrow of length {shortest:g} to {longest:g}", accept)


def _require(value: Any, is_right: bool) -> Any:
    if not is_right:
        raise ValueError(value)
    return value


def color_table(name: str) -> bytes:
    """256 colours of a matplotlib map as red, green and blue bytes, for pixelTable in base.js."""
    return (matplotlib.colormaps[name](np.linspace(0, 1, 256))[:, :3] * 255).round().astype(np.uint8).tobytes()
