# SPDX-License-Identifier: BSD-3-Clause
"""How an array lies in memory, as far as the engine must know."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

NATIVE = "<" if sys.byteorder == "little" else ">"

# The storages of src_c/fc_kernels.h.
SAME, SWAPPED, FLOAT, FLOAT_SWAPPED = range(4)


@dataclass(frozen=True, slots=True)
class Layout:
    """Strides in bytes for (batch or output channel, channel, depth, height, width)."""

    strides: tuple[int, int, int, int, int]
    storage: int
    regular: bool  # the compute dtype itself, aligned, steps of whole numbers
    end: int  # bytes from the first number to the end of the array's memory

    @classmethod
    def of(
        cls,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        source: np.dtype,
        aligned: bool,
        dtype: np.dtype,
        rank: int,
    ) -> Layout:
        """The layout of an array with `rank` spatial axes, seen from the compute dtype."""
        swapped = source.byteorder not in "=|" and source.byteorder != NATIVE
        storage = (SWAPPED if swapped else SAME) + (FLOAT if source.char != dtype.char else SAME)
        spatial = strides[len(strides) - rank :]
        leading = strides[: len(strides) - rank]
        whole = all(stride % dtype.itemsize == 0 for stride in strides)
        return cls(
            strides=((0,) * (2 - len(leading)) + leading + (0,) * (3 - rank) + spatial),
            storage=storage,
            regular=storage == SAME and aligned and whole,
            end=source.itemsize
            + sum(max(0, (n - 1) * s) for n, s in zip(shape, strides, strict=True)),
        )
