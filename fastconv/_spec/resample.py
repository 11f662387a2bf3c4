# SPDX-License-Identifier: BSD-3-Clause
"""Interpolation and unpooling as one checked value: an axis of outputs made of an axis of inputs,
for each axis by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import floor, isfinite, prod
from typing import Any, NamedTuple

import numpy as np

from .arguments import as_flag, integers_per_axis, per_axis, positive_per_axis
from .channels import missing_channel
from .dtypes import components, is_integer, native, saturated
from .family import ArrayFamily, Result
from .sampling import Sampled
from .spec import AXES
from .values import BYTES_MAX, as_integer, as_number, entries_of, is_sequence, show, word_needed


@dataclass(frozen=True, slots=True, repr=False)
class ResampleSpec:
    """One call: shapes and the three axes, of which one that the user does not have leads, of
    length 1."""

    name: str
    rank: int  # spatial axes that the user sees, 1 to 3
    batched: bool
    batch: int
    channels: int
    axes: tuple[Sampled, Sampled, Sampled]  # depth, height, width
    channels_last: bool
    dtype: np.dtype  # native; of input and result
    mode: str  # in the user's word
    results: tuple[Result, ...] = ()
    flops: int = 0  # two operations for each multiply-add, if each output were made by itself

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.as_seen([axis.n for axis in self.axes])

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self.results[0].shape

    @property
    def copies(self) -> bool:
        """Whether elements are copied, and none is computed."""
        return all(axis.copies for axis in self.axes)

    @property
    def sums(self) -> np.dtype:
        """What sums are, where elements are computed."""
        return np.dtype(self.axes[0].real)

    @property
    def operand_words(self) -> str:
        """What a plan's first line says before the arrow."""
        return "x".join(map(str, self.input_shape))

    def pack_words(self) -> str:
        """What is read, in words."""
        to = "" if self.copies or self.dtype == self.sums else f" -> {self.sums}"
        return f"input {self.dtype}{to}" + ", channels last" * self.channels_last

    def epilogue_words(self) -> str:
        """What becomes of what is computed, in words."""
        if self.copies or self.dtype == self.sums or self.dtype.kind == "c":
            return "none"
        return f"{self.sums} -> {self.dtype}" + ", saturated" * is_integer(self.dtype)

    def as_seen(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """The shape of an array with these sizes of depth, height and width."""
        sizes = tuple(sizes[3 - self.rank :])
        shape = (*sizes, self.channels) if self.channels_last else (self.channels, *sizes)
        return (self.batch, *shape) if self.batched else shape

    def __repr__(self) -> str:
        words = [f"{self.name}, {self.input_shape} -> {self.output_shape}", f"mode={self.mode!r}"]
        words += ["channels_last=True"] * self.channels_last + [f"dtype={self.dtype}"]
        return f"{type(self).__name__}({', '.join(words)})"


def _make(
    name: str,
    shape: tuple[int, ...],
    dtype: np.dtype,
    axes: list[Sampled],
    last: bool,
    mode: str,
) -> ResampleSpec:
    """The specification of checked values."""
    rank = len(axes)
    batched = len(shape) == rank + 2
    lead = Sampled(wide=axes[0].wide, rule=axes[0].rule if axes[0].copies else "linear")
    spec = ResampleSpec(
        name=name,
        rank=rank,
        batched=batched,
        batch=shape[0] if batched else 1,
        channels=shape[-1] if last else shape[len(shape) - rank - 1],
        axes=(*(lead,) * (3 - rank), *axes),
        channels_last=last,
        dtype=native(dtype),
        mode=mode,
    )
    output = spec.as_seen([axis.outputs for axis in spec.axes])
    size = prod(max(1, n) for n in output) * max(8, dtype.itemsize)
    if size > BYTES_MAX:
        raise ValueError(
            f"{name}: output of shape {output} takes {size} bytes, "
            f"but it must not take more than {BYTES_MAX}"
        )
    taps = 0 if spec.copies else prod(axis.taps[0].shape[1] for axis in axes)
    results = (Result(output, spec.dtype),)
    return replace(spec, results=results, flops=2 * taps * prod(output))


def _sizes(
    name: str, rank: int, shape: tuple[int, ...], last: bool, batched: bool
) -> tuple[int, ...]:
    """Those of the spatial axes, or an error if the input has not as many, or none."""
    if len(shape) not in (rank + 2,) + (rank + 1,) * (not batched):
        spatial = ", ".join(AXES[rank])
        inner = f"{spatial}, C" if last else f"C, {spatial}"
        raise ValueError(
            f"{name}: input has shape {shape}, but it must be (N, {inner})"
            + f" or ({inner})" * (not batched)
            + missing_channel(len(shape), rank, last)
        )
    sizes = shape[-1 - rank : -1] if last else shape[len(shape) - rank :]
    if 0 in sizes:
        raise ValueError(
            f"{name}: input has shape {shape}, but its spatial axes must have a size of at least 1"
        )
    return sizes


# ---- interpolate -------------------------------------------------------------------------------


class Mode(NamedTuple):
    """What a word for `mode` stands for."""

    rule: str
    ranks: tuple[int, ...] = (1, 2, 3)
    aligns: bool = False  # it takes align_corners
    antialiased: str = ""  # the rule with antialias


MODES = {
    "nearest": Mode("nearest"),
    "nearest-exact": Mode("nearest-exact"),
    "linear": Mode("linear", (1,), True),
    "bilinear": Mode("linear", (2,), True, "antialiased linear"),
    "trilinear": Mode("linear", (3,), True),
    "bicubic": Mode("cubic", (2,), True, "antialiased cubic"),
    "area": Mode("area"),
}


class InterpolateParameters(NamedTuple):
    """What `interpolate` takes beside arrays and how to run."""

    size: Any = None
    scale_factor: Any = None
    mode: Any = "nearest"
    align_corners: Any = None
    recompute_scale_factor: Any = None
    antialias: Any = False
    channels_last: Any = False


def make_interpolate_spec(
    name: str, rank: int, sides: tuple[tuple[tuple[int, ...], np.dtype]], **said: Any
) -> ResampleSpec:
    """The specification of `interpolate`; the rank is that of the input."""
    parameters = InterpolateParameters(**said)
    ((shape, dtype),) = sides
    last = as_flag(name, "channels_last", parameters.channels_last)
    rank = len(shape) - 2
    if rank not in AXES:
        inner = "*spatial, C" if last else "C, *spatial"
        raise ValueError(
            f"{name}: input has shape {shape}, but it must be (N, {inner}) with one to three "
            "spatial axes" + "; for one signal or image write input[None]" * (rank == 0)
        )
    word, mode, rule = _mode(name, rank, shape, parameters)
    if dtype.kind == "b" and rule not in ("nearest", "nearest-exact"):
        raise TypeError(
            f"{name}: input has dtype bool, but for mode {word!r} it must hold numbers; convert "
            "it, as by input.astype(np.float32)"
        )
    sizes = _sizes(name, rank, shape, last, True)
    outputs, scales = _outputs(name, rank, sizes, parameters, word)
    wide = dtype.itemsize // components(dtype) == 8 and not is_integer(dtype)
    if mode.rule not in ("nearest", "nearest-exact"):
        wide |= is_integer(dtype) and dtype.itemsize > 1
    axes = [
        Sampled(n, out, rule, scale, bool(parameters.align_corners), wide)
        for n, out, scale in zip(sizes, outputs, scales, strict=True)
    ]
    return _make(name, shape, dtype, axes, last, word)


def _mode(
    name: str, rank: int, shape: tuple[int, ...], said: InterpolateParameters
) -> tuple[str, Mode, str]:
    """The word, what it stands for, and the rule of each axis."""
    word = said.mode
    if not isinstance(word, str) or word not in MODES:
        kind = ValueError if isinstance(word, str) else TypeError
        raise kind(f"{name}: mode is {show(word)}, {word_needed(word, MODES)}")
    mode = MODES[word]
    if rank not in mode.ranks:
        words = ", ".join(repr(each) for each, row in MODES.items() if rank in row.ranks)
        hint = "; if it has no batch axis, write input[None]" * (rank + 1 in mode.ranks)
        raise ValueError(
            f"{name}: mode is {word!r}, but it must be one of {words} for an input of shape "
            f"{shape}, which has {rank} spatial ax{'es' if rank > 1 else 'is'}{hint}"
        )
    if said.align_corners is not None:
        as_flag(name, "align_corners", said.align_corners)
        if not mode.aligns:
            words = ", ".join(repr(each) for each, row in MODES.items() if row.aligns)
            raise ValueError(
                f"{name}: align_corners is {said.align_corners}, but it must be None for mode "
                f"{word!r}; only {words} use it"
            )
    antialias = as_flag(name, "antialias", said.antialias)
    if antialias and not mode.antialiased:
        words = " or ".join(repr(each) for each, row in MODES.items() if row.antialiased)
        raise ValueError(
            f"{name}: antialias is True, but it must be False for mode {word!r}; only {words} "
            "use it"
        )
    return word, mode, mode.antialiased if antialias else mode.rule


def _outputs(
    name: str, rank: int, sizes: tuple[int, ...], said: InterpolateParameters, mode: str
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The sizes of the output, and the scale of each axis, None where that of the sizes counts."""
    recompute = said.recompute_scale_factor
    if recompute is not None:
        recompute = as_flag(name, "recompute_scale_factor", recompute)
    if (said.size is None) == (said.scale_factor is None):
        both = "None" if said.size is None else "given"
        raise ValueError(
            f"{name}: size and scale_factor are both {both}, but exactly one of them must be given"
        )
    if said.size is not None:
        if recompute:
            raise ValueError(
                f"{name}: recompute_scale_factor is True, but it must be None or False where size "
                "is given"
            )
        return positive_per_axis(name, "size", rank, said.size), (None,) * rank

    def read(called: str, entry: Any) -> float:
        number = as_number(name, called, entry, False)
        if not (isfinite(number) and number > 0):
            raise ValueError(f"{name}: {called} is {show(entry)}, but it must be a number above 0")
        return float(number)

    scales = per_axis(name, "scale_factor", rank, said.scale_factor, read, "number")
    outputs = tuple(floor(n * scale) for n, scale in zip(sizes, scales, strict=True))
    if min(outputs) < 1:
        raise ValueError(
            f"{name}: scale_factor is {show(said.scale_factor)}, which makes {outputs} of an "
            f"input of {sizes}, but the output must be at least 1 on each axis"
        )
    if recompute or mode == "area":
        return outputs, (None,) * rank
    if mode == "nearest" and rank == 2:  # PyTorch does so for images
        pairs = zip(sizes, outputs, scales, strict=True)
        scales = tuple(None if out in (n, 2 * n) else scale for n, out, scale in pairs)
    return outputs, scales


INTERPOLATE = ArrayFamily(ResampleSpec, InterpolateParameters, 4, make_interpolate_spec)


# ---- unpooling ---------------------------------------------------------------------------------


class WindowUnpoolParameters(NamedTuple):
    """What unpooling takes beside arrays and how to run."""

    kernel_size: Any = None
    stride: Any = None
    padding: Any = 0
    output_size: Any = None
    channels_last: Any = False


def make_window_unpool_spec(
    name: str, rank: int, sides: tuple[tuple[tuple[int, ...], np.dtype]], **said: Any
) -> ResampleSpec:
    """The specification of an unpooling without indices, whose rule its name tells."""
    parameters = WindowUnpoolParameters(**said)
    ((shape, dtype),) = sides
    last = as_flag(name, "channels_last", parameters.channels_last)
    sizes = _sizes(name, rank, shape, last, False)
    kernel = positive_per_axis(name, "kernel_size", rank, parameters.kernel_size)
    stride = kernel
    if parameters.stride is not None:
        stride = positive_per_axis(name, "stride", rank, parameters.stride)
    padding = integers_per_axis(name, "padding", rank, parameters.padding, 0)
    windows = tuple(zip(sizes, kernel, stride, padding, strict=True))
    outputs = tuple((n - 1) * s + k - 2 * p for n, k, s, p in windows)
    if parameters.output_size is not None:
        outputs = _output_size(name, parameters.output_size, outputs, stride, len(shape), last)
    if min(outputs) < 1:
        raise ValueError(
            f"{name}: padding is {show(parameters.padding)}, but an output of at least 1 on each "
            f"axis needs less: it would be {outputs}"
        )
    rule = "repeat" if name.startswith("nearest") else "nails"
    axes = [
        Sampled(n, out, rule, kernel=k, stride=s, padding=p)
        for (n, k, s, p), out in zip(windows, outputs, strict=True)
    ]
    return _make(name, shape, dtype, axes, last, rule)


def _output_size(
    name: str,
    value: Any,
    default: tuple[int, ...],
    stride: tuple[int, ...],
    axes: int,
    last: bool,
) -> tuple[int, ...]:
    """Sizes that are said, less than a stride from the default ones; as in PyTorch, they may be
    the shape of the whole output."""
    rank = len(default)
    argument = "output_size"
    if is_sequence(value):
        value = entries_of(name, argument, value)
        if len(value) == axes:
            value = value[-1 - rank : -1] if last else value[axes - rank :]
    sizes = integers_per_axis(name, argument, rank, value, 1)
    for i, (size, usual, step) in enumerate(zip(sizes, default, stride, strict=True)):
        if abs(size - usual) >= step:
            as_integer(name, f"{argument}[{i}]", size, max(1, usual - step + 1), usual + step - 1)
    return sizes


WINDOW_UNPOOL = ArrayFamily(ResampleSpec, WindowUnpoolParameters, 3, make_window_unpool_spec)


# ---- the slow truth ----------------------------------------------------------------------------


def resample(spec: ResampleSpec, array: np.ndarray) -> np.ndarray:
    """The result, an axis and a tap at a time; of complex numbers, a part at a time."""
    if spec.dtype.kind == "c" and not spec.copies:
        result = np.empty(spec.output_shape, spec.dtype)
        real = replace(spec, dtype=result.real.dtype)
        result.real, result.imag = resample(real, array.real), resample(real, array.imag)
        return result
    first = int(spec.batched) + (not spec.channels_last)
    for a, axis in enumerate(spec.axes[3 - spec.rank :]):
        index, weight = axis.taps
        shape = [1] * array.ndim
        shape[first + a] = axis.outputs
        if spec.copies:
            taken = np.take(array, index[:, 0], first + a)
            array = np.where((index[:, 0] >= 0).reshape(shape), taken, np.zeros(1, array.dtype))
            continue
        if a == 0:
            array = array.astype(spec.sums)
        sums = np.zeros((*array.shape[: first + a], axis.outputs, *array.shape[first + a + 1 :]))
        sums = sums.astype(array.dtype)
        for t in range(index.shape[1]):
            there = (index[:, t] >= 0).reshape(shape)
            term = np.take(array, index[:, t], first + a) * weight[:, t].reshape(shape)
            sums = np.where(there, sums + term, sums)
        array = sums
    if not is_integer(spec.dtype) or spec.copies:
        return array.astype(spec.dtype)
    return saturated(array, spec.dtype)
