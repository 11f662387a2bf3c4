# SPDX-License-Identifier: BSD-3-Clause
"""What becomes of sums on their way to the output.

    out = activation(alpha * conv + bias + beta * out + residual)

All of it is one kernel, `finish` of src_c/kernels/finish_template.h, for rows of any dtype.
"""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from . import dtypes
from .dtypes import Arithmetic
from .kernels.table import ACTIVATIONS, KINDS
from .layout import Layout

NUMBER = float | int | complex


class Activation(NamedTuple):
    """One row of the list: what users write, what the kernel does."""

    kernel: str
    parameters: str  # numbers that users give with the name
    whole: bool = False  # defined for integers
    fixed: tuple[float, ...] = ()


NAMED = {
    "relu": Activation("RELU", "", whole=True),
    "relu6": Activation("CLIP", "", whole=True, fixed=(0, 6)),
    "leaky_relu": Activation("LEAKY_RELU", "slope"),
    "clip": Activation("CLIP", "low, high", whole=True),
    "sigmoid": Activation("SIGMOID", ""),
    "tanh": Activation("TANH", ""),
    "silu": Activation("SILU", ""),
    "gelu": Activation("GELU", ""),
    "hardswish": Activation("HARDSWISH", ""),
}

# Words of other libraries, and which is meant.
ELSEWHERE = {
    "swish": "silu",
    "hard_swish": "hardswish",
    "leakyrelu": "leaky_relu",
    "logistic": "sigmoid",
}


class Finish(NamedTuple):
    """What was asked for."""

    activation: str | None = None
    parameters: tuple[NUMBER, ...] = ()
    alpha: NUMBER = 1
    beta: NUMBER = 0
    bias: bool = False
    residual: bool = False
    saturate: bool = False

    def __str__(self) -> str:
        words = [f"alpha {self.alpha:g}"] if self.alpha != 1 else []
        words += ["bias"] if self.bias else []
        words += [f"beta {self.beta:g}"] if self.beta != 0 else []
        words += ["residual"] if self.residual else []
        if self.activation:
            words += [" ".join((self.activation, *(f"{x:g}" for x in self.parameters)))]
        return ", ".join(words)


class Finishing(NamedTuple):
    """The same for the kernel: see `_finish` of kernels/problem.pyx."""

    dtype: str  # of its arithmetic
    activation: int
    saturate: bool
    sum_storage: int
    dst_storage: int
    residual_storage: int
    parameters: tuple[NUMBER, NUMBER, NUMBER, NUMBER]  # alpha, beta, low, high
    dst_itemsize: int  # of a real number
    moved: bool  # only that, perhaps converted
    tile_bias: bool  # the tiles add the bias
    simple: bool  # a bias, a residual that lies like the output, a clamp: tiles can do all of it
    clamps: bool  # the activation is a clamp from `low` to `high`
    whole: bool  # tiles hand over integers
    pairs: bool  # the output holds pairs of sums, as they are, of float32


def finishing(
    finish: Finish, arithmetic: Arithmetic, output: Layout, residual: Layout | None
) -> Finishing:
    """How `finish` is done."""
    given = NAMED[finish.activation] if finish.activation else Activation("NONE", "")
    low, high, *_ = (*given.fixed, *finish.parameters, 0, 0)
    added = finish.bias or finish.residual or finish.alpha != 1 or finish.beta != 0
    whole = arithmetic.whole
    clamps = given.kernel in ("RELU", "CLIP") and not whole
    if clamps:  # a bound of -0 is one of 0
        low, high = (0, inf) if given.kernel == "RELU" else (low + 0.0, high + 0.0)
    alone = not (finish.residual or finish.alpha != 1 or finish.beta != 0 or finish.activation)
    # Sums of int32 that something is added to may leave it, until they are stored.
    leaves = added or any(abs(bound) > 2**31 - 1 for bound in (low, high))
    dtype = "q" if arithmetic.total == "i" and leaves else arithmetic.total
    return Finishing(
        dtype=dtype,
        activation=ACTIVATIONS[given.kernel],
        saturate=finish.saturate,
        sum_storage=dtypes.storage(dtypes.TOTALS[arithmetic.total]),
        dst_storage=output.storage,
        residual_storage=KINDS["U8"] if residual is None else residual.storage,
        parameters=(finish.alpha, finish.beta, low, high),
        dst_itemsize=output.number_bytes,
        moved=alone,
        tile_bias=not whole and finish.alpha == 1,
        simple=alone and not finish.bias
        if whole
        else finish.alpha == 1
        and finish.beta == 0
        and (clamps or not finish.activation)
        and (residual is None or (residual.strides == output.strides and residual.regular)),
        clamps=clamps,
        whole=whole and arithmetic.tile in "fd",
        pairs=output.parts == 2
        and arithmetic.total == "f"
        and output.storage == KINDS["F32"]
        and all(stride % output.itemsize == 0 for stride in output.strides),
    )
