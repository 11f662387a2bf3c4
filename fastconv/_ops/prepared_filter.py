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
from .._spec.filter import (
    FILTER,
    as_conv_parameters,
    bias_per_channel,
    kernel_rank,
    result_dtype,
    shared,
)
from .._spec.operands import check_bias
from .._spec.separable import OF_VIEWS, SEPARABLE, flipped, least_image, read_kernels
from .._spec.values import settled
from .prepared import PreparedConv, _layer

CONVOLUTIONS = 16  # that a layer keeps: one for each number of channels and dtype of images


def prepare_filter(family, name, rank, parameters, operands, how) -> PreparedFilter:
    """Make a layer of a request."""
    _, kernel, bias, _, _ = operands
    return _filter_layer(family is SEPARABLE, name, rank, kernel, bias, parameters, how)


def _filter_layer(separable: bool, *request) -> PreparedFilter:
    layer = object.__new__(PreparedSeparableFilter if separable else PreparedFilter)
    _made(layer._family, layer, *request)
    return layer


@worded
def _made(family, layer, *request) -> None:
    layer._prepare(*request)


class PreparedFilter(PreparedConv):
    """A filter with a fixed kernel; `prepare` makes one. It is called with an image."""

    _family = FILTER
    _called = "kernel"

    def _prepare(self, name, rank, kernel, bias, parameters, how):
        self._name, self._asked_rank = name, rank
        said = self._family.parameters(*map(settled, parameters))
        self._parameters = settled_parameters(said)
        as_flag("prepare", "flip", self._parameters.flip)
        self._rank = self._keep(kernel)
        self._bias = None if bias is None else np.array(as_array("prepare", "bias", bias))
        if self._bias is not None:
            self._bias.flags.writeable = False
        self._algorithm = check_algorithm("prepare", how[0], names(self._family.spec))
        self._threads = check_threads("prepare", how[1])
        self._convolutions: dict[tuple, PreparedConv] = {}
        # Parameters that no image could mend show now.
        self._convolution(() if bias is None else self._bias.shape, None)

    def _keep(self, kernel) -> int:
        """Copy the kernel; the number of its axes."""
        kernel = as_operand("prepare", "kernel", kernel)
        rank = kernel_rank("prepare", self._asked_rank, kernel.shape)
        self._weight = self._kernel = native_copy(kernel)
        self._weight.flags.writeable = False
        return rank

    def _convolution(self, channel_shape: tuple[int, ...], dtype: np.dtype | None) -> PreparedConv:
        """The convolution for images of these channels and this dtype."""
        key = channel_shape, dtype
        found = self._convolutions.get(key)
        if found is None:
            bias = bias_per_channel(self._name, self._bias, channel_shape)
            found = self._make(int(np.prod(channel_shape)), bias, dtype)
            found._name = self._name
            if len(self._convolutions) >= CONVOLUTIONS:
                self._convolutions.clear()
            self._convolutions[key] = found
        return found

    def _make(self, channels: int, bias: np.ndarray | None, dtype: np.dtype | None):
        weight = shared(self._weight, channels)
        said = as_conv_parameters(self._parameters, channels, dtype, weight.dtype)
        return _layer(f"conv{self._rank}d", weight, bias, said, (self._algorithm, self._threads))

    def __call__(self, image, out=None, threads=None, *, residual=None):
        """Filter an image; `out`, `threads` and `residual` as in `filter_nd`.

        A `beta` other than 0 needs `out`. `threads`, if not None, overrides that of `prepare`.
        """

        def act(layer, views):
            return layer(views.input, views.out, threads, residual=views.residual)

        return _acted(self._family, self, run, act, as_operand, (image, residual, out))

    def plan(self, image, out=None, threads=None, *, residual=None) -> Plan:
        """How a call would run, and why; a shape (a tuple of integers) stands for an image of the
        kernel's dtype."""

        def act(layer, views):
            return layer.plan(views.input, views.out, threads, residual=views.residual)

        def read(name, argument, value):
            return outlined(name, argument, value, self._weight.dtype)

        return _acted(self._family, self, explained, act, read, (image, residual, out))

    _explain = plan  # of fastconv.plan

    @property
    def weight(self) -> np.ndarray:
        """The kernel, read-only."""
        return self._weight.view()  # of a read-only array: nobody can make it writeable

    kernel = weight

    def __reduce__(self):
        how = (self._algorithm, self._threads)
        request = self._name, self._asked_rank, self._given(), self._bias, self._parameters, how
        return _filter_layer, (self._family is SEPARABLE, *request)

    def _given(self):
        """What `prepare` was given as kernel."""
        return self._weight


class PreparedSeparableFilter(PreparedFilter):
    """A separable filter with fixed kernels; `prepare` makes one. It is called with an image."""

    _family = SEPARABLE

    def _keep(self, kernels) -> int:
        self._kernel = read_kernels("prepare", kernels)
        self._weight = self._kernel.joined
        self._weight.flags.writeable = False
        return len(self._kernel.sizes)

    def _make(self, channels: int, bias: np.ndarray | None, dtype: np.dtype | None):
        kernels, said = self._kernel, self._parameters
        weight = flipped(kernels).joined if said.flip else kernels.joined
        result = result_dtype(said.dtype, dtype, weight.dtype)
        said = said._replace(dtype=result, sizes=kernels.sizes, flip=False)
        layer = object.__new__(_PreparedPasses)
        layer._hold(OF_VIEWS, self._name, self._rank, weight, bias, said)
        layer._algorithm, layer._threads = self._algorithm, self._threads
        layer._check()
        return layer

    @property
    def weight(self) -> np.ndarray:
        """There are several: `kernels_1d`."""
        raise AttributeError(f"PreparedConv: {self._name} has no weight, but kernels_1d")

    @property
    def kernel(self) -> np.ndarray:
        """There are several: `kernels_1d`."""
        raise AttributeError(f"PreparedConv: {self._name} has no kernel, but kernels_1d")

    @property
    def kernels_1d(self) -> list[np.ndarray | None]:
        """The kernels, read-only; None where an axis is not filtered."""
        return self._kernel.each

    _given = kernels_1d.fget

    def __repr__(self):
        sizes = ", ".join(str(size) if size else "None" for size in self._kernel.sizes)
        return (
            f"prepare({self._name}, kernels_1d of sizes ({sizes}) {self._weight.dtype}, "
            f"bias={'None' if self._bias is None else 'given'}{self._said()})"
        )


class _PreparedPasses(PreparedConv):
    """A separable filter of views: all kernels in one array."""

    def _try(self, dtype: np.dtype) -> None:
        said, channels = self._parameters, 1 if self._bias is None else self._bias.size
        least = least_image("prepare", said.sizes, said, channels)
        spec = OF_VIEWS.make_spec(
            "prepare", self._rank, least, dtype, self._weight.shape, self._weight.dtype,
            bias=self._bias is not None, **said._asdict(),
        )  # fmt: skip
        check_bias(spec, self._bias, spec.tile_dtype)


@worded
def _acted(family, layer: PreparedFilter, run: Callable, act: Callable, read: Callable, arrays):
    """What `act` makes of the convolution of an image and of its views."""
    image, residual, out = arrays
    viewed, name = VIEWED[family], layer._name
    operands = read_all(viewed, name, (image, layer._kernel, layer._bias, residual, out), read)
    dtype = operands[0].dtype.newbyteorder("=")

    def of_views(views):
        return act(layer._convolution(views.channel_shape, dtype), views)

    return run(viewed, of_views, name, layer._rank, layer._parameters, operands)
