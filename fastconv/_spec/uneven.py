# SPDX-License-Identifier: BSD-3-Clause
"""Pooling to a number of outputs: adaptive, global and fractional pools, as one checked value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .arguments import as_flag, per_axis, positive_per_axis
from .dtypes import is_integer
from .family import ArrayFamily
from .pooling import Pooling, check_real, is_narrow, read_common, read_input
from .spec import AXES
from .values import as_integer, as_number, show

Sizes = tuple[int, int, int]


class UnevenParameters(NamedTuple):
    """What a user says of such a pooling, beside its arrays."""

    output_size: Any = None
    kernel_size: Any = None
    output_ratio: Any = None
    return_indices: Any = False
    channels_last: Any = False
    index_convention: Any = "plane"
    index_dtype: Any = None
    nan_policy: Any = "propagate"
    norm_type: Any = None
    dtype: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnevenSpec(Pooling):
    """A pooling whose windows depend on how many outputs there are."""

    lengths: Sizes  # of the input: depth, height, width
    outputs: Sizes
    kernel: Sizes | None  # cells of a window of fractional pools
    apart: bool = False  # windows that cover the input share no cells

    @property
    def most(self) -> Sizes:
        """Cells of the largest window along each axis."""
        if self.kernel is not None:
            return self.kernel
        return tuple(int((end - first).max(initial=0)) for first, end in self.windows())

    @property
    def flops(self) -> int:
        """A comparison, or an addition, for each cell of each window."""
        return self.batch * self.channels * prod(self.outputs) * prod(self.most)

    def windows(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """First cells and ends of windows that cover the input, of each axis."""
        for n, outputs in zip(self.lengths, self.outputs, strict=True):
            first, end = adaptive(n, outputs)
            yield first, np.append(first[1:], n) if self.apart else end

    def tables(self, samples: np.ndarray | None = None) -> np.ndarray:
        """First cells and ends of the windows of each axis, one after the other: a row for all
        planes, or of fractional pools one for each, from its random samples."""
        if self.kernel is None:
            return np.concatenate([side for window in self.windows() for side in window])[None]
        inside = (samples >= 0) & (samples <= 1)
        if not inside.all():
            at = tuple(map(int, np.argwhere(~inside)[0]))
            raise ValueError(
                f"{self.name}: _random_samples[{', '.join(map(str, at))}] is {samples[at]}, "
                "but it must be from 0 to 1"
            )
        samples = samples.reshape(-1, samples.shape[-1])
        exact = np.float32 if is_narrow(self.source) else np.float64
        # Of two axes the samples are those of width and height, of three in the order of the axes.
        places = samples[:, ::-1] if self.rank == 2 else samples
        places = np.hstack([np.zeros((len(places), 3 - self.rank)), places]).astype(exact)
        sides = []
        for a in range(3):
            first = fractional(self.lengths[a], self.outputs[a], self.kernel[a], places[:, a])
            sides += [first, first + self.kernel[a]]
        return np.hstack(sides)


def adaptive(n: int, outputs: int) -> tuple[np.ndarray, np.ndarray]:
    """First cells and ends of windows that cover an axis."""
    at = np.arange(outputs)
    return at * n // max(1, outputs), -(-(at + 1) * n // max(1, outputs))


def fractional(n: int, outputs: int, kernel: int, samples: np.ndarray) -> np.ndarray:
    """First cells of windows that a sample from 0 to 1 shifts, for each sample: the last one ends
    with the axis."""
    first = np.full((len(samples), outputs), n - kernel, np.intp)
    if outputs > 1:
        step = samples.dtype.type(n - kernel) / samples.dtype.type(outputs - 1)
        at = np.arange(outputs - 1).astype(samples.dtype)
        shift = (samples * step).astype(np.intp)
        first[:, :-1] = ((at + samples[:, None]) * step).astype(np.intp) - shift[:, None]
    return first


def _read_outputs(name: str, rank: int, sizes: list[int], said: Any) -> list[int]:
    def read(called: str, entry: Any) -> int | None:
        if entry is None and called != "output_size":
            return None
        more = " (or one per axis, None for that of the input)" if called == "output_size" else ""
        return as_integer(name, called, entry, 1, more=more)

    found = per_axis(name, "output_size", rank, said.output_size, read, "integer")
    return [n if out is None else out for n, out in zip(sizes, found, strict=True)]


def _read_ratio(name: str, rank: int, sizes: list[int], said: Any) -> list[int]:
    """The sizes of outputs of a fractional pool, from exactly one of output_size, output_ratio."""
    if (said.output_size is None) == (said.output_ratio is None):
        both = "both None" if said.output_size is None else "both given"
        raise ValueError(
            f"{name}: output_size and output_ratio are {both}, but exactly one of them must be "
            "given"
        )
    if said.output_ratio is None:
        return _read_outputs(name, rank, sizes, said)

    def read(called: str, entry: Any) -> float:
        ratio = as_number(name, called, entry, False)
        if not 0 < ratio < 1:
            raise ValueError(
                f"{name}: {called} is {show(entry)}, but it must be above 0 and below 1"
            )
        return ratio

    ratios = per_axis(name, "output_ratio", rank, said.output_ratio, read, "number")
    return [int(n * ratio) for n, ratio in zip(sizes, ratios, strict=True)]


def draw_samples(
    name: str, input: Any, rank: int, channels_last: Any, rng: Any
) -> np.ndarray | None:
    """Random samples for an input, or its shape; None if it has none that fits."""
    shape = input if isinstance(input, tuple) else np.shape(input)
    if len(shape) not in (rank + 1, rank + 2):
        return None
    batch = shape[0] if len(shape) == rank + 2 else 1
    channels = shape[-1] if channels_last is True else shape[len(shape) - rank - 1]
    try:
        generator = np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"{name}: rng is {show(rng)}, but it must be what numpy.random.default_rng takes"
        ) from None
    return generator.random((batch, channels, rank))


def make_uneven_spec(
    kind: str,
    read_outputs: Callable[..., list[int]],
    name: str,
    rank: int,
    arrays: tuple[tuple[tuple[int, ...], np.dtype] | None, ...],
    **said: Any,
) -> UnevenSpec:
    """The specification, from (shape, dtype) of its arrays and what the user said, the fields of
    `UnevenParameters`; `read_outputs` reads the sizes of the result."""
    said = UnevenParameters(**said)
    shape, source = arrays[0]
    channels_last = as_flag(name, "channels_last", said.channels_last)
    batched, batch, channels, lengths = read_input(name, rank, shape, source, channels_last)
    check_real(name, source)
    outputs = read_outputs(name, rank, lengths, said)
    kernel = None
    if len(arrays) > 1:  # a fractional pool
        kernel = positive_per_axis(name, "kernel_size", rank, said.kernel_size)
    for i, letter in enumerate(AXES[rank]):
        needed = 1 if kernel is None else outputs[i] + kernel[i] - 1
        if lengths[i] < needed:
            windows = "" if kernel is None else f" for {outputs[i]} windows of size {kernel[i]}"
            raise ValueError(
                f"{name}: input has size {lengths[i]} on axis {letter}, but it must be at least "
                f"{needed}{windows}"
            )
        if outputs[i] < 1:
            raise ValueError(
                f"{name}: output_ratio gives {outputs[i]} outputs on axis {letter}, "
                "but it must give at least 1"
            )
    if len(arrays) > 1:
        _check_samples(name, rank, arrays[1], batch, channels)
    ones = (1,) * (3 - rank)
    lengths = (*ones, *lengths)
    return UnevenSpec(
        **read_common(
            kind, name, rank, (batched, batch, channels, lengths), source, channels_last, said
        ),
        lengths=lengths,
        outputs=(*ones, *outputs),
        kernel=None if kernel is None else (*ones, *kernel),
    )


def _check_samples(name: str, rank: int, array: Any, batch: int, channels: int) -> None:
    """Raise unless there is a number for each plane and axis."""
    if array is None:
        raise TypeError(
            f"{name}: _random_samples is None, but it must be an array of shape "
            f"{(batch, channels, rank)}"
        )
    shape, dtype = array
    if shape != (batch, channels, rank):
        raise ValueError(
            f"{name}: _random_samples has shape {shape}, but it must be {(batch, channels, rank)}"
        )
    if is_integer(dtype) or dtype.kind == "c":
        raise TypeError(
            f"{name}: _random_samples has dtype {dtype}, but it must be a floating-point dtype"
        )


def one_output(name: str, rank: int, sizes: list[int], said: Any) -> list[int]:
    """That of global pools."""
    return [1] * rank


def _family(kind: str, read_outputs: Callable, inputs: tuple[str, ...] = ("input",)) -> ArrayFamily:
    return ArrayFamily(
        spec=UnevenSpec,
        parameters=UnevenParameters,
        often=2,
        make_spec=partial(make_uneven_spec, kind, read_outputs),
        inputs=inputs,
    )


ADAPTIVE = {kind: _family(kind, _read_outputs) for kind in ("max", "average")}
GLOBAL = {kind: _family(kind, one_output) for kind in ("max", "min", "average", "lp")}
FRACTIONAL = _family("max", _read_ratio, ("input", "_random_samples"))
