# SPDX-License-Identifier: BSD-3-Clause
"""The path of a call of a filter: its convolution, of views of the arrays."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from .._spec.arguments import as_operand
from .._spec.conv import CONVOLUTION
from .._spec.family import settled_parameters
from .._spec.filter import Views, as_filter, as_views, check_arrays, reworded
from . import execute as convolution
from .layout import copy
from .plan import Plan


def worded(function: Callable) -> Callable:
    """The same, whose errors name image and kernel."""

    @wraps(function)
    def run(*arguments, **keywords):
        try:
            return function(*arguments, **keywords)
        except (TypeError, ValueError) as error:
            raise reworded(error) from error.__cause__

    return run


@worded
def execute(family, name: str, rank: int, parameters: tuple, operands: tuple, how: tuple):
    """Run a request: the parameters in the order of those of its family, (image, kernel, bias,
    residual, out), and (algorithm, threads)."""
    said = settled_parameters(family.parameters(*parameters))
    return run(
        lambda views: convolution.execute(
            CONVOLUTION, name, views.rank, views.parameters, views.operands, how
        ),
        name,
        rank,
        said,
        read_all(name, operands, as_operand),
    )


@worded
def explain(family, name: str, rank: int, parameters: tuple, operands: tuple, how: tuple) -> Plan:
    """The plan of a request; image and kernel may be shapes."""
    said = settled_parameters(family.parameters(*parameters))
    return explained(
        lambda views: convolution.explain(
            CONVOLUTION, name, views.rank, views.parameters, views.operands, how
        ),
        name,
        rank,
        said,
        read_all(name, operands, convolution.outlined),
    )


def read_all(name: str, operands: tuple, read: Callable[[str, str, Any], Any]) -> tuple:
    """The operands, as arrays where they have to be."""
    image, kernel, bias, residual, out = operands
    image, kernel = read(name, "image", image), read(name, "kernel", kernel)
    if residual is not None:
        residual = as_operand(name, "residual", residual)
    return image, kernel, bias, residual, out


def run(convolve: Callable[[Views], np.ndarray], name, rank, said, operands) -> np.ndarray:
    """What `convolve` makes of views, as the user sees it."""
    views = as_views(name, rank, said, *operands)
    out = operands[-1]
    result = _told(convolve, views, name, said, operands)
    if out is None:
        return result.reshape(*result.shape[:-1], *views.channel_shape)
    if not np.may_share_memory(result, out):  # its channels are not evenly apart
        copy(out, result.reshape(out.shape))
    return out


def explained(explain: Callable[[Views], Plan], name, rank, said, operands) -> Plan:
    """A plan, with the shapes that the user knows."""
    views = as_views(name, rank, said, *operands)
    plan = _told(explain, views, name, said, operands)
    spec = as_filter(plan.spec, views.channel_shape)
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


def _told(act: Callable[[Views], Any], views: Views, name, said, operands) -> Any:
    """What `act` returns; an error about an array has the shapes that the user knows."""
    try:
        return act(views)
    except (TypeError, ValueError):
        image, kernel, _, residual, out = operands
        if residual is not None or out is not None:
            check_arrays(name, views.rank, said, image, kernel, residual, out)
        raise
