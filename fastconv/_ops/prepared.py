# SPDX-License-Identifier: BSD-3-Clause
"""Prepared weights: packed once, convolved with many inputs."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

import numpy as np

from .._core.arrays import empty
from .._core.measure import openmp_threads
from .._plan.algorithms import names
from .._plan.execute import (
    find,
    known,
    outlined,
    overlaps,
    planned,
    settle,
    through_a_copy,
)
from .._plan.kept import Store, frozen, keep, outline
from .._plan.layout import is_same, native_copy
from .._plan.plan import Plan, without_signature
from .._plan.settings import current
from .._plan.variants import choose, run
from .._plan.weights import LayerWeights
from .._spec.arguments import (
    as_array,
    as_flag,
    as_function,
    as_operand,
    check_algorithm,
    check_keywords,
    check_threads,
)
from .._spec.channels import missing_axes, other_place
from .._spec.conv import CONVOLUTION, ConvParameters
from .._spec.family import settled_parameters
from .._spec.operands import check_bias
from .._spec.transpose import TRANSPOSED
from .._spec.values import settled
from .operation import OPERATIONS


def _or_of_an_operation(of_a_weight: Callable) -> Callable:
    """`prepare`, which takes an operation first, too, and then the arguments of that."""

    @wraps(of_a_weight)
    def prepare(*arguments, **keywords):
        operation, *others = arguments or (None,)
        if not callable(operation) and not isinstance(operation, str):
            _check_bias_is_none_of(OPERATIONS, others[0] if others else keywords.get("bias"))
            return of_a_weight(*arguments, **keywords)
        check_keywords("prepare", keywords, ("input", "residual", "out"))
        operation = _find(operation)
        _check_nothing_is_missing(operation, others, keywords)
        return operation._described(_keep)(None, *others, **keywords)

    return prepare


def _check_bias_is_none_of(operations: list[Callable], bias: Any) -> None:
    """Raise for an operation behind its weight."""
    for operation in operations:
        name = operation.__name__
        if bias is operation or (isinstance(bias, str) and bias == name):
            raise TypeError(
                f"prepare: bias is the operation {name}, but it must be an array or None; the "
                f"operation comes first, as in prepare({name}, weight)"
            )


def _check_nothing_is_missing(operation: Callable, others: list, keywords: dict) -> None:
    """Raise unless there are all weights, which is what stands behind the input."""
    _, *taken = signature(operation).parameters.values()
    for parameter in taken[len(others) :]:
        if parameter.default is parameter.empty and parameter.name not in keywords:
            name = operation.__name__
            raise TypeError(f"prepare: {parameter.name} is missing, but {name} needs it")


def _find(operation: Any) -> Callable:
    """An operation that has weights."""
    weighted = [function for function in OPERATIONS if function._family.weighted]
    return as_function(
        "prepare", operation, weighted, " that has weights", "or the weight of a convolution"
    )


def _keep(family, name, rank, parameters, operands, how) -> PreparedConv:
    """Make a layer of a request."""
    _, weight, bias, _, _ = operands
    return _layer(name, weight, bias, parameters, how)


@_or_of_an_operation
def prepare(
    weight, bias=None, stride=1, padding=0, dilation=1, groups=1,
    *, padding_mode="constant", padding_value=0, channels_last=False, flip=False,
    activation=None, alpha=1, beta=0, dtype=None, overflow="wrap",
    algorithm="auto", threads=None,
):  # fmt: skip
    """Pack weights once, for many calls. Returns a layer: a function of the input.

    ``prepare(weight, ...)`` is for `conv1d`, `conv2d` or `conv3d`; the number of axes of the weight
    tells which. ``prepare(operation, weight, ...)`` is for any operation with weights, or its name.
    The other parameters are those of the operation.
    ``layer(input, out=None, threads=None, *, residual=None)`` returns what that function returns,
    with the same bits. The size and the dtype of the input may change from call to call; the first
    call with new ones is planned, which takes some milliseconds. The weights are copied: later
    changes of the array have no effect. A layer can be pickled, and several threads can call it at
    the same time. Raises TypeError or ValueError, which name the argument, what it is and what it
    must be.

    >>> import numpy as np
    >>> blur = prepare(np.full((1, 1, 3, 3), 1 / 9), padding="same")
    >>> blur(np.ones((1, 4, 5)))[0, 1]
    array([0.66666667, 1.        , 1.        , 1.        , 0.66666667])
    >>> layer = prepare(np.ones((2, 1, 3)), [-4, 0], channels_last=True, activation="relu")
    >>> layer(np.array([[1], [2], [3]], np.uint8), residual=[[0.5, 0.25]])
    array([[2.5 , 6.25]])
    """
    parameters = ConvParameters(
        stride, padding, dilation, groups, padding_mode, padding_value, channels_last, flip,
        activation, alpha, beta, dtype, overflow,
    )  # fmt: skip
    return _layer(None, weight, bias, parameters, (algorithm, threads))


def _layer(name, weight, bias, parameters, how) -> PreparedConv:
    """A layer of an operation, by name; None: the convolution of the weight's rank."""
    layer = object.__new__(PreparedConv)
    layer._prepare(name, weight, bias, parameters, how)
    return layer


def seen(src: np.ndarray, threads: Any, out: Any, residual: np.ndarray | None) -> tuple:
    """What the plan of a layer depends on in a call."""
    return (
        src.shape, src.strides, src.dtype, src.flags.aligned, current(),
        (openmp_threads(),) if threads is None else frozen(threads),
        None if out is None else outline(out),
        None if residual is None else (outline(residual), is_same(residual, out)),
    )  # fmt: skip


# In the order in which a specification checks what depends on the dtype of the input.
CHECKED = (
    "dtype",
    "overflow",
    "padding_value",
    "padding_mode",
    "depthwise_activation",
    "activation",
    "alpha",
    "beta",
    "depthwise_bias",
    "bias",
    "weight",
)


def _progress(error: Exception) -> tuple[bool, int]:
    """How far the checks came: what they met last is wrong whatever the input."""
    argument = re.match(r"\w*", str(error).partition(": ")[2])[0]
    late = getattr(error, "late", False)  # of the second of two convolutions
    return late, CHECKED.index(argument) if argument in CHECKED else -1


class PreparedConv:
    """An operation with fixed weights; `prepare` makes one. It is called with an input."""

    @without_signature
    def __init__(self, *_, **__):
        """Not for users: `fastconv.prepare` makes layers."""
        raise TypeError("PreparedConv: fastconv.prepare makes layers")

    def __setattr__(self, name, value):
        """Refused: a layer does not change."""
        if not name.startswith("_"):
            raise AttributeError(f"PreparedConv: {name} cannot be set, as a layer does not change")
        object.__setattr__(self, name, value)

    def __delattr__(self, name):
        """Refused: a layer does not change."""
        raise AttributeError(f"PreparedConv: {name} cannot be deleted, as a layer does not change")

    def _prepare(self, name, weight, bias, parameters, how):
        weight = as_operand("prepare", "weight", weight)
        if name is None and not 3 <= weight.ndim <= 5:
            raise ValueError(
                f"prepare: weight has shape {weight.shape}, but it must be (O, C/groups, *kernel) "
                f"with one to three kernel axes{missing_axes(weight.ndim, weight.ndim)}"
            )
        operation = _find(name or f"conv{weight.ndim - 2}d")
        self._hold(operation._family, operation.__name__, operation._rank, weight, bias, parameters)
        self._algorithm = check_algorithm("prepare", how[0], names(self._family.spec))
        self._threads = check_threads("prepare", how[1])
        self._check()

    def _hold(self, family, name, rank, weight, bias, parameters):
        """Copy the weights of an operation, and what was said of it."""
        self._family, self._name, self._rank = family, name, rank
        said = self._family.parameters(*map(settled, parameters))
        self._parameters = settled_parameters(said)
        as_flag("prepare", "flip", getattr(self._parameters, "flip", False))
        weight = self._family.view(weight, self._rank, self._parameters)
        # Output channels that share their memory do so in the copy, too.
        one = weight.ndim and len(weight) > 1 and weight.strides[0] == 0
        copied = native_copy(weight[:1] if one else weight)
        self._weight = np.broadcast_to(copied, weight.shape) if one else copied
        self._weight.flags.writeable = False
        self._bias = None if bias is None else np.array(as_array("prepare", "bias", bias))
        if self._bias is not None:
            self._bias.flags.writeable = False
        self._weights = LayerWeights(self._weight, self._bias)
        self._ready = Store()

    def _check(self):
        """Let parameters that no input could mend show now: try the smallest input, of the dtype
        of the weights and of wider ones."""
        refused = []
        for dtype in (self._weight.dtype, np.float64, np.complex128, np.int64, np.uint64):
            try:
                return self._try(np.dtype(dtype))
            except (TypeError, ValueError) as error:
                refused.append(error)
        raise max(refused, key=_progress)

    def _try(self, dtype: np.dtype) -> None:
        family, shape = self._family, self._weight.shape
        least = (1,) * (self._rank + 2)  # of a weight that is refused
        if len(shape) == family.weight_rank(self._rank):
            least = family.least_input("prepare", self._rank, shape, self._parameters)
        spec = family.make_spec("prepare", self._rank, least, dtype, shape, self._weight.dtype,
                                **self._parameters._asdict(),
                                bias=self._bias is not None)  # fmt: skip
        check_bias(spec, self._bias, spec.tile_dtype)

    def __call__(self, input, out=None, threads=None, *, residual=None):
        """Convolve an input; `out`, `threads` and `residual` as in `conv2d`.

        A `beta` other than 0 needs `out`. `threads`, if not None, overrides that of `prepare`.
        """
        src = as_operand(self._name, "input", input)
        if threads is None:
            threads = self._threads
        if residual is not None:
            residual = as_operand(self._name, "residual", residual)
        key = seen(src, threads, out, residual)
        ready = self._ready.get(key)
        if ready is None:
            ready = self._get_ready(src, residual, out, threads)
            keep(self._ready, key, ready, ready[0]._engine.memory)
        plan, packed, bias = ready
        if out is None:
            engine = plan._engine
            out = empty(engine.output_shape, engine.dtype)
        elif overlaps(out, residual, src):
            return through_a_copy(
                lambda out, residual: self(src, out, threads, residual=residual), out, residual
            )
        return run(plan, src, self._weight, packed, bias, residual, out, self._weights)

    def _get_ready(self, src, residual, out, threads) -> tuple:
        """(plan, packed weights, bias) for an input like `src`."""
        self._check_channels(src.shape)
        plan = find(
            self._family, self._name, self._rank, *settle(self._family, self._parameters), src,
            self._weight, self._bias is not None, residual, out, (self._algorithm, threads), True,
        )  # fmt: skip
        return self._weights.ready(choose(plan, None, self._weights))

    def _check_channels(self, shape: tuple[int, ...]) -> None:
        """Raise for an input of other channels: of the two sides it is the one that is new."""
        if self._family.channels is None or len(shape) not in (self._rank + 1, self._rank + 2):
            return  # refused with the rest
        last = self._parameters.channels_last
        first, end = shape[-1 - self._rank], shape[-1]
        channels, other = (end, first) if last else (first, end)
        needed = self._family.channels(self._weight.shape, self._parameters)
        if channels != needed:
            hint = f"{other_place(last)} to prepare" if other == needed else ""
            raise ValueError(
                f"{self._name}: input has {channels} channels, but weight needs {needed}{hint}"
            )

    def plan(self, input, out=None, threads=None, *, residual=None) -> Plan:
        """How a call would run, and why; a shape (a tuple of integers) stands for an input of the
        weights' dtype.

        >>> layer = prepare(np.ones((4, 3, 3, 3), np.float32))
        >>> layer.plan((3, 17, 19)).output_shape
        (4, 15, 17)
        """
        src = outlined(self._name, "input", input, self._weight.dtype)
        self._check_channels(src.shape)
        if residual is not None:
            residual = as_operand(self._name, "residual", residual)
        if threads is None:
            threads = self._threads if self._threads is not None else current().threads
        plan = planned(
            self._family, self._name, self._rank, self._parameters, src, self._weight,
            self._bias is not None, residual, out, (self._algorithm, threads), True,
        )  # fmt: skip
        return choose(plan, known(src), self._weights)

    _explain = plan  # of fastconv.plan

    @property
    def weight(self) -> np.ndarray:
        """The weights, read-only."""
        weight = self._weight.view()  # of a read-only array: nobody can make it writeable
        return self._family.view(weight, self._rank, self._parameters)

    @property
    def bias(self) -> np.ndarray | None:
        """The bias, read-only, or None."""
        return None if self._bias is None else self._bias.view()

    @property
    def algorithm(self) -> str:
        """The algorithm that was asked for."""
        return self._algorithm

    @property
    def threads(self) -> int | None:
        """The number of threads that was asked for, or None."""
        return self._threads

    def __reduce__(self):
        how = (self._algorithm, self._threads)
        return _layer, (self._name, self.weight, self._bias, self._parameters, how)

    def _said(self) -> str:
        """The parameters, for `repr`: those that are not as they are by default."""
        said, said_by_default = self._parameters._asdict(), self._parameters._field_defaults
        if self._parameters.dtype is not None:
            said["dtype"] = self._parameters.dtype.name
        words = "".join(
            f", {name}={value!r}"
            for name, value in said.items()
            if name in SHOWN or repr(value) != repr(said_by_default[name])
        )
        how = f", algorithm={self._algorithm!r}" if self._algorithm != "auto" else ""
        how += f", threads={self._threads}" if self._threads is not None else ""
        return words + how

    _called = "weight"  # what its operation calls the weights

    def __repr__(self):
        operation = "" if self._family is CONVOLUTION else f"{self._name}, "
        weight = self._weight
        return (
            f"prepare({operation}{self._called} of shape {weight.shape} {weight.dtype}, "
            f"bias={'None' if self._bias is None else 'given'}{self._said()})"
        )


SHOWN = ("stride", "padding", "output_padding", "dilation", "groups")  # always


def _parameter(name: str) -> property:
    def read(self):
        if name in self._parameters._fields:
            return getattr(self._parameters, name)
        raise AttributeError(f"PreparedConv: {self._name} has no {name}")

    return property(read, doc=f"`{name}` of `prepare`.")


for _name in (
    "kernel", "kernels_1d", "depthwise_weight", "pointwise_weight", "depthwise_bias",
    "depthwise_activation",
):  # fmt: skip
    setattr(PreparedConv, _name, _parameter(_name))  # of depthwise_separable_conv
for _family in (CONVOLUTION, TRANSPOSED):
    for _name in _family.parameters._fields:
        setattr(PreparedConv, _name, _parameter(_name))
