# SPDX-License-Identifier: BSD-3-Clause
"""How an array lies in memory, as far as the engine must know."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._core.conv import address
from .._core.table import KINDS
from .._spec import dtypes

NATIVE = "<" if sys.byteorder == "little" else ">"


def storage(dtype: np.dtype) -> int:
    """How elements of this dtype are stored: see src_c/fc_kernels.h."""
    name = "BF16" if dtypes.is_bfloat16(dtype) else dtypes.STORED[dtype.kind, dtype.itemsize]
    swapped = dtype.byteorder not in "=|" and dtype.byteorder != NATIVE
    return KINDS[name] | (KINDS["SWAPPED"] if swapped and dtype.itemsize > 1 else 0)


PORTION_BYTES = 1 << 23  # for NumPy at a time, which answers no Ctrl-C meanwhile


def portions(array: np.ndarray) -> Iterator[tuple]:
    """Indices of parts of an array, of any size and layout, which NumPy does so soon that Ctrl-C is
    answered."""
    if array.nbytes <= PORTION_BYTES or not array.ndim:
        yield (...,)
        return
    step = max(1, PORTION_BYTES * len(array) // array.nbytes)
    for first in range(0, len(array), step):
        if step > 1:
            yield (slice(first, first + step),)
        else:
            yield from ((first, *rest) for rest in portions(array[first]))


def copy(to: np.ndarray, array: np.ndarray) -> None:
    """Copy an array."""
    for portion in portions(array):
        to[portion] = array[portion]


def is_finite(array: np.ndarray) -> bool:
    """Whether no element is inf or NaN."""
    if array.dtype.kind in "biu":
        return True
    with np.errstate(invalid="ignore"):  # bfloat16 warns of NaN
        return all(np.isfinite(array[portion]).all() for portion in portions(array))


def native_copy(array: np.ndarray) -> np.ndarray:
    """A contiguous copy in this machine's byte order."""
    result = np.empty(array.shape, array.dtype.newbyteorder("="))
    copy(result, array)
    return result


def is_same(array: np.ndarray, out: Any) -> bool:
    """Whether both are the same elements in the same order."""
    return array is out or (
        isinstance(out, np.ndarray)
        and array.shape == out.shape
        and array.strides == out.strides
        and array.dtype == out.dtype
        and address(array) == address(out)
    )


@dataclass(frozen=True, slots=True)
class Layout:
    """Strides in bytes for (batch or output channel, channel, depth, height, width).

    Weights of a locally connected layer have those of the output positions before them."""

    strides: tuple[int, int, int, int, int]
    itemsize: int
    storage: int
    integer: bool
    components: int  # real numbers of an element
    component_bytes: int  # of one
    native: bool  # native elements of the dtype it is seen from, aligned, in whole steps
    end: int  # bytes from the first element to the end of the array's memory

    @classmethod
    def of(
        cls,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        source: np.dtype,
        aligned: bool,
        dtype: np.dtype,
        rank: int,
        channels_last: bool = False,
    ) -> Layout:
        """The layout of an array with `rank` spatial axes, seen from `dtype`."""
        components = dtypes.components(source)
        end = source.itemsize
        end += sum(max(0, (n - 1) * s) for n, s in zip(shape, strides, strict=True))
        if channels_last:
            strides = (*strides[: -1 - rank], strides[-1], *strides[-1 - rank : -1])
        spatial = strides[len(strides) - rank :]
        leading = strides[: len(strides) - rank]
        whole = all(stride % dtype.itemsize == 0 for stride in strides)
        stored = storage(source)
        return cls(
            strides=((0,) * (2 - len(leading)) + leading + (0,) * (3 - rank) + spatial),
            itemsize=source.itemsize,
            storage=stored,
            integer=dtypes.is_integer(source),
            components=components,
            component_bytes=source.itemsize // components,
            native=stored == storage(dtype) and aligned and whole,
            end=end,
        )

    @classmethod
    def contiguous(
        cls, shape: tuple[int, ...], source: np.dtype, dtype: np.dtype, rank: int, last: bool
    ) -> Layout:
        """The layout of a new array."""
        strides, step = [], source.itemsize
        for n in reversed(shape):
            strides.append(step)
            step *= max(n, 1)
        return cls.of(shape, tuple(reversed(strides)), source, True, dtype, rank, last)

    def placed(self, sizes: tuple[int, ...], strides: tuple[int, ...]) -> Layout:
        """That of some of the elements, so many on each axis and with these strides."""
        end = self.itemsize
        end += sum(max(0, (n - 1) * step) for n, step in zip(sizes, strides, strict=True))
        return replace(self, strides=strides, end=end)

    def component(self) -> Layout:
        """That of the real, or the imaginary, parts."""
        return replace(self, itemsize=self.component_bytes, components=1)

    def step(self, channels: int, taps: tuple[int, int, int]) -> int:
        """Bytes from one element of an output channel of weights to the next; 0: they do not
        follow one another evenly."""
        step, run = 0, 1
        for size, stride in reversed(list(zip((channels, *taps), self.strides[-4:], strict=True))):
            if size > 1:
                step = step if run > 1 else stride
                if stride != step * run or not step:
                    return 0
                run *= size
        return step or self.component_bytes * self.components
