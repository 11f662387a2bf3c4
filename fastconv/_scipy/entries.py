# SPDX-License-Identifier: BSD-3-Clause
"""The compiled functions that SciPy's Python modules call, and ours for each: one table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .._core import (
    context,
    filter_extremes,
    filter_rank,
    filter_signal,
    filter_sums,
    filter_upfirdn,
    measure,
)
from .._plan.compare import isas
from .._plan.settings import check_isa, current, default_threads

FILTERS = "scipy.ndimage._filters"
TOOLS = "scipy.signal._signaltools"


class Entry(NamedTuple):
    """A function that a module of SciPy calls.

    ``module.holder.attribute`` is it, or ``module.holder`` if there is no attribute. A module looks
    its global ``holder`` up at each call.
    """

    name: str  # for people
    module: str
    holder: str
    attribute: str | None
    arity: int  # arguments, all of them positional; 0 for those of a transform of scipy.fft
    engines: tuple[str, ...]  # names of our functions for it; the first that gives its bits serves

    def of(self, module: Any) -> Callable | None:
        """The function itself, or None where this version of SciPy has none."""
        holder = getattr(module, self.holder, None)
        return holder if self.attribute is None else getattr(holder, self.attribute, None)


def _entry(
    name: str, module: str, holder: str, attribute: str | None, arity: int, *engines: str
) -> Entry:
    return Entry(name, module, holder, attribute, arity, engines or (name.partition(".")[2],))


ENTRIES = (
    _entry("ndimage.correlate1d", FILTERS, "_nd_image", "correlate1d", 7),
    _entry("ndimage.correlate", FILTERS, "_nd_image", "correlate", 6),
    _entry("ndimage.uniform_filter1d", FILTERS, "_nd_image", "uniform_filter1d", 7),
    _entry("ndimage.min_or_max_filter1d", FILTERS, "_nd_image", "min_or_max_filter1d", 8),
    _entry("ndimage.min_or_max_filter", FILTERS, "_nd_image", "min_or_max_filter", 8),
    _entry("ndimage.rank_filter", FILTERS, "_nd_image", "rank_filter", 7),
    _entry("ndimage.rank_filter_1d", FILTERS, "_rank_filter_1d", "rank_filter", 7),
    _entry(
        "signal.convolve2d",
        TOOLS,
        "_sigtools",
        "_convolve2d",
        6,
        "convolve2d",  # sums of newer versions
        "convolve2d_one_by_one",  # and of older ones
    ),
    _entry("signal.correlate_nd", TOOLS, "_sigtools", "_correlateND", 4),
    _entry("signal.medfilt2d", TOOLS, "_sigtools", "_medfilt2d", 2),
    _entry("signal.upfirdn", "scipy.signal._upfirdn", "_apply", None, 8),
    _entry("signal.rfftn", TOOLS, "sp_fft", "rfftn", 0),
    _entry("signal.irfftn", TOOLS, "sp_fft", "irfftn", 0),
    _entry("signal.fftn", TOOLS, "sp_fft", "fftn", 0),
    _entry("signal.ifftn", TOOLS, "sp_fft", "ifftn", 0),
)
MODULES = tuple(dict.fromkeys(entry.module for entry in ENTRIES))


# The compiled modules that have our functions.
ENGINES = (filter_sums, filter_extremes, filter_rank, filter_signal, filter_upfirdn)


class Engine:
    """Our functions by name."""

    def __init__(self) -> None:
        context.use_settings(in_force)

    def get(self, name: str) -> Callable | None:
        """The function of this name, or None."""
        return next((getattr(one, name) for one in ENGINES if hasattr(one, name)), None)


def in_force() -> tuple[str, int, bool]:
    """What the engine runs with: ISA, threads, and whether calls at the same time share them."""
    said = current()
    isa = isas()[-1] if said.isa is None else check_isa(said.isa, isas())
    if said.threads is not None:
        return isa, said.threads, False
    return isa, min(default_threads(), measure.openmp_threads()), True
