# SPDX-License-Identifier: BSD-3-Clause
"""The path of a call of a filter: of views of its arrays, which have one axis of channels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any

import numpy as np

from .._spec.arguments import as_operand
from .._spec.conv import CONVOLUTION
from .._spec.family import Family
from .._spec.filter import FILTER, Views, as_filter, as_views, check_arrays, reworded_for
from .._spec.separable import (
    OF_VIEWS,
    SEPARABLE,
    Kernels,
    as_separable_views,
    check_separable,
    read_kernels,
    read_sizes,
)
from . import execute as plain
from .layout import copy
from .plan import Plan

Outline = plain.Outline


@dataclass(frozen=True, slots=True)
class Viewed:
    """How an operation on images becomes one of views."""

    family: Family  # of the views
    kernel: str  # the name of its weights
    read_kernel: Callable[[str, Any, Callable], Any]  # (name, kernel, how arrays are read)
    views: Callable[..., Views]  # (name, rank, said, image, kernel, bias, residual, out)
    check: Callable[
        ..., None
    ]  # (name, rank, said, image, kernel, residual, out): with their shapes
    spec: Callable[[Any, tuple[int, ...]], Any]  # that of the views, with the axes of channels


def _read_kernel(name: str, kernel: Any, read: Callable) -> Any:
    return read(name, "kernel", kernel)


def _read_kernels(name: str, kernels: Any, read: Callable) -> Kernels:
    """Numbers of taps stand for kernels of float32 in a plan; a layer has read its own."""
    if isinstance(kernels, Kernels):
        return kernels
    sizes = read_sizes(name, kernels) if read is plain.outlined else None
    if sizes is not None:
        return Kernels(sizes, Outline((sum(sizes),), np.dtype(np.float32)))
    return read_kernels(name, kernels)


VIEWED = {
    FILTER: Viewed(CONVOLUTION, "kernel", _read_kernel, as_views, check_arrays, as_filter),
    SEPARABLE: Viewed(
        OF_VIEWS,
        "kernels_1d",
        _read_kernels,
        lambda name, rank, *operands: as_separable_views(name, *operands),
        lambda name, rank, *operands: check_separable(name, *operands),
        lambda spec, channels: replace(spec, channel_shape=channels),
    ),
}


def worded(function: Callable) -> Callable:
    """The same, whose errors name image and kernel; the first argument is the family."""

    @wraps(function)
    def run(family, *arguments, **keywords):
        try:
            return function(family, *arguments, **keywords)
        except (TypeError, ValueError) as error:
            raise reworded_for(error, VIEWED[family].kernel) from error.__cause__

    return run


@worded
def execute(family, name: str, rank: int, parameters: tuple, operands: tuple, how: tuple):
    """Run a request: the parameters in the order of those of its family, (image, kernel, bias,
    residual, out), and (algorithm, threads)."""
    viewed, said = VIEWED[family], family.parameters(*parameters)

    def act(views: Views) -> np.ndarray:
        return plain.execute(viewed.family, name, views.rank, views.parameters, views.operands, how)

    return run(viewed, act, name, rank, said, read_all(viewed, name, operands, as_operand))


@worded
def explain(family, name: str, rank: int, parameters: tuple, operands: tuple, how: tuple) -> Plan:
    """The plan of a request; image and kernel may be shapes."""
    viewed, said = VIEWED[family], family.parameters(*parameters)

    def act(views: Views) -> Plan:
        return plain.explain(viewed.family, name, views.rank, views.parameters, views.operands, how)

    return explained(
        viewed, act, name, rank, said, read_all(viewed, name, operands, plain.outlined)
    )


def read_all(viewed: Viewed, name: str, operands: tuple, read: Callable) -> tuple:
    """The operands, as arrays where they have to be."""
    image, kernel, bias, residual, out = operands
    image, kernel = read(name, "image", image), viewed.read_kernel(name, kernel, read)
    if residual is not None:
        residual = as_operand(name, "residual", residual)
    return image, kernel, bias, residual, out


def run(viewed, act: Callable[[Views], np.ndarray], name, rank, said, operands) -> np.ndarray:
    """What `act` makes of views, as the user sees it."""
    views = viewed.views(name, rank, said, *operands)
    out = operands[-1]
    result = _told(viewed, act, views, name, said, operands)
    if out is None:
        return result.reshape(*result.shape[:-1], *views.channel_shape)
    if not np.may_share_memory(result, out):  # its channels are not evenly apart
        copy(out, result.reshape(out.shape))
    return out


def explained(viewed, act: Callable[[Views], Plan], name, rank, said, operands) -> Plan:
    """A plan, with the shapes that the user knows."""
    views = viewed.views(name, rank, said, *operands)
    plan = _told(viewed, act, views, name, said, operands)
    spec = viewed.spec(plan.spec, views.channel_shape)
    copies = tuple(
        f"{argument}: whole, because its channels are not evenly apart"
        for argument, array, view in (
            ("image", operands[0], views.input),
            ("residual", operands[3], views.residual),
            ("out", operands[4], views.out),
        )
        if isinstance(array, np.ndarray) and not np.may_share_memory(array, view)
    )
    return plan._replace(spec=spec, output_shape=spec.output_shape, copies=copies + plan.copies)


def _told(viewed, act: Callable[[Views], Any], views: Views, name, said, operands) -> Any:
    """What `act` returns; an error about an array has the shapes that the user knows."""
    try:
        return act(views)
    except (TypeError, ValueError):
        image, kernel, _, residual, out = operands
        if residual is not None or out is not None:
            viewed.check(name, views.rank, said, image, kernel, residual, out)
        raise
