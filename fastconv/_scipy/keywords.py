# SPDX-License-Identifier: BSD-3-Clause
"""SciPy's functions with the keywords ``threads`` and ``precision``."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from .._plan.settings import settings
from .._spec.arguments import check_threads
from .._spec.values import show, word_needed
from . import fast
from .plans import explain

PRECISIONS = ("scipy", "fast")

ADDED = """

fastconv
--------
This is SciPy's function over the kernels of fastconv. It takes two keywords more:

threads : int, optional
    The number of threads, from 1 to 1024. Default is that of `fastconv.settings`.
precision : {'scipy', 'fast'}, optional
    'scipy', the default, gives the bits of SciPy. 'fast' allows other roundings: sums of
    float32 arrays may be computed in float32, with fused multiply-add.
"""

# Arguments of these types are computed here; others may be arrays of another library.
COMMON = frozenset({
    np.ndarray, list, tuple, str, bool, int, float, complex, type(None), np.float64, np.float32,
    np.int64, type, np.uint8, np.bool_,
})  # fmt: skip
METHODS = ("auto", "direct", "fft")  # of SciPy; another one needs a look
ARRAYS = frozenset({"output", "footprint", "structure", "mask", "weights", "kernel_size", "window"})


def check_precision(name: str, word: Any) -> str:
    """`word` if it is a precision."""
    if isinstance(word, str) and word in PRECISIONS:
        return word
    kind = ValueError if isinstance(word, str) else TypeError
    raise kind(f"{name}: precision is {show(word)}, {word_needed(word, PRECISIONS)}")


def is_foreign(value: Any) -> bool:
    """Whether this is an array of another library than NumPy."""
    kind = type(value)
    if kind in COMMON or isinstance(value, np.ndarray | np.generic | type):
        return False
    return hasattr(kind, "__array_namespace__") or hasattr(kind, "__cuda_array_interface__")


def run(
    function: Callable, public: Callable, form: Callable | None, threads: Any, precision: Any,
    arrays: tuple, arguments: tuple, words: dict[str, Any],
) -> Any:  # fmt: skip
    """A call with keywords of ours, or with arguments that need a look."""
    name = function.__name__
    threads, precision = check_threads(name, threads), check_precision(name, precision)
    if any(map(is_foreign, arrays)):
        return public(*arguments, **words)
    with nullcontext() if threads is None else settings(threads=threads):
        if form is not None and precision == "fast":
            result = fast.run(form, arguments, words)
            if result is not None:
                return result
        return function(*arguments, **words)


# With the parameters of the function itself: a call through ``*arguments, **words`` would take a
# microsecond longer.
_WRAPPER = """
def {name}({parameters}):
    if {unusual}:
        return run(
            seldom, public, form, threads, precision, ({arrays}), ({positional}), {{{words}}}
        )
    return function({arguments})
"""


def with_keywords(
    function: Callable, public: Callable, module: str, seldom: Callable | None = None
) -> Callable:
    """`function`, a copy of SciPy's `public`, as the function of ours in `module`. `seldom` serves
    calls with keywords of ours, and with a method that is not SciPy's.

    >>> import numpy as np
    >>> def double(input, power=1, *, axes=None):
    ...     return input * 2**power
    >>> ours = with_keywords(double, double, "here")
    >>> ours(np.arange(3), power=2, threads=1), ours.__module__
    (array([0, 4, 8]), 'here')
    >>> import inspect
    >>> str(inspect.signature(ours))
    "(input, power=1, *, axes=None, threads=None, precision='scipy')"
    """
    signature = inspect.signature(function)
    given = signature.parameters.values()
    leading = [p.name for p in given if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    keywords = [p.name for p in given if p.kind is p.KEYWORD_ONLY]
    several = [p.name for p in given if p.kind is p.VAR_POSITIONAL]
    rest = [p.name for p in given if p.kind is p.VAR_KEYWORD]
    required = [p.name for p in given if p.default is p.empty and p.name in leading]
    optional = [n for n in (*leading, *keywords) if n in ARRAYS and n not in required]
    looked = [*required, *optional]
    said = ["threads is not None", "precision != 'scipy'"]
    said += [f"type({name}) not in COMMON" for name in required]
    said += [f"({name} is not None and type({name}) not in COMMON)" for name in optional]
    if seldom not in (None, function):
        said.append("method not in METHODS")
    stars = [f"*{name}" for name in several]
    words = [f"**{name}" for name in rest]
    text = _WRAPPER.format(
        name=function.__name__,
        parameters=", ".join(
            [*leading, *(stars or ["*"]), *keywords, "threads", "precision", *words]
        ),
        unusual=" or ".join(said),
        arrays="".join(f"{name}, " for name in looked) + "".join(f"*{name}, " for name in several),
        positional="".join(f"{name}, " for name in (*leading, *stars)),
        words=", ".join([*(f"{name!r}: {name}" for name in keywords), *words]),
        arguments=", ".join([*leading, *stars, *(f"{name}={name}" for name in keywords), *words]),
    )
    space = {"run": run, "COMMON": COMMON, "METHODS": METHODS, "public": public}
    space |= {"function": function, "seldom": seldom or function}
    space["form"] = fast.FORMS.get(f"{module}.{function.__name__}")
    exec(compile(text, f"<{module}.{function.__name__}>", "exec"), space)
    wrapper = space[function.__name__]
    wrapper.__defaults__ = function.__defaults__
    wrapper.__kwdefaults__ = {
        **(function.__kwdefaults__ or {}), "threads": None, "precision": "scipy"
    }  # fmt: skip
    wrapper.__doc__ = inspect.cleandoc(public.__doc__ or "") + ADDED
    if seldom not in (None, function):
        wrapper.__doc__ += seldom.__doc__ or ""
    wrapper.__module__ = module
    wrapper.__qualname__ = function.__name__
    wrapper.__wrapped__ = function
    wrapper._explain = functools.partial(explain, wrapper)  # for fastconv.plan
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, default in (("threads", None), ("precision", "scipy"))
    ]
    before = [p for p in given if p.kind is not p.VAR_KEYWORD]
    after = [p for p in given if p.kind is p.VAR_KEYWORD]
    wrapper.__signature__ = signature.replace(parameters=[*before, *added, *after])
    return wrapper
