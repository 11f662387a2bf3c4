# SPDX-License-Identifier: BSD-3-Clause
"""How a call of fastconv.ndimage or fastconv.signal would run: the passes that it makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .._core import cells
from .._plan.plan import Plan
from .dispatch import noting
from .fast_jobs import explaining


@dataclass(frozen=True, repr=False)
class FilterPlan:
    """The passes of a call, in order; `str` and `repr` give them as text.

    function
        the name of the function that was called.
    passes
        a dict for each pass of fastconv over the array: ``name`` of SciPy's compiled function,
        ``taps`` of an output, the dtype of ``cells`` that are computed with, ``outputs`` by axis in
        the order of memory (axes that lie in memory like one are joined), outputs of a ``box``,
        the axis ``along`` which boxes follow one another, ``in_place``, ``tasks``, ``threads``,
        ``isa``.
    handed_over
        reasons for which SciPy computes a pass instead.
    fast
        with precision='fast', the `Plan` of each call of `filter_nd` or `separable_filter` that
        computes the result; () if passes do.
    """

    function: str
    passes: tuple[dict[str, Any], ...]
    handed_over: tuple[str, ...]
    fast: tuple[Plan, ...] = ()

    def __str__(self) -> str:
        lines = [self.function]
        for number, one in enumerate(self.passes, 1):
            lines.append(f"  pass {number}: {one['name']}, {one['taps']} taps, {_outputs(one)}")
            lines.append(
                f"    {one['cells']} cells, boxes of {_by(one['box'])}, {one['tasks']} tasks, "
                f"threads={one['threads']}, isa={one['isa']}"
            )
        lines += [f"  SciPy: {reason}" for reason in self.handed_over]
        for one in self.fast:
            lines += [f"  {line}" for line in str(one).splitlines()]
        if not (self.passes or self.handed_over or self.fast):
            lines.append("  no pass of fastconv")
        return "\n".join(lines)

    __repr__ = __str__


def _outputs(one: dict[str, Any]) -> str:
    return f"{_by(one['outputs'])} outputs" + ", in place" * one["in_place"]


def _by(sizes: tuple[int, ...]) -> str:
    return " x ".join(map(str, sizes))


def explain(function: Callable, *arguments: Any, **words: Any) -> FilterPlan:
    """The plan of a call of `function`. SciPy computes what it would compute."""
    with noting() as reasons, explaining() as fast:
        passes = cells.explain(lambda: function(*arguments, **words))
    return FilterPlan(function.__name__, tuple(passes), tuple(reasons), tuple(fast))
