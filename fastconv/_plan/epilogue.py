# SPDX-License-Identifier: BSD-3-Clause
"""The epilogue in kernel terms: how what was asked for is done to the sums."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from .._core.table import ACTIVATIONS, KINDS
from .._spec.dtypes import INT32_MOST, TOTALS, Arithmetic
from .._spec.epilogue import NAMED, NUMBER, Activation, Epilogue
from .layout import Layout, storage


class KernelEpilogue(NamedTuple):
    """What was asked for, as the kernel takes it: see fc_epilogue of src_c/fc_kernels.h."""

    dtype: str  # of its arithmetic
    activation: int
    saturate: bool
    sum_storage: int
    parameters: tuple[NUMBER, NUMBER, NUMBER, NUMBER]  # alpha, beta, low, high
    moved: bool  # sums are stored, perhaps converted, and nothing else
    tile_bias: bool  # the tiles add the bias
    simple: bool  # a bias, a residual that lies like the output, a clamp: tiles can do all of it
    clamps: bool  # the activation is a clamp from `low` to `high`
    integer: bool  # tiles hand over integers
    pairs: bool  # the output holds pairs of sums, as they are, of float32


def leaves_int32(epilogue: Epilogue) -> bool:
    """Whether sums of int32 may leave it, until they are stored: something is added to them."""
    added = epilogue.bias or epilogue.residual or epilogue.alpha != 1 or epilogue.beta != 0
    row = NAMED.get(epilogue.activation or "")
    bounds = (*row.fixed, *epilogue.parameters) if row else ()
    return added or any(abs(bound) > INT32_MOST for bound in bounds)


def kernel_epilogue(
    epilogue: Epilogue, arithmetic: Arithmetic, output: Layout, residual: Layout | None
) -> KernelEpilogue:
    """How `epilogue` is done."""
    given = NAMED[epilogue.activation] if epilogue.activation else Activation("NONE", "")
    low, high, *_ = (*given.fixed, *epilogue.parameters, 0, 0)
    integer = arithmetic.integer
    clamps = given.kernel in ("RELU", "CLIP") and not integer
    if clamps:  # a bound of -0 is one of 0
        low, high = (0, inf) if given.kernel == "RELU" else (low + 0.0, high + 0.0)
    alone = not (
        epilogue.residual or epilogue.alpha != 1 or epilogue.beta != 0 or epilogue.activation
    )
    dtype = "q" if arithmetic.total == "i" and leaves_int32(epilogue) else arithmetic.total
    return KernelEpilogue(
        dtype=dtype,
        activation=ACTIVATIONS[given.kernel],
        saturate=epilogue.saturate,
        sum_storage=storage(TOTALS[arithmetic.total]),
        parameters=(epilogue.alpha, epilogue.beta, low, high),
        moved=alone,
        tile_bias=not integer and epilogue.alpha == 1,
        simple=alone and not epilogue.bias
        if integer
        else epilogue.alpha == 1
        and epilogue.beta == 0
        and (clamps or not epilogue.activation)
        and (residual is None or (residual.strides == output.strides and residual.native)),
        clamps=clamps,
        integer=integer and arithmetic.tile in "fd",
        pairs=output.components == 2
        and arithmetic.total == "f"
        and output.storage == KINDS["F32"]
        and all(stride % output.itemsize == 0 for stride in output.strides),
    )
