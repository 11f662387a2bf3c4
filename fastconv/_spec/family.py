# SPDX-License-Identifier: BSD-3-Clause
"""A family of operations: what `conv1d` to `conv3d` have in common and another family has not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from .dtypes import find_dtype
from .values import plain

# Parameters that are one number or flag, by name.
SINGLE = (
    "padding_value", "channels_last", "flip", "alpha", "beta", "ceil_mode", "return_indices",
    "count_include_pad", "divisor_override", "norm_type",
)  # fmt: skip
SETTLED = (int, float, bool)  # which nobody can change


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """One value for each family. A request names its family, and its operation by name and rank.

    `parameters` is a NamedTuple class of what a user says beside arrays and how to run, each with
    its default: None where there is none. Its first ones, `often` in number, are those that most
    calls say; the others few calls say, and a call that says none of them is found faster.
    """

    spec: type  # the class of its specifications, by which algorithms know it
    parameters: type
    often: int
    # (name, rank, input_shape, input_dtype, weight_shape, weight_dtype, *, bias, residual, **said)
    make_spec: Callable[..., Any]
    # Where an operation has weights.
    weight_axes: str = ""  # in words; '' where it has none
    weight_rank: Callable[[int], int] = lambda rank: rank + 2  # how many these are
    # (weight shape, parameters); None: a weight takes inputs of several numbers of channels
    channels: Callable[[tuple[int, ...], Any], int] | None = None
    # (name, rank, weight shape, parameters): the shape of the smallest input
    least_input: Callable[..., tuple[int, ...]] | None = None
    # What is done to weights before planning, where a parameter that is not said often wants it:
    # a view, as (weight, rank, parameters) -> weight. Twice, it gives the weights again.
    view: Callable[[np.ndarray, int, Any], np.ndarray] = lambda weight, rank, parameters: weight
    views_always: bool = False  # the view is wanted whatever was said
    seldom: tuple = field(init=False)  # the defaults of what few calls say
    weighted: bool = field(init=False)  # its operations have weights

    def __post_init__(self):
        object.__setattr__(self, "seldom", tuple(self.parameters())[self.often :])
        object.__setattr__(self, "weighted", bool(self.weight_axes))


class Result(NamedTuple):
    """An array that a call returns."""

    shape: tuple[int, ...]
    dtype: np.dtype
    chosen_by: str = ""  # the parameter that says the dtype


@dataclass(frozen=True, slots=True, eq=False)
class ArrayFamily:
    """A family of operations without weights: some arrays in, one or two out.

    `parameters` and `often` are as those of `Family`."""

    spec: type
    parameters: type
    often: int
    # (name, rank, (shape, dtype) of each input or None, **said)
    make_spec: Callable[..., Any]
    inputs: tuple[str, ...] = ("input",)  # their names; all but the first may be None
    seldom: tuple = field(init=False)
    weighted: ClassVar[bool] = False

    def __post_init__(self):
        object.__setattr__(self, "seldom", tuple(self.parameters())[self.often :])


@cache
def _single(parameters: type) -> tuple[str, ...]:
    return tuple(name for name in SINGLE if name in parameters._fields)


def settled_parameters(parameters: Any) -> Any:
    """The same with numbers, flags and a dtype in place of what holds them, so that later changes
    do not show; `parameters` is a NamedTuple of any family."""
    changes = {}
    for name in _single(type(parameters)):
        value = getattr(parameters, name)
        if type(value) not in SETTLED:
            changes[name] = plain(value)
    for name in ("activation", "depthwise_activation"):
        activation = getattr(parameters, name, None)
        if isinstance(activation, (tuple, list)):
            changes[name] = tuple(map(plain, activation))
    dtype = getattr(parameters, "dtype", None)
    if dtype is not None:
        with contextlib.suppress(Exception):  # a check refuses it by name
            changes["dtype"] = find_dtype(dtype)
    return parameters._replace(**changes) if changes else parameters


def flipped(weight: np.ndarray, rank: int, parameters: Any) -> np.ndarray:
    """The view of a family with `flip`: kernels turned around on every axis, if it is True."""
    if parameters.flip is not True or weight.ndim < rank + 2:
        return weight
    return turned(weight, rank)


def turned(weight: np.ndarray, rank: int) -> np.ndarray:
    """Kernels turned around on every axis."""
    return weight[(..., *(slice(None, None, -1),) * rank)]
