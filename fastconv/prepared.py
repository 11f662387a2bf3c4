# SPDX-License-Identifier: BSD-3-Clause
"""Prepared weights: packed once, convolved with many inputs."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from .algorithms import NAMES
from .arguments import as_array, as_integer, padding_per_axis, positive_per_axis
from .call import find, frozen, keep, run
from .kernels import weights
from .kernels.measure import openmp_threads
from .kernels.problem import address
from .plan import Plan
from .settings import current
from .sizes import span
from .spec import as_operand, check_algorithm, check_bias, check_threads, make_conv_spec


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


_known: weakref.WeakSet[PreparedConv] = weakref.WeakSet()


def _after_fork() -> None:
    for layer in _known:  # in the child nobody is left to release the old locks
        layer._lock = threading.RLock()


os.register_at_fork(after_in_child=_after_fork)


def settled(value: Any) -> Any:
    """A parameter that later changes of the user's object do not reach."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(map(settled, value))
    return value


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
        self._bias = None if bias is None else np.array(as_array("prepare", "bias", bias))
        self._parameters = tuple(map(settled, (stride, padding, dilation, groups)))
        self._algorithm = check_algorithm("prepare", algorithm, NAMES)
        self._threads = check_threads("prepare", threads)
        self._check()
        self._lock = threading.RLock()
        _known.add(self)
        self._packed: dict[tuple, tuple[np.ndarray, bool]] = {}
        self._ready: dict[tuple, tuple] = {}

    def _check(self):
        """Let parameters that no input could mend show now: try the smallest input."""
        stride, padding, dilation, groups = self._parameters
        c_in, *wei = self._weight.shape[1:]
        strides = positive_per_axis("prepare", "stride", self._rank, stride)
        dilations = positive_per_axis("prepare", "dilation", self._rank, dilation)
        groups = as_integer("prepare", "groups", groups, 1)
        axes = [(span(k, d), k, s, d) for k, s, d in zip(wei, strides, dilations, strict=True)]
        pad = padding_per_axis("prepare", padding, tuple(axes))
        sizes = [n - min(0, a) - min(0, b) for (n, *_), (a, b) in zip(axes, pad, strict=True)]
        dtype = self._weight.dtype
        spec = make_conv_spec("prepare", self._rank, (1, c_in * groups, *sizes), dtype,
                              self._weight.shape, dtype, *self._parameters)  # fmt: skip
        check_bias(spec, self._bias)

    def __call__(self, input, out=None, threads=None):
        """Convolve an input; `out` and `threads` as in `conv2d`."""
        src = as_operand(self._name, "input", input)
        if threads is None:
            threads = self._threads
        if out is not None:
            plan, packed, bias = self._get_ready(src, out, threads)
            if np.may_share_memory(out, src):
                out[...] = self(src, None, threads)
                return out
            return run(plan, src, self._weight, packed, bias, out)
        key = (
            src.shape, src.strides, src.dtype, src.flags.aligned, current(),
            (openmp_threads(),) if threads is None else frozen(threads),
        )  # fmt: skip
        ready = self._ready.get(key)
        if ready is None:
            ready = self._get_ready(src, None, threads)
            keep(self._ready, key, ready)
        plan, packed, bias = ready
        dst = np.empty(plan.output_shape, plan.spec.dtype)
        return run(plan, src, self._weight, packed, bias, dst)

    def _get_ready(self, src, out, threads) -> tuple:
        """(plan, packed weights, bias) for an input like `src`."""
        plan = find(
            self._name, self._rank, src, self._weight, *self._parameters, out,
            self._algorithm, threads, True,
        )  # fmt: skip
        bias = check_bias(plan.spec, self._bias)
        if plan.problem is None:
            return plan, None, bias
        packed, finite = self._pack(plan)
        if not finite:
            plan = plan.exactly()
            packed, _ = self._pack(plan)
        return plan, packed, plan.pad_bias(bias)

    def _pack(self, plan: Plan) -> tuple[np.ndarray, bool]:
        """The weights as the plan wants them, and whether all are finite."""
        key = (plan.isa, plan.orientation, plan.spec.dtype.char)
        with self._lock:
            if key not in self._packed:
                memory = np.empty(plan.problem.packed_bytes, np.uint8)
                finite = weights.prepare(plan.problem, address(self._weight), memory)
                self._packed[key] = memory, finite
            return self._packed[key]

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
