# SPDX-License-Identifier: BSD-3-Clause
"""What makes a public function of a description, and `plan`, which explains any of them."""

from __future__ import annotations

from collections.abc import Callable

from .._plan import execute as weighted
from .._plan import unweighted
from .._plan.plan import Plan
from .._spec.arguments import as_function
from .._spec.family import ArrayFamily, Family

OPERATIONS: list[Callable] = []


def operation(
    describe: Callable, family: Family | ArrayFamily, rank: int
) -> Callable[[Callable], Callable]:
    """Makes a function of a description: ``describe(act, family, name, rank)`` returns one with
    the signature that users see, which hands what it was given to `act`.

    A decorator: name and docstring are those of the `def` below it, where editors, which do not
    run it, look for them."""

    def make(documented: Callable) -> Callable:
        name = documented.__name__

        def described(act: Callable) -> Callable:
            made = describe(act, family, name, rank)
            made.__name__ = made.__qualname__ = name
            made.__doc__ = documented.__doc__
            return made

        path = unweighted if isinstance(family, ArrayFamily) else weighted
        function = described(path.execute)
        function._described, function._family, function._rank = described, family, rank
        function._explain = described(path.explain)
        OPERATIONS.append(function)
        return function

    return make


def same_of_arrays(act: Callable) -> Callable:
    """What does for operations of arrays what `act` does for those with weights."""
    pairs = {weighted.execute: unweighted.execute, weighted.explain: unweighted.explain}
    return pairs.get(act, _keeps_no_mask)


def _keeps_no_mask(family: ArrayFamily, name: str, *request) -> None:
    raise TypeError(
        f"prepare: where and nan_policy are for calls of {name}, but a layer takes neither"
    )


def plan(operation, /, *arguments, **keywords) -> Plan:
    """How a call would run, and why: a `Plan`, which prints. Nothing is computed.

    ``plan(conv2d, input, weight, ...)`` or ``plan(layer, input, ...)``:

    operation
        `conv2d`, `conv_transpose2d` or another operation, its name, or a layer of `prepare`.
    input, weight
        arrays, or their shapes (tuples of integers). A shape stands for a contiguous array: of
        float32, or, for a layer, of the dtype of its weights. A layer has its weight already.

    The other arguments are those of the operation. Raises what the call would raise.

    >>> from fastconv import conv2d
    >>> how = plan(conv2d, (1, 64, 56, 56), (64, 64, 3, 3), padding=1, threads=1)
    >>> print(str(how).splitlines()[0])
    conv2d float32  1x64x56x56 * 64x64x3x3 -> 1x64x56x56
    """
    explained = getattr(operation, "_explain", None)
    if explained is None:
        explained = as_function("plan", operation, OPERATIONS)._explain
    return explained(*arguments, **keywords)
