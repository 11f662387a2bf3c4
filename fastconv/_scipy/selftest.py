# SPDX-License-Identifier: BSD-3-Clause
"""Tiny calls that show whether our functions do what the installed SciPy does, to the bit.

What the modules of SciPy call is private to SciPy, and may change. So each of our functions is
compared with the original before it serves: in arguments, in the dtypes and bits of results and
outputs. This takes a few milliseconds once in a process.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np

from .entries import TOOLS, Entry

Case = Callable[[], tuple]  # makes the arguments of a call, with new arrays each time

MODES = ("reflect", "constant", "nearest", "mirror", "wrap", "grid-wrap", "grid-constant")
FLOATS = ("float64", "float32")
DTYPES = (*FLOATS, "uint8", "int32")
WEIGHTS = (
    [0.1, 0.7, 0.3, 0.7, 0.1],  # symmetric
    [-0.9, -0.3, 0.0, 0.3, 0.9],  # antisymmetric
    [0.3, 0.9, -0.4],  # neither
    [0.6, 0.3, 0.1, -0.7],  # an even number
)


def fault(entry: Entry, engine: Callable, original: Callable) -> str | None:
    """Why `engine` cannot stand for `original`, or None."""
    try:
        for case in CASES[entry.name]():
            reason = _fault_of_call(case, engine, original)
            if reason is not None:
                return reason
    except Exception as error:  # a helper of SciPy is gone, or has other arguments
        return f"no test of it runs with this SciPy ({type(error).__name__}: {error})"
    return None


def _fault_of_call(case: Case, engine: Callable, original: Callable) -> str | None:
    theirs, ours = case(), case()
    try:
        expected = original(*theirs)
    except Exception as error:
        return f"SciPy's function takes other arguments ({type(error).__name__}: {error})"
    try:
        got = engine(*ours)
    except Exception as error:
        return f"ours raises {type(error).__name__}: {error}"
    if isinstance(got, str):  # SciPy will compute such a call
        return None
    if not (_same(expected, got) and all(map(_same, theirs, ours))):
        return f"ours gives another result than SciPy ({_described(theirs)})"
    return None


def _same(one: Any, other: Any) -> bool:
    """Both are no arrays, or arrays of the same shape, dtype and bytes."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        alike = one.shape == other.shape and one.dtype == other.dtype
        return alike and one.tobytes() == other.tobytes()
    return isinstance(one, np.ndarray) is isinstance(other, np.ndarray)


def _described(arguments: tuple) -> str:
    """The dtypes and shapes of a call."""
    arrays = [value for value in arguments if isinstance(value, np.ndarray)]
    return ", ".join(f"{array.dtype} {array.shape}" for array in arrays)


# ---- the calls ---------------------------------------------------------------------------------


def _image(dtype: str, shape: tuple[int, ...] = (5, 7)) -> np.ndarray:
    """Numbers without a pattern from 10 to 190, and some at a tie."""
    values = np.sin(np.arange(np.prod(shape)) * 1.7) * 90 + 100
    values[::5] = 50
    return values.astype(dtype).reshape(shape)


def _zeros(image: np.ndarray, dtype: str | None = None) -> np.ndarray:
    return np.zeros(image.shape, dtype or image.dtype)


def _code(mode: str) -> int:
    return import_module("scipy.ndimage._ni_support")._extend_mode_to_code(mode)


def _correlate1d() -> Iterator[Case]:
    turns = itertools.cycle(MODES)
    for number, (weights, dtype) in enumerate(itertools.product(WEIGHTS, DTYPES)):
        mode, axis, origin = _code(next(turns)), number % 2, number % 3 - 1

        def case(w=weights, dtype=dtype, axis=axis, mode=mode, origin=origin) -> tuple:
            image = _image(dtype)
            return image, np.array(w), axis, _zeros(image), mode, 1.5, origin

        yield case


def _correlate() -> Iterator[Case]:
    for number, (dtype, mode) in enumerate(zip(DTYPES * 2, MODES, strict=False)):
        code = _code(mode)

        def case(dtype=dtype, mode=code, columns=2 + number % 2) -> tuple:
            image, weights = _image(dtype), np.cos(np.arange(3.0 * columns))
            weights[1] = 0
            return image, weights.reshape(3, columns), _zeros(image, "float64"), mode, 1.5, [0, 0]

        yield case


def _uniform() -> Iterator[Case]:
    for number, (dtype, mode) in enumerate(zip(DTYPES * 2, MODES, strict=False)):
        code = _code(mode)

        def case(dtype=dtype, mode=code, size=2 + number % 4, axis=number % 2) -> tuple:
            image = _image(dtype)
            return image, size, axis, _zeros(image), mode, 1.5, 0

        yield case


def _extremes() -> Iterator[Case]:
    for number, (dtype, mode) in enumerate(zip(DTYPES * 2, MODES, strict=False)):
        code = _code(mode)

        def case(dtype=dtype, mode=code, size=2 + number % 4, least=number % 2) -> tuple:
            image = _image(dtype)
            return image, size, 1 - least, _zeros(image), mode, 1.5, 0, least

        yield case


def _footprint() -> np.ndarray:
    return np.array([[True, True, False], [False, True, True]])


def _extremes_under() -> Iterator[Case]:
    for number, (dtype, mode) in enumerate(zip(DTYPES * 2, MODES, strict=False)):
        code = _code(mode)

        def case(dtype=dtype, mode=code, least=number % 2, flat=number % 3 > 0) -> tuple:
            image = _image(dtype)
            structure = None if flat else np.arange(6.0).reshape(2, 3)
            return image, _footprint(), structure, _zeros(image), mode, 1.5, [0, 0], least

        yield case


def _ranks() -> Iterator[Case]:
    for number, (dtype, mode) in enumerate(zip(DTYPES * 2, MODES, strict=False)):
        code = _code(mode)

        def case(dtype=dtype, mode=code, box=number % 2, rank=1 + number % 2) -> tuple:
            image = _image(dtype)
            footprint = np.ones((3, 3), bool) if box else _footprint()
            return image, rank + 2 * box, footprint, _zeros(image), mode, 1.5, [0, 0]

        yield case


def _ranks_of_lines() -> Iterator[Case]:
    for number, dtype in enumerate((*FLOATS, "int64") * 2):
        mode = _code(MODES[number % 5])

        def case(dtype=dtype, mode=mode, size=3 + number % 3) -> tuple:
            line = _image(dtype, (23,))
            return line, size // 2, size, _zeros(line), mode, line.dtype.type(1), 0

        yield case


def _convolve2d() -> Iterator[Case]:
    tools = import_module(TOOLS)
    words = itertools.product(("full", "same", "valid"), ("fill", "wrap", "symm"))
    dtypes = itertools.cycle((*FLOATS, "uint8", "complex64", "complex128"))
    for number, (mode, boundary) in enumerate(words):
        codes = tools._valfrommode(mode), tools._bvalfromboundary(boundary)
        dtype = next(dtypes)

        def case(dtype=dtype, codes=codes, flip=number % 2) -> tuple:
            return _image(dtype, (6, 9)), _image(dtype, (3, 4)), flip, *codes, 0

        yield case
    for flip, dtype in enumerate(FLOATS):  # more taps, so that the order of the sums shows
        codes = tools._valfrommode("same"), tools._bvalfromboundary("fill")
        yield lambda f=flip, d=dtype, c=codes: (_image(d, (9, 13)), _image(d, (5, 7)), f, *c, 0)


def _correlate_nd() -> Iterator[Case]:
    code = import_module(TOOLS)._valfrommode("valid")
    for dtype in (*FLOATS, "uint8", "int32", "complex64", "complex128"):

        def case(dtype=dtype) -> tuple:
            return _image(dtype, (6, 9)), _image(dtype, (3, 4)), np.zeros((4, 6), dtype), code

        yield case


def _medians() -> Iterator[Case]:
    for number, dtype in enumerate((*FLOATS, "uint8")):
        yield lambda d=dtype, n=number: (_image(d, (6, 9)), np.array([3, 3 + n // 2 * 2]))


def _upfirdn() -> Iterator[Case]:
    module = import_module("scipy.signal._upfirdn")
    dtypes = itertools.cycle((*FLOATS, "complex64", "complex128"))
    for mode, up, down in zip(module._upfirdn_modes, (1, 2, 3) * 3, (2, 1, 1, 3) * 3, strict=False):
        code, dtype = module._check_mode(mode), next(dtypes)

        def case(dtype=dtype, mode=code, up=up, down=down) -> tuple:
            x, taps = _image(dtype, (2, 11)), _image(dtype, (5,))
            length = module._output_len(5, 11, up, down)
            out = np.zeros((2, length), dtype)
            return x, module._pad_h(taps, up), out, up, down, 1, mode, 1.5

        yield case


def _transforms() -> Iterator[Case]:
    yield lambda: (_image("float64") + 0j, (5, 8), (0, 1))


def _real_transforms() -> Iterator[Case]:
    yield lambda: (_image("float64"), (5, 8), (0, 1))


CASES: dict[str, Callable[[], Iterator[Case]]] = {
    "ndimage.correlate1d": _correlate1d,
    "ndimage.correlate": _correlate,
    "ndimage.uniform_filter1d": _uniform,
    "ndimage.min_or_max_filter1d": _extremes,
    "ndimage.min_or_max_filter": _extremes_under,
    "ndimage.rank_filter": _ranks,
    "ndimage.rank_filter_1d": _ranks_of_lines,
    "signal.convolve2d": _convolve2d,
    "signal.correlate_nd": _correlate_nd,
    "signal.medfilt2d": _medians,
    "signal.upfirdn": _upfirdn,
    "signal.rfftn": _real_transforms,
    "signal.irfftn": _transforms,
    "signal.fftn": _transforms,
    "signal.ifftn": _transforms,
}
