"""A real JupyterLab in a real headless Chromium, private and without network.

One server serves one folder; settings, workspaces and runtime files live in a folder that goes away with it.
"""

import ast
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WINDOWING = "@jupyterlab/notebook-extension/tracker"
SETTINGS = {
    # Cells off the screen are otherwise not in the page.
    WINDOWING: {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}
RUN_ALL = """async () => {
  const panel = jupyterapp.shell.currentWidget;
  await jupyterapp.commands.execute('notebook:run-all-cells');
  const errors = [];
  for (const cell of panel.content.widgets) {
    const outputs = cell.model.outputs;
    for (let i = 0; outputs && i < outputs.length; i++) {
      const output = outputs.get(i).toJSON();
      if (output.output_type === 'error') errors.push(output.ename + ': ' + output.evalue);
    }
  }
  return errors;
}"""
VALUE = """async (expression) => {
  const kernel = jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
  const request = kernel.requestExecute({code: '', user_expressions: {value: expression}, store_history: false});
  return (await request.done).content.user_expressions.value.data['text/plain'];
}"""
START = """(code) => {
  jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.requestExecute({code, store_history: false});
}"""
READY = """async () => {
  const context = jupyterapp.shell.currentWidget.context;
  await context.ready;
  await context.sessionContext.ready;
}"""


def chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")


@dataclass
class Lab:
    url: str
    token: str
    app: str
    private: Path

    def open(self, page: Page, notebook: str, kind: str = "") -> None:
        """kind: "lab/tree" for JupyterLab with its folders and tabs, instead of one document alone."""
        kind = kind or ("doc/tree" if self.app == "lab" else "notebooks")
        page.goto(f"{self.url}/{kind}/{notebook}?token={self.token}&reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        page.wait_for_function("window.jupyterapp?.shell.currentWidget?.context", timeout=30_000)
        page.evaluate(READY)

    def run_all(self, page: Page) -> list[str]:
        """Run every cell, wait until all have ended → the errors shown."""
        return page.evaluate(RUN_ALL)

    def value(self, page: Page, expression: str) -> object:
        """What an expression, with a literal as its value, is in the kernel."""
        return ast.literal_eval(page.evaluate(VALUE, expression))

    def start(self, page: Page, code: str) -> None:
        """Give the kernel something to do, and do not wait."""
        page.evaluate(START, code)

    def restart(self, page: Page) -> None:
        page.evaluate("() => jupyterapp.shell.currentWidget.context.sessionContext.restartKernel()")

    def save(self, page: Page) -> None:
        page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")

    def trust(self, path: Path) -> None:
        """Sign a notebook, as JupyterLab does with one that the reader has run."""
        command = [sys.executable, "-m", "jupyter", "trust", str(path)]
        subprocess.run(command, env=_environment(self.private), check=True, capture_output=True)

    def set_theme(self, page: Page, theme: str) -> None:
        page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        page.wait_for_function(
            "light => document.body.dataset.jpThemeLight === light", arg=str("Light" in theme).lower()
        )

    def close(self, page: Page) -> None:
        """End the kernel: a second visit would otherwise find it where the first one left it."""
        page.evaluate("() => jupyterapp.shell.currentWidget.context.sessionContext.shutdown()")

    def ask(self, path: str, method: str = "GET") -> object:
        request = urllib.request.Request(f"{self.url}{path}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.loads(answer.read() or b"null")


@contextlib.contextmanager
def serve(folder: Path, private: Path, app: str = "lab", without: Sequence[str] = ()) -> Iterator[Lab]:
    """Serve folder with JupyterLab (or "notebook"), keeping all its own files in private.

    without: plugins among SETTINGS that keep JupyterLab's own values
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for plugin in SETTINGS.keys() - set(without):
        path = private / "settings" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(SETTINGS[plugin]))
    exposed = "LabApp" if app == "lab" else "JupyterNotebookApp"
    lab = Lab(f"http://127.0.0.1:{port}", "test", app, private)
    command = [sys.executable, "-m", "jupyter", app, "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--allow-root"]
    command += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={lab.token}", f"--ServerApp.root_dir={folder}"]
    command += [f"--{exposed}.expose_app_in_browser=True"]
    with (private / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=_environment(private), stdout=log, stderr=log)
        try:
            _wait_until_it_answers(lab, server, private / "server.log")
            yield lab
            for kernel in lab.ask("/api/kernels"):
                lab.ask(f"/api/kernels/{kernel['id']}", "DELETE")
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        try:
            yield opened
        finally:
            opened.close()


def _environment(private: Path) -> dict[str, str]:
    folders = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime"}
    folders |= {
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    return {**os.environ, **{name: str(private / folder) for name, folder in folders.items()}}


def _wait_until_it_answers(lab: Lab, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            lab.ask("/api")
            return
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()}")
