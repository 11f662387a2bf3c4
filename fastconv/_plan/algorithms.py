# SPDX-License-Identifier: BSD-3-Clause
"""The algorithms, in one list: each says why it refuses, what it would cost, and runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .._core import direct, im2col_gemm
from .._spec.conv import ConvSpec
from .schedule import candidates
from .work import Schedule, Work


@dataclass(frozen=True, slots=True)
class Algorithm:
    name: str
    panels: bool  # pixels are gathered into panels
    orientations: tuple[str, ...]
    refuses: Callable[[ConvSpec], str | None]  # the reason, as users read it
    run: Callable[..., bool]  # see _core/parallel.pyx

    def schedules(self, work: Work, orientation: str) -> Iterator[Schedule]:
        """Those worth comparing."""
        return candidates(work._replace(panels=self.panels), orientation)

    def best(self, work: Work) -> Schedule:
        """The schedule of least cost."""
        found = (s for orientation in self.orientations for s in self.schedules(work, orientation))
        return min(found, key=lambda schedule: schedule.cost)


def nothing(spec: ConvSpec) -> None:
    """Refuse nothing."""


ALGORITHMS = (
    Algorithm("direct", False, ("pixels", "channels"), nothing, direct.run),
    Algorithm("im2col_gemm", True, ("pixels", "channels"), nothing, im2col_gemm.run),
)
REFERENCE = "reference"
NAMES = ("auto", *(algorithm.name for algorithm in ALGORITHMS), REFERENCE)
