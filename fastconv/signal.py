# SPDX-License-Identifier: BSD-3-Clause
"""scipy.signal over the kernels of fastconv, with the same bits: a drop-in replacement.

It has all names of scipy.signal: convolution, correlation and filters of signals.
Functions that compute sums, ranks or extremes over windows call fastconv, and take two keywords
more, `threads` and `precision`. `convolve` and `correlate` also take method='fastest': the cheapest
of direct sums, `fftconvolve` and `oaconvolve`, equal to rounding. All others are SciPy's own.
Arrays of other libraries than NumPy go to SciPy. `fastconv.patch.status` says which calls were
served.

It needs SciPy: ``pip install 'fastconv[scipy]'``.
"""

from types import ModuleType as _Module
from typing import Any as _Any

from ._scipy import need_scipy as _need_scipy

_need_scipy(__name__)

from scipy import signal as _theirs  # noqa: E402 (the line above says what is missing)

from ._scipy.copies import the_copies as _the_copies  # noqa: E402

_ours = _the_copies().public("signal")
globals().update(_ours)

__all__ = sorted(
    name
    for name in _theirs.__all__
    if name == "windows" or not isinstance(getattr(_theirs, name), _Module)
)


def __getattr__(name: str) -> _Any:
    try:
        return getattr(_theirs, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted(__all__)
