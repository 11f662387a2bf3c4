# SPDX-License-Identifier: BSD-3-Clause
"""What an algorithm offers for a call, and what the offers have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .._core import weights
from .._core.arrays import empty
from .._core.conv import Problem, address
from .._core.parallel import Tasks, run
from .._spec.conv import ConvSpec
from . import constants as costs
from .plan import Engine
from .tiled import Call
from .weights import Weights
from .work import operations


class Part(NamedTuple):
    """What an algorithm says of its plan: see `Plan`."""

    engine: Engine
    isa: str
    orientation: str = "none"
    threads: int = 1
    tile: tuple[int, int] = (1, 1)
    tasks: int = 1
    scratch_bytes: int = 0
    copies: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


class Candidate(NamedTuple):
    """An algorithm for a call."""

    cost: float  # an estimate, in cycles
    part: Callable[[], Part]


def chunk(spec: ConvSpec, tasks: int, threads: int) -> int:
    """Tasks between two looks at signals."""
    return max(threads, tasks * costs.OPERATIONS_PER_CHUNK // operations(spec))


def runner(
    tasks: Tasks, threads: int, shared: bool, each: int, ahead: Packer | None = None
) -> Callable[..., bool]:
    """What does the tasks of an algorithm for arrays. Its attribute `tasks` has them. `ahead` packs
    weights that are not packed."""

    def run_arrays(src, wei, packed, bias, residual, dst) -> bool:
        if ahead is not None and packed is None:
            packed, finite = ahead.packed(wei)
            if ahead.padded and not finite:
                return False
        return run(
            tasks,
            address(src),
            0 if wei is None else address(wei),
            0 if packed is None else address(packed),
            0 if bias is None else address(bias),
            0 if residual is None else address(residual),
            address(dst),
            threads,
            shared,
            each,
        )

    run_arrays.tasks = tasks
    return run_arrays


class Packer(NamedTuple):
    """Packs the weights of a problem."""

    problem: Problem
    threads: int
    shared: bool
    padded: bool = False  # weights that are not finite may meet padding

    def packed(self, wei: np.ndarray) -> tuple[np.ndarray, bool]:
        """All of them, and whether they are finite."""
        size = self.problem.packed_bytes
        room = empty((size + costs.LINE_BYTES,), np.dtype(np.uint8))
        start = -address(room) % costs.LINE_BYTES  # vectors of weights cross no line of the cache
        memory = room[start : start + size]
        return memory, weights.prepare(
            self.problem, address(wei), address(memory), self.threads, self.shared
        )

    def pack(self, layer: Weights) -> np.ndarray:
        """Those of many calls."""
        return self.packed(layer.array)[0]


def make_engine(call: Call, run: Callable[..., bool], **more) -> Engine:
    spec = call.spec
    return Engine(run, spec.output_shape, spec.dtype, call.bias_dtype, **more)


def idle(call: Call) -> Part:
    """The output has no elements."""
    return Part(make_engine(call, lambda *arrays: True), call.isa)
