"""What every interactive figure shares: the palette, a text that says it all, and a picture for where nothing runs.

A widget is one Python file and one JavaScript file of the same name. Python validates and computes once; every
interaction happens in the browser, so that it needs no kernel.
"""

import base64
import io
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from matplotlib.figure import Figure

from ropelib import plotting

HERE = Path(__file__).parent


def module_source(name: str) -> str:
    """The ES module of one widget: the shared helpers of base.js, then its own file."""
    return "\n".join((HERE / f"{part}.js").read_text(encoding="utf-8") for part in ("base", name))


class Interactive(anywidget.AnyWidget):
    """A figure to play with. Subclasses set _esm = module_source("name") and write describe() and snapshot().

    In a notebook without a kernel, or on a page that runs no scripts, the snapshot and the description are shown;
    strict nbval compares the description, so it must be the same on every machine.
    """

    _css = HERE / "base.css"
    palette = traitlets.Dict(
        {"query": plotting.QUERY, "key": plotting.KEY, "other": plotting.OTHER, "reference": plotting.REFERENCE}
    ).tag(sync=True)

    def describe(self) -> str:
        """The figure in words and rounded numbers: read aloud, compared by nbval, shown where no picture can be."""
        raise NotImplementedError

    def snapshot(self) -> Figure:
        """The figure as it first appears."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        data["text/plain"] = self.describe()
        data["image/png"] = _png(self.snapshot())
        return data, metadata


def _png(figure: Figure) -> str:
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=80, metadata={"Software": None})
    return base64.b64encode(picture.getvalue()).decode()
