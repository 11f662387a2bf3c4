# SPDX-License-Identifier: BSD-3-Clause
"""Prepared filters: a kernel kept for many images, of any channels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._plan.algorithms import names
from .._plan.execute import outlined
from .._plan.layout import native_copy
from .._plan.plan import Plan
from .._plan.views import VIEWED, explained, read_all, run, worded
from .._spec.arguments import as_array, as_flag, as_operand, check_algorithm, check_threads
from .._spec.family import settled_parameters
from .._spec.filter import FILTER, as_conv_parameters, bias_per_channel, kernel_rank, shared
from .._spec.values import settled
from .prepared import PreparedConv, _layer

CONVOLUTIONS = 16  # that a layer keeps: one for each number of channels and dtype of images


def prepare_filter(family, name, rank, parameters, operands, how) -> PreparedFilter:
    """Make a layer of a request."""
    _, kernel, bias, _, _ = operands
    return _filter_layer(name, rank, kernel, bias, parameters, how)


def _filter_layer(*request) -> PreparedFilter:
    layer = object.__new__(PreparedFilter)
    _made(FILTER, layer, *request)
    return layer


@worded
def _made(family, layer, *request) -> None:
    layer._prepare(*request)


class PreparedFilter(PreparedConv):
    """A filter with a fixed kernel; `prepare` makes one. It is called with an image."""

    def _prepare(self, name, rank, kernel, bias, parameters, how):
        kernel = as_operand("prepare", "kernel", kernel)
        self._name, self._family, self._asked_rank = name, FILTER, rank
        self._rank = kernel_rank("prepare", rank, kernel.shape)
        self._parameters = settled_parameters(FILTER.parameters(*map(settled, parameters)))
        as_flag("prepare", "flip", self._parameters.flip)
        self._weight = native_copy(kernel)
        self._weight.flags.writeable = False
        self._bias = None if bias is None else np.array(as_array("prepare", "bias", bias))
        if self._bias is not None:
            self._bias.flags.writeable = False
        self._algorithm = check_algorithm("prepare", how[0], names(FILTER.spec))
        self._threads = check_threads("prepare", how[1])
        self._convolutions: dict[tuple, PreparedConv] = {}
        # Parameters that no image could mend show now.
        self._convolution(() if bias is None else self._bias.shape, None)

    def _convolution(self, channel_shape: tuple[int, ...], dtype: np.dtype | None) -> PreparedConv:
        """The convolution for images of these channels and this dtype."""
        key = channel_shape, dtype
        found = self._convolutions.get(key)
        if found is None:
            weight = shared(self._weight, int(np.prod(channel_shape)))
            bias = bias_per_channel(self._name, self._bias, channel_shape)
            said = as_conv_parameters(self._parameters, len(weight), dtype, weight.dtype)
            how = self._algorithm, self._threads
            found = _layer(f"conv{self._rank}d", weight, bias, said, how)
            found._name = self._name
            if len(self._convolutions) >= CONVOLUTIONS:
                self._convolutions.clear()
            self._convolutions[key] = found
        return found

    def __call__(self, input, out=None, threads=None, *, residual=None):
        """Filter an image; `out`, `threads` and `residual` as in `filter_nd`.

        A `beta` other than 0 needs `out`. `threads`, if not None, overrides that of `prepare`.
        """

        def act(layer, views):
            return layer(views.input, views.out, threads, residual=views.residual)

        return _acted(FILTER, self, run, act, as_operand, (input, residual, out))

    def plan(self, input, out=None, threads=None, *, residual=None) -> Plan:
        """How a call would run, and why; a shape (a tuple of integers) stands for an image of the
        kernel's dtype."""

        def act(layer, views):
            return layer.plan(views.input, views.out, threads, residual=views.residual)

        def read(name, argument, value):
            return outlined(name, argument, value, self._weight.dtype)

        return _acted(FILTER, self, explained, act, read, (input, residual, out))

    _explain = plan  # of fastconv.plan

    @property
    def weight(self) -> np.ndarray:
        """The kernel, read-only."""
        return self._weight.view()  # of a read-only array: nobody can make it writeable

    def __reduce__(self):
        how = (self._algorithm, self._threads)
        request = self._name, self._asked_rank, self._weight, self._bias, self._parameters, how
        return _filter_layer, request


@worded
def _acted(family, layer: PreparedFilter, run: Callable, act: Callable, read: Callable, arrays):
    """What `act` makes of the convolution of an image and of its views."""
    image, residual, out = arrays
    viewed, name = VIEWED[family], layer._name
    operands = read_all(viewed, name, (image, layer._weight, layer._bias, residual, out), read)
    dtype = operands[0].dtype.newbyteorder("=")

    def of_views(views):
        return act(layer._convolution(views.channel_shape, dtype), views)

    return run(viewed, of_views, name, layer._rank, layer._parameters, operands)
