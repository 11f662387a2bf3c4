# SPDX-License-Identifier: BSD-3-Clause
"""What a library is to the benchmark, and fastconv as one. Imported in workers only.

A rival is made once per process with its thread number, and builds for a case a function of no
arguments that computes it and returns a new array. `Lacking` says why it cannot.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .case import ACTIVATIONS, BORDERS, KINDS, Case
from .operations import OPERATIONS, SCIPY
from .scipy_calls import scipy_call

Call = Callable[[], Any]
Array = np.ndarray


class Lacking(Exception):
    """This rival does not offer the case, or would need `estimate` seconds; the text says why."""

    def __init__(self, reason: str, estimate: float | None = None) -> None:
        super().__init__(reason)
        self.estimate = estimate


def seconds(call: Call) -> float:
    """The time of the second call."""
    call()
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


class Rival:
    """A library, imported and limited to `threads` threads (ImportError: not installed)."""

    version = ""
    package = ""  # what pip installs
    offers: frozenset[str] = frozenset()  # of the words of `Case.features`
    families: frozenset[str] = frozenset({"conv"})  # functions that it has, as `Case.family` says

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def check(self, case: Case) -> None:
        """Raise `Lacking` for a feature that the library does not offer with the same result."""
        if case.family not in self.families or not case.features <= self.offers:
            raise Lacking("does not offer it")  # one reason, one line below the table

    def build(
        self, case: Case, x: Array, w: Array, b: Array, limit: float, residual: Array | None = None
    ) -> Call:
        """A call that computes the case; `Lacking` if it would take more than `limit` seconds."""
        raise NotImplementedError

    def tolerance(self, case: Case) -> float:
        """The largest error accepted, see `Kind`; 0 with the truth's own dtype: equal bits."""
        return case.tolerance

    def array(self, case: Case, result: Any) -> Array:
        """What the call has returned, with the axes of the case; values without their indices."""
        return np.asarray(result[0] if isinstance(result, tuple) else result)


class FastConv(Rival):
    """One call of a function of fastconv with plain arrays."""

    offers = frozenset({"channels_last", "residual", *ACTIVATIONS, *BORDERS, *KINDS})
    families = frozenset(OPERATIONS)

    def __init__(self, threads: int) -> None:
        sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the parent's own fastconv
        import fastconv

        fastconv.set_num_threads(threads)
        super().__init__(threads)
        self.module = fastconv
        self.version = fastconv.__version__

    def build(self, case, x, w, b, limit, residual=None):
        if case.group == "scipy":
            return scipy_call("fastconv", case.op, x, w, case.words)
        function, words = getattr(self.module, case.op), case.keywords
        if case.operation.second == "nothing":
            return lambda: function(x, **words)
        if case.operation.second == "indices":
            return lambda: function(x, w, **words)
        if case.operation.image:
            kernel = list(w) if case.family == "separable_filter" else w
            return lambda: function(x, kernel, **words)
        if residual is not None:
            words["residual"] = residual
        return lambda: function(x, w, b, **words)

    def peak(self, dtype: str, isa: str | None, seconds: float) -> tuple[str, float]:
        """The ISA and its FMA peak in FLOP/s; without an ISA, the best one."""
        from fastconv._core import measure, table

        isas = (isa,) if isa else table.isas_usable()
        peaks = {name: measure.fma_peak(name, dtype, self.threads, seconds) for name in isas}
        return max(peaks.items(), key=lambda item: item[1])

    def copy(self, size: int, seconds: float) -> float:
        """Bytes a second, read and written, of copies of `size` bytes that stay in the caches."""
        from fastconv._core import measure

        return measure.copy_bandwidth(self.threads, seconds, size)


class Prepared(FastConv):
    """`fastconv.prepare` outside of the timing, its call inside."""

    # The others have no weights to pack, or are SciPy's.
    families = frozenset(
        name
        for name, operation in OPERATIONS.items()
        if operation.second == "weight" and name not in ("separable_filter", *SCIPY)
    )

    def build(self, case, x, w, b, limit, residual=None):
        if case.operation.image:
            prepared = self.module.prepare(case.op, w, **case.keywords)
        else:
            prepared = self.module.prepare(case.op, w, b, **case.keywords)
        if residual is not None:
            return lambda: prepared(x, residual=residual)
        return lambda: prepared(x)
