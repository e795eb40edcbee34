"""Small functions to be traced, with every kind of statement. What they assign is looked at from outside."""
# ruff: noqa: F841, B007, B018, E701, E702

import functools

import numpy as np

TOTAL = 0
table = []


def straight(x):
    y = x + 1
    z = w = y * 2
    y = y
    return z


def loops(n):
    total = 0
    for i in range(n):
        if i % 2:
            total += i
    while total > 3:
        total -= 3
    else:
        done = True
    for _ in range(2): total += 1  # fmt: skip
    return total, done


def failing(x):
    try:
        y = 1 / x
    except ZeroDivisionError as error:
        y = str(error)
    finally:
        z = 2
    with np.errstate(all="ignore") as state:
        w = z
    raise ValueError(f"no {y}")


def factorial(n):
    if n < 2:
        return 1
    return n * factorial(n - 1)


def counting(n):
    for i in range(n):
        got = yield i
    return got


def delegating():
    last = yield from counting(2)
    return last


def use_generators():
    running = counting(3)
    first = next(running)
    second = running.send("hello")
    running.close()
    rest = list(delegating())
    return first, second, rest


def thrown_into():
    running = counting(3)
    next(running)
    running.throw(KeyError("thrown"))


class Countdown:
    def __init__(self, n):
        self.n = n

    def __iter__(self): return self  # fmt: skip

    def __next__(self):
        if self.n == 0:
            raise StopIteration
        self.n -= 1
        return self.n


def comprehensions():
    squares = [
        (last := k) ** 2
        for k in Countdown(3)
        if k
    ]  # fmt: skip
    for k in Countdown(1):
        pass
    return sum(
        k
        for k in squares
    )  # fmt: skip


def in_place():
    x = np.zeros((3, 4))
    even = x[:, ::2]
    even[1] += 0.5
    x.T[3, 0] = 7
    np.multiply(x, 2, out=x)
    x[...] = x
    return x


# fmt: off
def several_lines(x):
    y = np.add(
        x,
        np.full(
            3,
            2.0,
        ),
    )
    if (
        y[0] > 0
        and y[1] > 0
    ):
        y = -y
    first, *rest = (
        y[0],
        y[1], y[2],
    )
    a = 1; b = a + 1
    del a
    match b:
        case 1:
            pass
        case int(c) if c:
            b += 1
    return y
# fmt: on


def logged(function):
    @functools.wraps(function)
    def wrapper(*args):
        result = function(*args)
        return result

    return wrapper


def bare(function):
    def inner(x):
        return function(x) + 1

    return inner


@logged
@functools.lru_cache
def decorated(x):
    return x * 2


@bare
def undeclared(x):
    return x * 3


def closures():
    global TOTAL
    count = 0

    def add():
        nonlocal count
        count += 1

    add()
    TOTAL = count
    table.append(count)
    return count


def everything(n):
    values, names, flag = np.arange(n, dtype=float), {}, True
    for i in range(n):
        values[i:] *= 1.5
        names[i] = values[: i + 1].sum()
        if i > 1:
            flag = not flag
            continue
        low = min(names.values())
    return locals()


class Hostile:
    def __repr__(self):
        raise RuntimeError("no repr")

    def __eq__(self, other):
        raise RuntimeError("no equality")

    def __getattr__(self, name):
        raise RuntimeError("no attributes")

    @property
    def harmful(self):
        raise AssertionError("a property was run")


def meets(value):
    held = value
    held = [held]
    try:
        held[0].harmful
    except AssertionError:
        harm = "by the function itself"
    return held
