# SPDX-License-Identifier: BSD-3-Clause
"""Prepared depthwise separable convolutions: both weights packed once."""

from __future__ import annotations

import numpy as np

from .._plan import pair
from .._plan.algorithms import names
from .._plan.execute import outlined, settle, through_a_copy
from .._plan.kept import Store, keep
from .._plan.layout import native_copy
from .._plan.plan import Plan
from .._plan.settings import current
from .._plan.weights import LayerWeights, SeveralWeights
from .._spec.arguments import as_flag, as_operand, check_algorithm, check_threads
from .._spec.family import settled_parameters
from .._spec.separable_conv import SEPARABLE_CONV, check_biases
from .._spec.values import settled
from .prepared import PreparedConv, seen

WORDS = ("depthwise_weight", "pointwise_weight")


def prepare_pair(family, name, rank, parameters, operands, how) -> PreparedSeparableConv:
    """Make a layer of a request."""
    _, depthwise, pointwise, bias, depthwise_bias, _, _ = operands
    return _pair_layer(name, rank, (depthwise, pointwise), (depthwise_bias, bias), parameters, how)


def _pair_layer(*request) -> PreparedSeparableConv:
    layer = object.__new__(PreparedSeparableConv)
    layer._prepare(*request)
    return layer


def _kept(array: np.ndarray | None) -> np.ndarray | None:
    if array is not None:
        array.flags.writeable = False
    return array


class PreparedSeparableConv(PreparedConv):
    """A depthwise separable convolution with fixed weights; `prepare` makes one."""

    def _prepare(self, name, rank, weights, biases, parameters, how):
        self._name, self._family, self._rank = name, SEPARABLE_CONV, rank
        said = SEPARABLE_CONV.parameters(*map(settled, parameters))
        self._parameters = settled_parameters(said)
        as_flag("prepare", "flip", self._parameters.flip)
        read = self._read("prepare", None, weights, biases)
        self._arrays = tuple(_kept(native_copy(array)) for array in read.weights)
        self._biases = tuple(
            None if bias is None else _kept(np.array(bias)) for bias in read.biases
        )
        self._algorithm = check_algorithm("prepare", how[0], names(SEPARABLE_CONV.spec))
        self._threads = check_threads("prepare", how[1])
        self._check()
        self._plans = Store()
        self._layers = SeveralWeights(*map(LayerWeights, self._arrays, self._biases))

    def _read(self, name, input, weights, biases, residual=None, out=None, as_read=as_operand):
        """Operands as they are read; without an input, that is an array like the weights."""
        if input is None:
            input = as_operand(name, WORDS[0], weights[0])
        operands = (input, *weights, *biases[::-1], residual, out)
        return pair.read(name, self._rank, self._parameters, operands, as_read)

    def _try(self, dtype: np.dtype) -> None:
        first, second = self._arrays
        family, shape = self._family, first.shape
        least = (1,) * (self._rank + 2)  # of a weight that is refused
        if len(shape) == self._rank + 2:
            least = family.least_input("prepare", self._rank, shape, self._parameters)
        spec = family.make_spec(
            "prepare", self._rank, least, dtype, (shape, second.shape),
            (first.dtype, second.dtype), **self._parameters._asdict(),
            depthwise_bias=self._biases[0] is not None, bias=self._biases[1] is not None,
        )  # fmt: skip
        check_biases(spec, *self._biases)

    @property
    def _weight(self) -> np.ndarray:  # whose dtype a check tries first
        return self._arrays[0]

    def __call__(self, input, out=None, threads=None, *, residual=None):
        """Convolve an input; `out`, `threads` and `residual` as in `depthwise_separable_conv2d`.

        A `beta` other than 0 needs `out`. `threads`, if not None, overrides that of `prepare`.
        """
        src = as_operand(self._name, "input", input)
        if threads is None:
            threads = self._threads
        if residual is not None:
            residual = as_operand(self._name, "residual", residual)
        key = seen(src, threads, out, residual)
        plan = self._plans.get(key)
        operands = pair.Operands(src, self._arrays, self._biases, residual, out)
        if plan is None:
            how = self._algorithm, threads
            plan = pair.find(
                self._name, self._rank, *settle(self._family, self._parameters), operands, how, True
            )
            check_biases(plan.spec, *self._biases)  # a complex one, for a real input
            keep(self._plans, key, plan, plan._engine.memory)
        if pair.overlaps_any(operands):
            return through_a_copy(
                lambda out, residual: self(src, out, threads, residual=residual), out, residual
            )
        return pair.run(plan, operands, self._layers)

    def plan(self, input, out=None, threads=None, *, residual=None) -> Plan:
        """How a call would run, and why; a shape (a tuple of integers) stands for an input of the
        depthwise weight's dtype."""
        src = outlined(self._name, "input", input, self._arrays[0].dtype)
        if residual is not None:
            residual = as_operand(self._name, "residual", residual)
        operands = pair.Operands(src, self._arrays, self._biases, residual, out)
        if threads is None:
            threads = self._threads if self._threads is not None else current().threads
        how = self._algorithm, threads
        return pair.planned(self._name, self._rank, self._parameters, operands, how, True)

    _explain = plan  # of fastconv.plan

    @property
    def weight(self) -> np.ndarray:
        """There are two: `depthwise_weight` and `pointwise_weight`."""
        raise AttributeError(
            f"PreparedConv: {self._name} has no weight, but depthwise_weight and pointwise_weight"
        )

    @property
    def depthwise_weight(self) -> np.ndarray:
        """The depthwise weight, read-only."""
        return self._family.view(self._arrays[0].view(), self._rank, self._parameters)

    @property
    def pointwise_weight(self) -> np.ndarray:
        """The pointwise weight, read-only."""
        return self._arrays[1].view()

    @property
    def depthwise_bias(self) -> np.ndarray | None:
        """The bias of the depthwise convolution, read-only, or None."""
        return None if self._biases[0] is None else self._biases[0].view()

    @property
    def bias(self) -> np.ndarray | None:
        """The bias of the pointwise convolution, read-only, or None."""
        return None if self._biases[1] is None else self._biases[1].view()

    @property
    def depthwise_activation(self):
        """`depthwise_activation` of `prepare`."""
        return self._parameters.depthwise_activation

    def __reduce__(self):
        weights = self.depthwise_weight, self.pointwise_weight
        how = self._algorithm, self._threads
        request = self._name, self._rank, weights, self._biases, self._parameters, how
        return _pair_layer, request

    def __repr__(self):
        first, second = self._arrays
        weights = f"weights of shapes {first.shape} {first.dtype} and {second.shape} {second.dtype}"
        given = ", ".join(
            f"{word}={'None' if bias is None else 'given'}"
            for word, bias in zip(("depthwise_bias", "bias"), self._biases, strict=True)
        )
        return f"prepare({self._name}, {weights}, {given}{self._said()})"
