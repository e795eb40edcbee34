"""The questions that the chapters ask before they show a result: one module a chapter, one function a question.

The function computes its options: the right one from the definition, and each wrong one from the misreading that
leads to it. A key begins with the number of its chapter, and later chapters ask an earlier question by its key.
"""

import importlib
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256

FEWEST, MOST = 2, 6


@dataclass(frozen=True)
class Option:
    """One thing to choose: its text, and why somebody chooses it and what is true instead."""

    text: str
    why: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """What is asked, in plain text with `code` between backticks, and two to six options, one of them right.

    Raises ValueError where a text is missing, two options read alike, or not exactly one is right.
    """

    text: str
    options: tuple[Option, ...]

    def __post_init__(self) -> None:
        texts = [option.text for option in self.options]
        if not FEWEST <= len(texts) <= MOST:
            raise ValueError(f"a question must have {FEWEST} to {MOST} options, but this one has {len(texts)}")
        if len(set(texts)) < len(texts):
            raise ValueError(f"the options must differ, but they are {texts}")
        if sum(option.right for option in self.options) != 1:
            raise ValueError(f"exactly one option must be right, but {sum(o.right for o in self.options)} are")
        if not all(part.strip() for part in [self.text, *texts, *(option.why for option in self.options)]):
            raise ValueError("the question, every option and every explanation must be written, but one is empty")


def right(text: str, why: str) -> Option:
    return Option(text, why, right=True)


def wrong(text: str, why: str) -> Option:
    return Option(text, why)


def ask(text: str, *options: Option) -> Question:
    return Question(text, options)


Builder = Callable[[], Question]
_builders: dict[str, tuple[str, Builder]] = {}


def question(key: str, topic: str) -> Callable[[Builder], Builder]:
    """Enter a function that returns a Question under its key, such as "01-quarter-turn".

    topic: what it is about, in a few words that do not give the answer away

    Raises ValueError for a key of another form, of another chapter, or in use.
    """

    def enter(build: Builder) -> Builder:
        if not re.fullmatch(r"\d\d(-[a-z0-9]+)+", key):
            raise ValueError(f'a key must look like "01-quarter-turn", but it is {key!r}')
        if build.__module__.startswith(f"{__name__}.") and not build.__module__.endswith(f"chapter_{key[:2]}"):
            raise ValueError(f"a key must begin with the number of its chapter, but {key!r} is in {build.__module__}")
        if key in _builders and _builders[key][1].__qualname__ != build.__qualname__:
            raise ValueError(f"a key must be used once, but {key!r} is taken")
        _builders[key] = (topic, build)
        return build

    return enter


def find(key: str) -> Question:
    """The question of this key, its options in an order that depends on nothing but their texts.

    Raises ValueError, with the keys of that chapter, where there is none.
    """
    chapter = str(key)[:2]
    known = keys(chapter)
    if not known:
        raise ValueError(
            'key must be a chapter with a few words, such as "00-between", and the chapter one of '
            f"{', '.join(chapters())}, but got {key!r}"
        )
    if key not in _builders:
        raise ValueError(f"key must be one of {', '.join(known)}, which chapter {chapter} asks, but got {key!r}")
    asked = _builders[key][1]()
    return replace(asked, options=tuple(sorted(asked.options, key=lambda option: _place(key, option))))


def _place(key: str, option: Option) -> bytes:
    """Where an option stands: authors tend to put the right one second, and readers learn that before RoPE."""
    return sha256(f"{key} {option.text}".encode()).digest()


def topic(key: str) -> str:
    return _builders[key][0]


def keys(chapter: str) -> list[str]:
    """The keys of one chapter, for example "01", in the order in which it asks them."""
    if chapter in chapters():
        importlib.import_module(f"{__name__}.chapter_{chapter}")
    return [key for key in _builders if key.startswith(f"{chapter}-")]


def chapters() -> list[str]:
    """The numbers of the chapters that have questions, in order."""
    modules = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(name.removeprefix("chapter_") for name in modules if name.startswith("chapter_"))


def figures(value: float, digits: int = 2) -> str:
    """A number as the chapters print it in prose: with a true minus sign, and no minus zero."""
    text = f"{value:.{digits}f}"
    return text.replace("-", "") if float(text) == 0 else text.replace("-", "−")
