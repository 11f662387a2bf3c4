# SPDX-License-Identifier: BSD-3-Clause
"""What SciPy's modules call in place of a compiled function: ours, or the original.

Our function computes the call and returns what the original returns. Or it returns a string, the
reason why it cannot, and has written nothing; then the original gets the call. It also raises what
is wrong with the arguments.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType
from typing import Any, Protocol

UNFIT = (TypeError, ValueError, OverflowError)  # of arguments that our function cannot convert


class Switch(Protocol):
    """Whether a patch is in force: for the whole process, or for the context of the caller."""

    process: bool

    def here(self) -> Any: ...


_noted: ContextVar[list[str] | None] = ContextVar("fastconv.handed_over", default=None)


@contextmanager
def noting() -> Iterator[list[str]]:
    """Inside, the reasons of calls that this context hands over are noted."""
    token = _noted.set(reasons := [])
    try:
        yield reasons
    finally:
        _noted.reset(token)


class Counts:
    """Calls served and handed over, counted by any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reasons: dict[str, int] = {}
        self.serve = itertools.count()

    @property
    def served(self) -> int:
        return int(repr(self.serve)[6:-1])  # to look at it must not count

    @property
    def handed_over(self) -> dict[str, int]:
        """How many calls for each reason."""
        with self._lock:
            return dict(self._reasons)

    def hand_over(self, reason: str) -> None:
        """Count a call for which our function has this reason."""
        with self._lock:
            self._reasons[reason] = self._reasons.get(reason, 0) + 1
        noted = _noted.get()
        if noted is not None:
            noted.append(reason)


# Each parameter by itself: a call that packs its arguments into a tuple takes twice as long.
_CALL = """
def call({arguments}):
{guard}    try:
        result = engine({arguments})
    except UNFIT as error:
        result = "arguments that give " + type(error).__name__
    if type(result) is not str:
        next(serve)
        return result
    hand_over(result)
    return original({arguments})
"""
# Transforms have optional arguments, and an engine that serves every call.
_TRANSFORM = """
def call(x, s=None, axes=None, norm=None, overwrite_x=False, workers=None):
{guard}    next(serve)
    return engine({arguments})
"""
_GUARD = """    if not switch.process and not here():
        return original({arguments})
"""


def make_call(
    engine: Callable, original: Callable, counts: Counts, arity: int, switch: Switch | None = None
) -> Callable:
    """A function of so many arguments that lets `engine` or `original` compute; 0: of those of a
    transform of scipy.fft.

    With a switch, only where that is on.

    >>> counts = Counts()
    >>> double = make_call(lambda x: x + x if x < 9 else "large", lambda x: 2 * x, counts, 1)
    >>> [double(x) for x in (1, 2, 10)], counts.served, counts.handed_over
    ([2, 4, 20], 2, {'large': 1})
    """
    arguments = ", ".join(f"a{n}" for n in range(arity)) or "x, s, axes, norm, overwrite_x, workers"
    guard = "" if switch is None else _GUARD.format(arguments=arguments)
    space = {
        "UNFIT": UNFIT,
        "engine": engine,
        "original": original,
        "serve": counts.serve,
        "hand_over": counts.hand_over,
    }
    if switch is not None:
        space |= {"switch": switch, "here": switch.here}
    text = _CALL if arity else _TRANSFORM
    exec(text.format(arguments=arguments, guard=guard), space)
    return space["call"]


def stand_in(original: Any, attributes: dict[str, Any]) -> ModuleType:
    """A module with some attributes of ours; all others are those of the original.

    A plain module, as Python looks its attributes up fastest; with a copy of all that is there, as
    `__getattr__` would take a microsecond.

    >>> import math
    >>> ours = stand_in(math, {"sin": "ours"})
    >>> ours.sin, ours.pi
    ('ours', 3.141592653589793)
    """
    module = ModuleType(getattr(original, "__name__", "original"))
    module.__dict__.update(vars(original) | attributes)
    module.__dict__["__getattr__"] = lambda name: getattr(original, name)
    module.__dict__["__dir__"] = lambda: sorted({*dir(original), *attributes})
    return module
