# SPDX-License-Identifier: BSD-3-Clause
"""Plan: how a convolution will run, and why; a value that prints."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .._spec.borders import Border
from .._spec.conv import ConvSpec
from .._spec.dtypes import components
from .epilogue import leaves_int32

PLAN_BYTES = 16 << 10  # of a plan without its spans


class Variant(NamedTuple):
    """Another plan, for certain values."""

    reason: str  # which values, as users read it: "weight holds inf or NaN"
    holds: Callable[..., bool]  # of the input (an array) and the `Weights`
    plan: Callable[[], Plan]  # made on first need; it has no variants
    reads_input: bool  # False: the weights alone decide
    late: bool  # a run finds out itself and says False: the output is to be computed again


class Engine(NamedTuple):
    """What runs a plan. Arrays are as they were planned; the bias is of `bias_dtype`, with
    `bias_room` behind it."""

    run: Callable[..., bool]  # (src, wei, packed, bias, residual, dst); False: see `Variant.late`
    output_shape: tuple[int, ...]
    dtype: np.dtype
    bias_dtype: np.dtype
    bias_room: np.ndarray | None = None  # tiles read a bias in whole vectors
    pack: Callable[..., Any] | None = None  # `Weights`, once for many calls
    packing: tuple = ()  # plans with the same one take the same packed weights
    variants: tuple[Variant, ...] = ()
    memory: int = PLAN_BYTES  # bytes that the plan takes, at most
    cost: float = 0.0  # an estimate, in cycles
    check: Callable[..., None] | None = None  # raises for `Weights` that it cannot take

    def pad_bias(self, bias: np.ndarray | None) -> np.ndarray | None:
        """The bias with its room."""
        if bias is None or self.bias_room is None:
            return bias
        return np.append(bias, self.bias_room)


ATTRIBUTES = {
    "algorithm": "The algorithm: 'direct', 'im2col_gemm', 'depthwise', 'grouped', 'phases', "
    "'separable', 'fft', 'bands', 'local', 'masked', 'rows', 'resample' or 'reference'.",
    "orientation": "What lies in vectors: 'pixels' or 'channels'; 'none' where no tile runs.",
    "isa": "The instruction set of the kernels; 'numpy' of the reference, 'scipy.fft' of 'fft'.",
    "threads": "How many threads run.",
    "tile": "The outputs that are summed in registers at one time: pixels x channels with channels "
    "in vectors, channels x pixels with pixels in vectors.",
    "tasks": "The parts that the work is divided into.",
    "flops": "Two operations for each multiply-add; taps on padding count.",
    "bytes": "Size of input, weight, output and residual together, each counted once.",
    "scratch_bytes": "Temporary memory of all threads.",
    "copies": "What is copied on the way.",
    "refused": "The other algorithms, each with the reason why it was not taken.",
    "output_shape": "The shape of the result.",
    "pack": "What happens to input and weight before they are multiplied.",
    "epilogue": "What happens to the sums before they are stored.",
    "variants": "When another plan runs instead, which depends on the values of the arrays.",
    "chosen": "The values for which this plan runs instead of another; '' if there are none.",
    "steps": "The convolutions that run in a row, where one operation is several.",
    "spec": "What is asked for: the operation, its sizes and parameters, checked.",
}


def without_signature(function: Callable) -> Callable:
    """Lets help show none, of the `__init__` of a class that users do not call."""
    self = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    function.__signature__ = inspect.Signature([self])
    return function


class Plan:
    """How a call runs, and why: a value that prints. `fastconv.plan` makes one.

    Plans are equal if they tell the same. They can be pickled.
    """

    __slots__ = {**ATTRIBUTES, "_engine": ""}

    @without_signature
    def __init__(self, *_, **__):
        """Not for users: `fastconv.plan` makes plans."""
        raise TypeError("Plan: fastconv.plan makes plans")

    def __setattr__(self, name: str, value: Any) -> None:
        """Refused: a plan does not change."""
        raise AttributeError(f"Plan: {name} cannot be set, as a plan does not change")

    def __delattr__(self, name: str) -> None:
        """Refused: a plan does not change."""
        raise AttributeError(f"Plan: {name} cannot be deleted, as a plan does not change")

    def _replace(self, **changes: Any) -> Plan:
        return make_plan(**{name: getattr(self, name) for name in Plan.__slots__} | changes)

    def _with_variants(self, variants: tuple[Variant, ...]) -> Plan:
        """The same, which depends on the values in these ways."""
        reasons = tuple(variant.reason for variant in variants)
        return self._replace(variants=reasons, _engine=self._engine._replace(variants=variants))

    def _told(self) -> tuple:
        return tuple(getattr(self, name) for name in ATTRIBUTES)

    def __eq__(self, other: object) -> bool:
        return self._told() == other._told() if isinstance(other, Plan) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._told())

    def __reduce__(self):
        """A plan can be pickled and copied; the copy says the same."""
        return _restored, self._told()

    def __repr__(self) -> str:
        spec = self.spec
        tiles = self.orientation != "none"
        operands = spec.operand_words
        how = [self.algorithm, f"{self.orientation} in vectors" * tiles, self.isa]
        how += [_several(self.threads, "thread")]
        work = [f"{self.flops / 1e9:.3g} GFLOP", f"{_size(self.bytes)} moved"]
        if tiles:
            work += [f"tile {_shape(self.tile)}", _several(self.tasks, "task")]
            work += [f"scratch {_size(self.scratch_bytes)}"]
        lines = [
            f"{spec.name} {spec.dtype}  {operands} -> {_shape(spec.output_shape)}",
            "  ".join(filter(None, how)),
            "  ".join(work),
            f"pack: {self.pack}",
            f"epilogue: {self.epilogue}",
            "copies: " + ("; ".join(self.copies) or "none"),
        ]
        lines += [f"step: {step}" for step in self.steps]
        lines += [f"chosen: because {self.chosen}"] if self.chosen else []
        for reason in self.variants:
            lines += [f"depends on the values: another plan runs if {reason}"]
        lines += [f"refused: {name} - {reason}" for name, reason in self.refused]
        return "\n".join(lines)


def make_plan(_engine: Engine | None, **told: Any) -> Plan:
    """A plan of all its attributes."""
    plan = object.__new__(Plan)
    for name in ATTRIBUTES:
        object.__setattr__(plan, name, told.pop(name))
    object.__setattr__(plan, "_engine", _engine)
    return plan


def _restored(*told: Any) -> Plan:
    return make_plan(None, **dict(zip(ATTRIBUTES, told, strict=True)))


def _several(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _size(size: int) -> str:
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{size / 2**10:.0f} KiB"


def pack_words(spec: ConvSpec, dtypes: tuple) -> str:
    """What happens to input and weight on their way to the tiles, in words."""
    said = []
    for argument, dtype in zip(("input", "weight"), dtypes, strict=False):
        words = [f"{argument} {dtype}"]
        if dtype != spec.tile_dtype:
            pairs = "pairs of " if components(dtype) == 2 and not spec.apart else ""
            words[0] += f" -> {pairs}{spec.tile_dtype}"
        if argument == "input":
            words += ["real and imaginary parts apart"] if spec.apart else []
            words += ["channels last"] if spec.channels_last else []
            modes = [axis.border.word for axis in spec.user_axes]
            modes = modes[:1] if len(set(modes)) == 1 else modes
            if any(axis.border is not Border.ZERO for axis in spec.axes):
                value = f" {spec.border_value:g}" if spec.reads_constant else ""
                words.append(f"border {' '.join(modes)}{value}")
        elif spec.flipped:
            words.append("flipped")
        said.append(", ".join(words))
    return "; ".join(said)


def epilogue_words(spec: ConvSpec) -> str:
    """What is done to sums, and what they become, in words."""
    total, words = spec.sum_dtype, str(spec.epilogue)
    converted = f"{total} -> {spec.dtype}" if spec.dtype != total else ""
    clips = converted or (spec.arithmetic.total == "i" and leaves_int32(spec.epilogue))
    kind = "saturated" if clips and spec.dtype.kind in "iu" and spec.epilogue.saturate else ""
    words = ", ".join(filter(None, (words, converted, kind)))
    return words or "none"
