"""How quickly the widgets answer: python -m benchmarks.widgets, in JupyterLab in headless Chromium.

For each way of playing, 50 key presses: milliseconds from the arrival of the key in the page to the change of the
page, from the press itself (the browser's own delivery counts too) to that change, and from the press to its layout.
For each widget, its first drawing: milliseconds from reading the script to the layout of the page.
"""

import base64
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page

from ropelib.widgets.base import Interactive
from ropelib.widgets.card import predict
from ropelib.widgets.frequency import FrequencyExplorer
from ropelib.widgets.heat_map import AttentionHeatMap
from ropelib.widgets.rotation import RotationVisualiser
from ropelib.widgets.trace import trace_lines
from ropelib.worked_example import K, Q, RotaryPositionAttention, V
from tests.browser import lab as driver
from tests.browser.conftest import write

PRESSES, HELD_KEY = 50, 33  # as many a second as a held key repeats, in ms between two
CELLS = (
    "from ropelib.widgets.rotation import RotationVisualiser\nRotationVisualiser()",
    "from ropelib.widgets.frequency import FrequencyExplorer\nFrequencyExplorer()",
    "from ropelib.widgets.frequency import FrequencyExplorer\nFrequencyExplorer(position=131_072)",
    "from ropelib.widgets.heat_map import AttentionHeatMap\nAttentionHeatMap()",
    "from ropelib.widgets.heat_map import AttentionHeatMap\nAttentionHeatMap(sequence=1)",
    "import numpy as np\nfrom ropelib.widgets.heat_map import AttentionHeatMap\n"
    "AttentionHeatMap(*np.random.default_rng(0).standard_normal((2, 64, 128)))",
    'from ropelib.widgets.card import predict\npredict("01-quarter-turn")',
    "import ropelib\nfrom ropelib.worked_example import *\n"
    "ropelib.trace_lines(RotaryPositionAttention(4).forward, Q, K, V)",
)
ACROSS, BACK_AND_FORTH = ["ArrowRight"], ["ArrowRight", "ArrowLeft"]
# What is measured, number of the cell, the element with the focus, keys pressed in turn.
WAYS = (
    ("rotation: shift both", 0, "input[type=range]", ACROSS),
    ("rotation: move an arrow", 0, ".rope-handle", ["ArrowUp", "ArrowLeft", "ArrowDown", "ArrowRight"]),
    ("frequency, d = 128: position", 1, "input[type=range]", ACROSS),
    ("frequency, d = 128, at 131 072: pair", 2, ".rope-clocks", ACROSS),
    ("heat map, 5 × 5: cell", 3, ".rope-box", BACK_AND_FORTH),
    ("heat map, 64 × 64: cell", 4, ".rope-box", ["ArrowRight", "ArrowDown"]),
    ("heat map, 64 × 64: base", 4, "input[aria-label=base]", BACK_AND_FORTH),
    ("heat map, 64 × 64, d = 128: cell", 5, ".rope-box", ["ArrowRight", "ArrowDown"]),
    ("heat map, 64 × 64, d = 128: base", 5, "input[aria-label=base]", BACK_AND_FORTH),
    ("card: choose, commit, answer again", 6, "input[type=radio]", ["ArrowDown", "Enter", "Enter"]),
    ("trace of chapter 02: step", 7, ".trace-source", ACROSS),
)
PROBE = """(root) => {
  window.times = [];
  if (root.isProbed) return;
  root.isProbed = true;
  let pressed = 0, arrived = 0;
  window.addEventListener('keydown', (event) => { [pressed, arrived] = [event.timeStamp, performance.now()]; }, true);
  new MutationObserver(() => {
    if (!pressed) return;
    const changed = performance.now();
    root.getBoundingClientRect();
    window.times.push([changed - arrived, changed - pressed, performance.now() - pressed]);
    pressed = 0;
  }).observe(root, {subtree: true, childList: true, characterData: true, attributes: true});
}"""
DRAW = """async (state) => {
  const restore = (value) => {
    const bytes = value?.base64 !== undefined && Uint8Array.from(atob(value.base64), (c) => c.charCodeAt(0));
    if (bytes) return new DataView(bytes.buffer);
    if (Array.isArray(value)) return value.map(restore);
    if (value && typeof value === 'object')
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, restore(inner)]));
    return value;
  };
  const values = restore(state);
  const model = {get: (name) => values[name], set() {}, on() {}, off() {}, save_changes() {}, send() {}};
  const style = document.createElement('style');
  style.textContent = values._css;
  document.head.append(style);
  const started = performance.now();
  const module = await import(URL.createObjectURL(new Blob([values._esm], {type: 'text/javascript'})));
  module.default.render({model, el: document.body});
  document.body.getBoundingClientRect();
  return performance.now() - started;
}"""


def answers(page: Page) -> None:
    for name, cell, focused, keys in WAYS:
        widget = page.locator(".rope").nth(cell)
        widget.evaluate(PROBE)
        widget.locator(focused).first.focus()
        for press in range(PRESSES):
            page.keyboard.press(keys[press % len(keys)])
            page.wait_for_timeout(HELD_KEY)
        page.wait_for_timeout(300)
        times = np.array(page.evaluate("times"))
        spans = [f"{np.median(span):5.1f} / {np.percentile(span, 95):4.1f}" for span in times.T]
        print(f"{name:<42}", *spans, f"  ({len(times)} presses)")


def first_drawing(chrome: Browser, widget: Interactive) -> float:
    page = chrome.new_page()
    state = {name: _sent(value) for name, value in widget.get_state().items() if name != "layout"}
    taken = page.evaluate(DRAW, state)
    page.close()
    return taken


def _sent(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: _sent(inner) for key, inner in value.items()}
    return [_sent(inner) for inner in value] if isinstance(value, list) else value


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        work, private = Path(folder, "work"), Path(folder, "lab")
        work.mkdir()
        write(work / "widgets.ipynb", *CELLS)
        with driver.serve(work, private) as lab, driver.browser() as chrome:
            page = chrome.new_page()
            lab.open(page, "widgets.ipynb")
            errors = lab.run_all(page)
            if errors:
                raise SystemExit("\n".join(errors))
            print(f"{'median / 95th percentile, ms':<42}  in the page   from press    with layout")
            answers(page)
            print("\nfirst drawing, ms (median of 5)")
            vectors = np.random.default_rng(0).standard_normal((2, 64, 128))
            widgets = (
                RotationVisualiser(),
                FrequencyExplorer(),
                AttentionHeatMap(),
                AttentionHeatMap(*vectors),
                predict("01-quarter-turn"),
                trace_lines(RotaryPositionAttention(4).forward, Q, K, V),
            )
            for widget in widgets:
                times = [first_drawing(chrome, widget) for _ in range(5)]
                print(f"{type(widget).__name__:<42} {np.median(times):5.0f}, at most {max(times):.0f}")
            lab.close(page)


if __name__ == "__main__":
    main()
