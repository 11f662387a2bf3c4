# SPDX-License-Identifier: BSD-3-Clause
"""The shapes that are timed and tested."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Iterable, Sequence

import numpy as np

from .case import KINDS, Case, conv, variant

__all__ = ["CASES", "QUICK", "TOLERANCE", "random_cases", "select"]

TOLERANCE = {dtype: kind.tolerance for dtype, kind in KINDS.items()}

_FLOAT32 = (
    conv(3, 224, 64, (7, 7), stride=2),
    conv(64, 56, 64, (1, 1)),
    conv(64, 56, 64, (3, 3)),
    conv(64, 56, 256, (1, 1)),
    conv(256, 56, 512, (1, 1), stride=2),
    conv(128, 28, 128, (3, 3)),
    conv(128, 28, 128, (3, 3), batch=16),
    conv(128, 56, 128, (3, 3), stride=2),
    conv(256, 14, 256, (3, 3)),
    conv(1024, 14, 256, (1, 1)),
    conv(512, 7, 512, (3, 3)),
    conv(64, 224, 64, (3, 3)),
    conv(3, 227, 64, (11, 11), stride=4, padding=2),
    conv(256, 33, 256, (3, 3), dilation=12),
    conv(3, 512, 16, (3, 3)),
    conv(16, 32, 16, (3, 3), batch=32),
    conv(37, (61, 47), 53, (3, 5)),
    conv(64, 16384, 64, (9,)),
    conv(128, 16384, 128, (2,), dilation=64),
    conv(512, 1600, 512, (3,), stride=2),
    conv(32, 32, 32, (3, 3, 3)),
    conv(3, (8, 112, 112), 64, (3, 7, 7), stride=(1, 2, 2)),
    conv(1, (1080, 1920), 1, (3, 3)),
    conv(1, (1080, 1920), 1, (5, 5)),
    conv(1, (1080, 1920), 1, (7, 5)),
    conv(1, (1080, 1920), 1, (9, 9)),
)

CASES: tuple[Case, ...] = _FLOAT32 + tuple(variant(case, dtype="float64") for case in _FLOAT32[:10])

QUICK = (
    "3@224->64 7x7s2",
    "64@56->64 3x3",
    "256@14->256 3x3",
    "1024@14->256 1x1",
    "1@1080x1920->1 5x5",
    "64@56->64 3x3 f64",
)


def select(
    cases: Iterable[Case], patterns: Sequence[str] = (), dtype: str | None = None
) -> list[Case]:
    """The cases whose name matches one of the globs (no glob: all) and that have this dtype."""
    return [
        case
        for case in cases
        if (not patterns or any(fnmatch.fnmatchcase(case.name, p) for p in patterns))
        and dtype in (None, case.dtype)
    ]


def random_cases(seed: int, count: int = 20, dtype: str = "float32") -> list[Case]:
    """Two-dimensional cases with log-uniform sizes, of 0.05 to 2 GFLOP each."""
    rng = np.random.default_rng(seed)

    def log_uniform(low: int, high: int) -> int:
        return int(math.exp(rng.uniform(math.log(low), math.log(high + 1))))

    found: dict[str, Case] = {}
    while len(found) < count:
        side = int(rng.choice([1, 3, 5, 7]))
        case = conv(
            log_uniform(1, 512),
            (log_uniform(7, 256), log_uniform(7, 256)),
            log_uniform(1, 512),
            (side, side),
            stride=int(rng.integers(1, 3)),
            batch=log_uniform(1, 8),
            dtype=dtype,
        )
        if 5e7 <= case.flops <= 2e9 and math.prod(case.input_shape) <= 1 << 23:
            found.setdefault(case.name, case)
    return list(found.values())
