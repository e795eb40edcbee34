"""Train tiny models side by side on Shakespeare, one process each, while their loss curves grow."""

import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import Process, connection, get_context

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ropelib.texts import shakespeare, titles
from ropelib.tiny_model import TinyModel

LENGTHS = (32, 64, 128, 256, 512)
TARGETS, WINDOWS = 32, 32


@dataclass(frozen=True)
class Recipe:
    """How a model is trained. Models of one recipe differ in their scheme, and in nothing else.

    steps, batch: batch windows of length characters a step
    rate:         AdamW's learning rate, after a warm-up, on its way to 0
    scheme_rate:  how many times faster the scheme's own parameters learn, where it has any
    held_out:     the title that is left for the test
    """

    steps: int = 200
    length: int = 64
    batch: int = 16
    rate: float = 5e-3
    scheme_rate: float = 10.0
    seed: int = 0
    held_out: str = "hamlet"


@dataclass(frozen=True)
class Run:
    """What became of one model: losses (nats a character) of every step, and on held-out text by window length."""

    model: TinyModel
    losses: Sequence[float]
    by_length: Mapping[int, float]


def texts(recipe: Recipe) -> tuple[Tensor, Tensor, str]:
    """(characters,) codes to train on, the same of the held-out title, and the characters that the codes count."""
    parts = [shakespeare(*(name for name in titles() if name != recipe.held_out)), shakespeare(recipe.held_out)]
    vocabulary = "".join(sorted(set("".join(parts))))
    code = np.zeros(ord(vocabulary[-1]) + 1, dtype=np.int64)
    code[[ord(character) for character in vocabulary]] = np.arange(len(vocabulary))
    train, test = (torch.from_numpy(code[np.frombuffer(part.encode("utf-32-le"), "<u4")]) for part in parts)
    return train, test, vocabulary


def train(model: TinyModel, codes: Tensor, recipe: Recipe) -> Iterator[float]:
    """Train in place, and yield the loss of every step. Models of one seed see the same windows in the same order."""
    own = list(model.scheme.parameters())
    others = [parameter for parameter in model.parameters() if all(parameter is not mine for mine in own)]
    groups = [{"params": others, "lr": recipe.rate}, {"params": own, "lr": recipe.rate * recipe.scheme_rate}]
    optimizer = torch.optim.AdamW(groups, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, [group["lr"] for group in groups], recipe.steps, pct_start=0.1, cycle_momentum=False
    )
    chance = torch.Generator().manual_seed(recipe.seed)
    for _ in range(recipe.steps):
        starts = torch.randint(len(codes) - recipe.length, (recipe.batch, 1), generator=chance)
        window = codes[starts + torch.arange(recipe.length + 1)]
        loss = F.cross_entropy(model(window[:, :-1]).flatten(0, 1), window[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        yield loss.item()


@torch.no_grad()
def loss_at(model: TinyModel, codes: Tensor, length: int, windows: int = WINDOWS) -> float:
    """Mean loss, nats a character, of the last 32 characters of windows of a length.

    Windows of every length end at the same places: what is predicted is the same, only the context is longer.
    """
    ends = torch.linspace(max(LENGTHS), len(codes) - 1, windows).long()
    window = codes[ends[:, None] - torch.arange(length, -1, -1)]
    logits = torch.cat([model(some)[:, -TARGETS:] for some in window[:, :-1].split(8)])
    return F.cross_entropy(logits.flatten(0, 1), window[:, -TARGETS:].flatten()).item()


def race(schemes: Sequence[str], recipe: Recipe, watch: Callable[[dict[str, list[float]]], None]) -> dict[str, Run]:
    """Train one model for each scheme, all at once, each in a process and a thread of its own.

    watch:   is shown the losses so far: at the start, every two seconds, and at the end
    returns: scheme → Run

    An interrupt ends the processes. Raises RuntimeError with the worker's own words where a worker fails.
    """
    vocabulary = len(texts(recipe)[2])
    context, losses, done = get_context("spawn"), {name: [] for name in schemes}, {}
    pipes: dict[connection.Connection, str] = {}
    workers: list[Process] = []
    try:
        for name in schemes:
            ours, theirs = context.Pipe(duplex=False)
            with _interrupts_ignored():  # a worker inherits that: to end it is our business
                workers.append(context.Process(target=_work, args=(name, recipe, theirs), daemon=True))
                workers[-1].start()
            theirs.close()
            pipes[ours] = name
        watch(losses)
        shown = time.monotonic()
        while len(done) < len(schemes):
            for pipe in connection.wait(pipes, timeout=1):
                _listen(pipe, pipes, losses, done)
            if time.monotonic() > shown + 2:
                watch(losses)
                shown = time.monotonic()
    finally:
        for worker in workers:
            worker.kill()
            worker.join()
    watch(losses)
    return {name: Run(_revived(vocabulary, name, done[name][1]), losses[name], done[name][0]) for name in schemes}


def _listen(pipe: connection.Connection, pipes: dict, losses: dict[str, list[float]], done: dict) -> None:
    name = pipes[pipe]
    try:
        kind, content = pipe.recv()
    except EOFError:
        raise RuntimeError(f"the process that trains {name!r} ended without a word: is memory short?") from None
    if kind == "failed":
        raise RuntimeError(f"training {name!r} failed:\n{content}")
    if kind == "losses":
        losses[name] += content
    else:
        done[name] = content
        del pipes[pipe]


def _work(name: str, recipe: Recipe, pipe: connection.Connection) -> None:
    try:
        torch.set_num_threads(1)
        codes, test, vocabulary = texts(recipe)
        torch.manual_seed(recipe.seed)
        model = TinyModel(len(vocabulary), name)
        fresh = []
        for loss in train(model, codes, recipe):
            fresh.append(loss)
            if len(fresh) == 5:
                pipe.send(("losses", fresh))
                fresh = []
        pipe.send(("losses", fresh))
        by_length = {length: loss_at(model, test, length) for length in LENGTHS}
        weights = {key: value.numpy() for key, value in model.state_dict().items()}
        pipe.send(("done", (by_length, weights)))
    except BrokenPipeError:  # nobody listens any more
        pass
    except BaseException:
        pipe.send(("failed", traceback.format_exc()))


def _revived(vocabulary: int, name: str, weights: dict[str, np.ndarray]) -> TinyModel:
    model = TinyModel(vocabulary, name).eval()
    model.load_state_dict({key: torch.from_numpy(value) for key, value in weights.items()})
    return model


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # elsewhere Python allows no handlers
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@dataclass
class LiveCurves:
    """Draws the losses of a race into one place of a notebook, again and again.

    steps: of the whole training; smooth: how many steps each point of a curve is the mean of
    """

    steps: int
    smooth: int = 20
    _place: object = field(default=None, init=False)

    def __call__(self, losses: dict[str, list[float]]) -> None:
        import matplotlib.pyplot as plt
        from IPython.display import display

        from ropelib import plotting

        points = np.arange(self.smooth, self.steps + 1)
        curves = {name: np.full(len(points), np.nan) for name in losses}
        for name, values in losses.items():
            if len(values) >= self.smooth:
                means = np.convolve(values, np.ones(self.smooth) / self.smooth, "valid")
                curves[name][: len(means)] = means
        slowest = min(map(len, losses.values()))
        figure, axes = plotting.curves(points, curves, xlabel="step", ylabel="loss (nats a character)")
        axes.set(xlim=(0, self.steps), ylim=(1.9, 3.5))
        axes.set_title(f"step {slowest} of {self.steps}" if slowest < self.steps else "")
        plt.close(figure)
        if self._place is None:
            self._place = display(figure, display_id=True)
        else:
            self._place.update(figure)
