# SPDX-License-Identifier: BSD-3-Clause
"""What becomes of sums on their way to the output.

    out = activation(alpha * conv + bias + beta * out + residual)

All of it is one kernel, `epilogue` of src_c/kernels/epilogue_template.h, for rows of any dtype.
"""

from __future__ import annotations

from typing import NamedTuple

NUMBER = float | int | complex


class Activation(NamedTuple):
    """One row of the list: what users write, what the kernel does."""

    kernel: str
    parameters: str  # numbers that users give with the name
    integer: bool = False  # defined for integers
    fixed: tuple[float, ...] = ()


NAMED = {
    "relu": Activation("RELU", "", integer=True),
    "relu6": Activation("CLIP", "", integer=True, fixed=(0, 6)),
    "leaky_relu": Activation("LEAKY_RELU", "slope"),
    "clip": Activation("CLIP", "low, high", integer=True),
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


class Epilogue(NamedTuple):
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
