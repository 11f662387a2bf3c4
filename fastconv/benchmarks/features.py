# SPDX-License-Identifier: BSD-3-Clause
"""The cases of `fastconv bench --features`: what is offered beyond plain layers."""

from __future__ import annotations

from .case import ACTIVATIONS, Case, conv, variant
from .cases import CASES, select

__all__ = ["FEATURES", "QUICK_FEATURES"]


def _named(*patterns: str) -> list[Case]:
    return select(CASES, patterns, "float32")


_LAYER = _named("64@56->64 3x3")
_STEADY = _named(
    "3@224->64 7x7s2", "64@56->64 3x3", "128@28->128 3x3", "256@14->256 3x3", "512@7->512 3x3",
    "3@512->16 3x3", "37@61x47->53 3x5", "32@32x32x32->32 3x3x3",
)  # fmt: skip
_SHORT = _named("64@56->64 1x1", "64@56->64 3x3", "256@14->256 3x3", "3@512->16 3x3")
_PHOTO = ("1@1080x1920->1 3x3", "1@1080x1920->1 5x5", "1@1080x1920->1 9x9")

FEATURES: tuple[Case, ...] = (
    *(variant(case, channels_last=True) for case in _named("*") if case.c_in >= 2),
    *(variant(case, padding_mode="mirror") for case in _STEADY + _named(*_PHOTO)),
    *(
        variant(case, padding_mode=mode)
        for case in _LAYER + _named(_PHOTO[1])
        for mode in ("edge", "wrap", "symmetric")
    ),
    *(
        variant(case, residual=True, activation="relu")
        for case in _named("64@56->64 ?x?", "64@224->64 3x3", "128@28->128 3x3")
    ),
    *(variant(case, activation=word) for case in _LAYER for word in ACTIVATIONS),
    *(variant(case, dtype="float16") for case in _named("*")[:10] + _named("3@512->16 3x3")),
    *(variant(case, dtype="complex64") for case in _STEADY[:6]),
    *(
        variant(case, dtype=dtype)
        for dtype in ("int8", "int16", "int32", "int64")
        for case in _SHORT
    ),
    *(
        conv(1, (1080, 1920), 1, (side, side), dtype="uint8", padding_mode=mode)
        for mode in ("constant", "mirror")
        for side in (3, 5, 7, 9)
    ),
)

QUICK_FEATURES = ("64@56->64 3x3 *", "1@1080x1920->1 5x5 *")
