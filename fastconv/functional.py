# SPDX-License-Identifier: BSD-3-Clause
"""Convolution with channels: conv1d, conv2d, conv3d, and prepared weights."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from . import reference
from .algorithms import NAMES, REFERENCE
from .kernels import weights
from .kernels.problem import address
from .layout import Layout
from .plan import Plan, choose_threads, isas, make
from .settings import check_isa, current
from .spec import (
    ConvSpec,
    as_operand,
    as_shape,
    check_algorithm,
    check_bias,
    check_out,
    check_threads,
    make_conv_spec,
)

PLANS_KEPT = 512

_plans: dict[tuple, Plan] = {}


def conv1d(
    input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1,
    *, out=None, algorithm="auto", threads=None,
):  # fmt: skip
    """Convolve an input of shape (N, C, L) or (C, L) with a weight of shape (O, C/groups, kL).

    The one-dimensional case of `conv2d`, which tells what the parameters mean.

    >>> import numpy as np
    >>> conv1d(np.array([[1.0, 2.0, 4.0]]), np.array([[[1.0, -1.0]]]))
    array([[-1., -2.]])
    """
    return _convolve("conv1d", 1, input, weight, bias, stride, padding, dilation, groups,
                     out, algorithm, threads)  # fmt: skip


def conv2d(
    input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1,
    *, out=None, algorithm="auto", threads=None,
):  # fmt: skip
    """Convolve an input of shape (N, C, H, W) or (C, H, W) with a weight (O, C/groups, kH, kW).

    As in deep learning the kernel is not flipped: output (n, o, y, x) is
    ``bias[o] + sum input[n, c, y*s - p + i*d, x*s - p + j*d] * weight[o, c, i, j]``.
    A tap that falls on padding adds nothing, even where the weight is inf or NaN.

    input, weight
        float32 or float64 arrays of any strides and byte order, or what NumPy makes arrays of;
        the result has their common dtype.
    bias
        None or O numbers, cast to that dtype.
    stride, dilation
        positive integers, one or one an axis.
    padding
        cells around the input: an integer, one an axis, a pair (before, after) an axis (negative
        ones crop), or 'valid', 'full', 'same' = 'same_upper' (ceil(n / stride) outputs, the odd
        cell at the end), 'same_lower' (at the start), 'same_torch' (d (k - 1) cells in all).
    groups
        the channels are split into that many groups, convolved side by side.
    out
        an array that takes the result; it may overlap the operands.
    algorithm
        'auto', 'direct', 'im2col_gemm' or 'reference'; see `plan` for the choice.
    threads
        obeyed as given; None takes what `settings` and `set_num_threads` say.

    Returns an array of shape (N, O, H', W'), or (O, H', W') without a batch axis, in which
    H' = floor((H + padding - dilation (kH - 1) - 1) / stride) + 1. The same bits come out for
    any number of threads, algorithm and split of the batch on one ISA. Raises TypeError or
    ValueError that name the argument, what it is and what is needed.

    >>> import numpy as np
    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> conv2d(x, np.ones((1, 1, 2, 2)), bias=[0.5])
    array([[[[ 8.5, 12.5],
             [20.5, 24.5]]]])
    """
    return _convolve("conv2d", 2, input, weight, bias, stride, padding, dilation, groups,
                     out, algorithm, threads)  # fmt: skip


def conv3d(
    input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1,
    *, out=None, algorithm="auto", threads=None,
):  # fmt: skip
    """Convolve an input (N, C, D, H, W) or (C, D, H, W) with a weight (O, C/groups, kD, kH, kW).

    The three-dimensional case of `conv2d`, which tells what the parameters mean.

    >>> import numpy as np
    >>> conv3d(np.ones((1, 2, 2, 2)), np.ones((1, 1, 2, 2, 2)), padding="same").shape
    (1, 2, 2, 2)
    """
    return _convolve("conv3d", 3, input, weight, bias, stride, padding, dilation, groups,
                     out, algorithm, threads)  # fmt: skip


RANKS = {conv1d: 1, conv2d: 2, conv3d: 3}


def prepare(
    weight, bias=None, stride=1, padding=0, dilation=1, groups=1,
    *, algorithm="auto", threads=None,
):  # fmt: skip
    """Keep weights for many calls: a function of the input alone that packs them only once.

    The parameters are those of `conv1d`, `conv2d` and `conv3d`; the rank is that of the weight.
    The weights are copied, so later changes of the array do not show. The result is the same,
    bit for bit, as that of the one-shot call; it can be pickled and shared between threads.

    >>> import numpy as np
    >>> blur = prepare(np.full((1, 1, 3, 3), 1 / 9), padding="same")
    >>> blur(np.ones((1, 4, 5)))[0, 1]
    array([0.66666667, 1.        , 1.        , 1.        , 0.66666667])
    """
    return PreparedConv(weight, bias, stride, padding, dilation, groups, algorithm, threads)


class PreparedConv:
    """A convolution with fixed weights; made by `prepare`, called with an input."""

    def __init__(self, weight, bias, stride, padding, dilation, groups, algorithm, threads):
        weight = as_operand("prepare", "weight", weight)
        if not 3 <= weight.ndim <= 5:
            raise ValueError(
                f"prepare: weight has shape {weight.shape}, (O, C/groups, *kernel) "
                "with one to three kernel axes is needed"
            )
        self._rank = weight.ndim - 2
        self._name = f"conv{self._rank}d"
        self._weight = np.array(weight, weight.dtype.newbyteorder("="), order="C")
        self._weight.flags.writeable = False
        self._bias = None if bias is None else np.array(bias)
        self._parameters = (stride, padding, dilation, groups)
        self._algorithm = check_algorithm("prepare", algorithm, NAMES)
        self._threads = check_threads("prepare", threads)
        self._lock = threading.Lock()
        self._packed: dict[tuple, tuple[np.ndarray, bool]] = {}
        self._bias_of: dict[str, np.ndarray | None] = {}
        # A smallest input tells whether the parameters fit each other.

    def __call__(self, input, out=None, threads=None):
        return _convolve(self._name, self._rank, input, self._weight, self._bias,
                         *self._parameters, out, self._algorithm,
                         self._threads if threads is None else threads, self)  # fmt: skip

    def __getstate__(self):
        return (self._weight, self._bias, *self._parameters, self._algorithm, self._threads)

    def __setstate__(self, state):
        self.__init__(*state)

    def __repr__(self):
        stride, padding, dilation, groups = self._parameters
        return (
            f"prepare(weight of shape {self._weight.shape} {self._weight.dtype}, "
            f"bias={'None' if self._bias is None else 'given'}, stride={stride!r}, "
            f"padding={padding!r}, dilation={dilation!r}, groups={groups!r})"
        )

    def _pack(self, plan: Plan) -> tuple[np.ndarray, bool]:
        """The weights as the plan wants them, and whether all are finite."""
        key = (plan.isa, plan.orientation, plan.spec.dtype.char)
        packed = self._packed.get(key)
        if packed is None:
            with self._lock:
                packed = self._packed.get(key)
                if packed is None:
                    memory = np.empty(plan.problem.packed_bytes, np.uint8)
                    finite = weights.prepare(plan.problem, address(self._weight), memory)
                    packed = self._packed[key] = memory, finite
        return packed


def _convolve(
    name, rank, input, weight, bias, stride, padding, dilation, groups, out, algorithm, threads,
    prepared=None,
):  # fmt: skip
    src = as_operand(name, "input", input)
    wei = as_operand(name, "weight", weight)
    options = current()
    if threads is None:
        threads = options.threads
    key = (
        name, src.shape, src.strides, src.dtype, src.flags.aligned,
        wei.shape, wei.strides, wei.dtype, wei.flags.aligned,
        _frozen(stride), _frozen(padding), _frozen(dilation), _frozen(groups),
        _frozen(algorithm), _frozen(threads), options, prepared is not None,
    )  # fmt: skip
    if out is not None:
        key += _outline(out)
    plan = _plans.get(key)
    if plan is None:
        spec = make_conv_spec(name, rank, src.shape, src.dtype, wei.shape, wei.dtype,
                              stride, padding, dilation, groups)  # fmt: skip
        if out is not None:
            check_out(spec, out)
        plan = _plan(spec, src, wei, out, algorithm, threads, options, prepared is not None)
        while len(_plans) >= PLANS_KEPT:
            _plans.pop(next(iter(_plans)), None)
        _plans[key] = plan
    spec = plan.spec
    bias = check_bias(spec, bias)
    if out is None:
        return _run(plan, src, wei, bias, np.empty(spec.output_shape, spec.dtype), prepared)
    if np.may_share_memory(out, src) or np.may_share_memory(out, wei) or (
        bias is not None and np.may_share_memory(out, bias)
    ):
        whole = _convolve(name, rank, src, wei, bias, stride, padding, dilation, groups,
                          None, algorithm, threads, prepared)  # fmt: skip
        out[...] = whole
        return out
    return _run(plan, src, wei, bias, out, prepared)


def _run(plan: Plan, src, wei, bias, dst, prepared: PreparedConv | None):
    if plan.problem is None:
        if dst.size:
            dst[...] = reference.convolve(plan.spec, src, wei, bias)
        return dst
    packed, finite = (None, True) if prepared is None else prepared._pack(plan)
    if not (finite or plan.exact) or not plan.run(src, wei, packed, bias, dst):
        plan.exactly().run(src, wei, packed, bias, dst)
    return dst


def _frozen(value: Any) -> Any:
    """A key for a dict that tells 1 from 1.0 and True, as equality does not."""
    kind = type(value)
    if kind is int or kind is str or value is None:
        return value
    if kind is tuple or kind is list:
        return (kind, *map(_frozen, value))
    if isinstance(value, np.ndarray):
        return (kind, value.dtype, _frozen(value.tolist()))
    return (kind, repr(value))


def _outline(out: Any) -> tuple:
    """What a plan and the checks of `out` depend on."""
    if type(out) is not np.ndarray:
        return (type(out), id(out))
    flags = out.flags
    return out.shape, out.strides, out.dtype, flags.aligned, flags.writeable


def _layout(spec: ConvSpec, array: np.ndarray) -> Layout:
    return Layout.of(
        array.shape, array.strides, array.dtype, array.flags.aligned, spec.dtype, spec.rank
    )


def _contiguous(spec: ConvSpec, shape: tuple[int, ...], dtype: np.dtype) -> Layout:
    strides, step = [], dtype.itemsize
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return Layout.of(shape, tuple(reversed(strides)), dtype, True, spec.dtype, spec.rank)


def _plan(spec, src, wei, out, algorithm, threads, options, prepared) -> Plan:
    """src, wei, out: arrays, or (shape, dtype) of contiguous ones."""
    algorithm = check_algorithm(spec.name, algorithm, NAMES)
    if algorithm == "auto" and options.algorithm is not None:
        algorithm = check_algorithm(spec.name, options.algorithm, NAMES)
    isa = None if options.isa is None else check_isa(options.isa, isas())
    threads = choose_threads(spec, check_threads(spec.name, threads))
    layouts = [
        _layout(spec, operand) if isinstance(operand, np.ndarray) else _contiguous(spec, *operand)
        for operand in (src, wei, (spec.output_shape, spec.dtype) if out is None else out)
    ]
    return make(spec, *layouts, algorithm=algorithm, isa=isa, threads=threads, prepared=prepared)


def plan(
    operation, input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1,
    *, out=None, algorithm="auto", threads=None,
):  # fmt: skip
    """How ``operation(input, weight, ...)`` would run, and why: a value that prints.

    operation
        `conv1d`, `conv2d` or `conv3d`.
    input, weight
        arrays, or their shapes: tuples of integers, which stand for contiguous float32 arrays.

    The other parameters are those of the operation.

    >>> print(plan(conv2d, (1, 64, 56, 56), (64, 64, 3, 3), padding=1, threads=1))  # doctest: +ELLIPSIS
    conv2d float32  1x64x56x56 * 64x64x3x3 -> 1x64x56x56
    ...
    """
    rank = RANKS.get(operation)
    if rank is None:
        names = ", ".join(f"fastconv.{function.__name__}" for function in RANKS)
        raise ValueError(f"plan: operation is {operation!r}, one of {names} is needed")
    name = operation.__name__
    operands = [_outlined(name, "input", input), _outlined(name, "weight", weight)]
    shapes = [x.shape if isinstance(x, np.ndarray) else x[0] for x in operands]
    dtypes = [x.dtype if isinstance(x, np.ndarray) else x[1] for x in operands]
    spec = make_conv_spec(name, rank, shapes[0], dtypes[0], shapes[1], dtypes[1],
                          stride, padding, dilation, groups)  # fmt: skip
    if bias is not None:
        check_bias(spec, bias)
    if out is not None:
        check_out(spec, out)
    options = current()
    if threads is None:
        threads = options.threads
    return _plan(spec, *operands, out, algorithm, threads, options, False)


def _outlined(name: str, argument: str, value: Any):
    if isinstance(value, tuple) and all(type(n) is int for n in value):
        return as_shape(name, argument, value), np.dtype(np.float32)
    return as_operand(name, argument, value)
