# SPDX-License-Identifier: BSD-3-Clause
"""The epilogue in kernel terms: how what was asked for is done to the sums."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from .._core.table import ACTIVATIONS, KINDS
from .._spec.dtypes import INT32_MOST, TOTALS, Arithmetic
from .._spec.epilogue import NAMED, NUMBER, Activation, Finish
from .layout import Layout, storage


class Finishing(NamedTuple):
    """The same for the kernel: see `_epilogue` of _core/conv.pyx."""

    dtype: str  # of its arithmetic
    activation: int
    saturate: bool
    sum_storage: int
    parameters: tuple[NUMBER, NUMBER, NUMBER, NUMBER]  # alpha, beta, low, high
    moved: bool  # only that, perhaps converted
    tile_bias: bool  # the tiles add the bias
    simple: bool  # a bias, a residual that lies like the output, a clamp: tiles can do all of it
    clamps: bool  # the activation is a clamp from `low` to `high`
    integer: bool  # tiles hand over integers
    pairs: bool  # the output holds pairs of sums, as they are, of float32


def leaves_int32(finish: Finish) -> bool:
    """Whether sums of int32 may leave it, until they are stored: something is added to them."""
    added = finish.bias or finish.residual or finish.alpha != 1 or finish.beta != 0
    row = NAMED.get(finish.activation or "")
    bounds = (*row.fixed, *finish.parameters) if row else ()
    return added or any(abs(bound) > INT32_MOST for bound in bounds)


def finishing(
    finish: Finish, arithmetic: Arithmetic, output: Layout, residual: Layout | None
) -> Finishing:
    """How `finish` is done."""
    given = NAMED[finish.activation] if finish.activation else Activation("NONE", "")
    low, high, *_ = (*given.fixed, *finish.parameters, 0, 0)
    integer = arithmetic.integer
    clamps = given.kernel in ("RELU", "CLIP") and not integer
    if clamps:  # a bound of -0 is one of 0
        low, high = (0, inf) if given.kernel == "RELU" else (low + 0.0, high + 0.0)
    alone = not (finish.residual or finish.alpha != 1 or finish.beta != 0 or finish.activation)
    dtype = "q" if arithmetic.total == "i" and leaves_int32(finish) else arithmetic.total
    return Finishing(
        dtype=dtype,
        activation=ACTIVATIONS[given.kernel],
        saturate=finish.saturate,
        sum_storage=storage(TOTALS[arithmetic.total]),
        parameters=(finish.alpha, finish.beta, low, high),
        moved=alone,
        tile_bias=not integer and finish.alpha == 1,
        simple=alone and not finish.bias
        if integer
        else finish.alpha == 1
        and finish.beta == 0
        and (clamps or not finish.activation)
        and (residual is None or (residual.strides == output.strides and residual.native)),
        clamps=clamps,
        integer=integer and arithmetic.tile in "fd",
        pairs=output.components == 2
        and arithmetic.total == "f"
        and output.storage == KINDS["F32"]
        and all(stride % output.itemsize == 0 for stride in output.strides),
    )
