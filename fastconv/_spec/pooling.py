# SPDX-License-Identifier: BSD-3-Clause
"""What all pools have in common: shapes, dtypes and indices, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, prod
from typing import Any, NamedTuple

import numpy as np

from .arguments import as_dtype, as_flag, check_dtype
from .channels import missing_channel
from .dtypes import components, is_bfloat16, is_integer, native
from .family import Result
from .spec import AXES
from .values import as_number, show, word_needed

KINDS = ("max", "min", "average", "lp")
NUMBERS = "an integer dtype, float16, bfloat16, float32 or float64"
INT32 = np.iinfo(np.int32)


class Sizes(NamedTuple):
    """Of batch, channel, depth, height and width."""

    n: int
    c: int
    d: int
    h: int
    w: int


# What an index is multiplied with for each of batch, channel, depth, height, width of its cell.
CONVENTIONS = {
    "plane": lambda s: (0, 0, s.h * s.w, s.w, 1),
    "flat": lambda s: (s.c * s.d * s.h * s.w, s.d * s.h * s.w, s.h * s.w, s.w, 1),
    "flat_column_major": lambda s: (s.c * s.d * s.h * s.w, s.d * s.h * s.w, 1, s.d, s.d * s.h),
    "nhwc": lambda s: (0, 1, s.h * s.w * s.c, s.w * s.c, s.c),
    "nhwc_batch": lambda s: (s.d * s.h * s.w * s.c, 1, s.h * s.w * s.c, s.w * s.c, s.c),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooling:
    """What all pools have in common: shapes and parameters, always with three spatial axes.

    An axis that the user does not have leads, of length 1."""

    name: str  # "max_pool2d": the word for messages
    rank: int  # spatial axes that the user sees, 1 to 3
    kind: str  # one of KINDS
    batched: bool  # the input has a batch axis
    batch: int
    channels: int
    channels_last: bool
    source: np.dtype  # native; of the input
    dtype: np.dtype  # native; of the values that are returned
    omit: bool  # NaN is left out
    power: float  # of lp
    convention: str  # of indices; '' if there are none
    index_dtype: np.dtype

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self._as_seen(self.lengths[3 - self.rank :])

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self._as_seen(self.outputs[3 - self.rank :])

    @property
    def results(self) -> tuple[Result, ...]:
        """The values, and the indices if they are asked for."""
        values = Result(self.output_shape, self.dtype, "dtype" * self.summed)
        if not self.convention:
            return (values,)
        return values, Result(self.output_shape, self.index_dtype, "index_dtype")

    @property
    def summed(self) -> bool:
        """Whether cells are added, not compared."""
        return self.kind in ("average", "lp")

    @property
    def sizes(self) -> Sizes:
        return Sizes(self.batch, self.channels, *self.lengths)

    @property
    def weights(self) -> tuple[int, int, int, int, int]:
        """See CONVENTIONS."""
        return CONVENTIONS[self.convention](self.sizes)

    @property
    def worst(self) -> Any:
        """The value of a window without cells, against which every other one wins."""
        if self.summed:
            return 0
        lowest = self.kind == "max"
        if not is_integer(self.source):
            return -inf if lowest else inf
        if self.source.kind == "b":
            return not lowest
        limits = np.iinfo(self.source)
        return int(limits.min if lowest else limits.max)

    def _as_seen(self, sizes: Sequence[int]) -> tuple[int, ...]:
        shape = (*sizes, self.channels) if self.channels_last else (self.channels, *sizes)
        return (self.batch, *shape) if self.batched else shape

    @property
    def operand_words(self) -> str:
        """What a plan's first line says before the arrow."""
        return "x".join(map(str, self.input_shape))

    def pack_words(self) -> str:
        """What is read, in words."""
        words = [f"input {self.source}"]
        words += ["channels last"] if self.channels_last else []
        words += ["NaN left out"] if self.omit else []
        return ", ".join(words)

    def epilogue_words(self) -> str:
        """What becomes of the largest cell, or of sums, in words."""
        words = [f"{self.convention} indices of {self.index_dtype}"] if self.convention else []
        words += ["divided by the number of cells"] if self.kind == "average" else []
        words += [f"root {self.power:g}"] if self.kind == "lp" else []
        return ", ".join(words) or "none"


def read_input(
    name: str, rank: int, shape: tuple[int, ...], dtype: np.dtype, channels_last: bool
) -> tuple[bool, int, int, list[int]]:
    """Whether there is a batch axis, its size, the channels, and the sizes of the spatial axes."""
    check_dtype(name, "input", dtype)
    if len(shape) not in (rank + 1, rank + 2):
        spatial = ", ".join(AXES[rank])
        inner = f"{spatial}, C" if channels_last else f"C, {spatial}"
        raise ValueError(
            f"{name}: input has shape {shape}, but it must be (N, {inner}) or ({inner})"
            + missing_channel(len(shape), rank, channels_last)
        )
    batched = len(shape) == rank + 2
    batch, *inner = shape if batched else (1, *shape)
    channels, *sizes = (inner[-1], *inner[:-1]) if channels_last else inner
    return batched, batch, channels, sizes


def check_real(name: str, dtype: np.dtype) -> None:
    """Raise for complex numbers, which have no order."""
    if components(dtype) == 2:
        raise TypeError(f"{name}: input has dtype {dtype}, but it must be bool, {NUMBERS}")


def _result_dtype(name: str, kind: str, source: np.dtype, dtype: Any) -> np.dtype:
    wanted = as_dtype(name, dtype, NUMBERS)
    if wanted is not None and (wanted.kind == "b" or components(wanted) == 2):
        raise TypeError(f"{name}: dtype is {wanted}, but it must be {NUMBERS}")
    if kind in ("average", "lp"):
        usual = np.dtype(np.float64) if is_integer(source) else native(source)
        return usual if wanted is None else wanted
    return native(source)


def read_word(name: str, argument: str, value: Any, words: Sequence[str]) -> str:
    if isinstance(value, str) and value in words:
        return value
    kind = ValueError if isinstance(value, str) else TypeError
    raise kind(f"{name}: {argument} is {show(value)}, {word_needed(value, words)}")


def _read_index_dtype(name: str, value: Any, most: int) -> np.dtype:
    """The dtype of indices, of which `most` is the largest."""
    try:
        dtype = np.dtype(np.int64 if value is None else value)
    except Exception:  # of whatever an object of the user's raises
        dtype = None
    if dtype not in (np.dtype(np.int64), np.dtype(np.int32)):
        raise TypeError(f"{name}: index_dtype is {show(value)}, but it must be int64 or int32")
    if dtype.itemsize == 4 and most > INT32.max:
        raise ValueError(
            f"{name}: index_dtype is int32, but it must be int64, as indices reach {most}"
        )
    return native(dtype)


def read_common(
    kind: str,
    name: str,
    rank: int,
    shape: tuple[bool, int, int, Sequence[int]],
    source: np.dtype,
    channels_last: bool,
    said: Any,
) -> dict[str, Any]:
    """The fields of `Pooling`; `shape` is what `read_input` says, with three axes."""
    batched, batch, channels, lengths = shape
    indices = as_flag(name, "return_indices", said.return_indices)
    convention = read_word(name, "index_convention", said.index_convention, tuple(CONVENTIONS))
    policy = read_word(name, "nan_policy", said.nan_policy, ("propagate", "omit"))
    most = prod(lengths) * (1 if convention == "plane" else channels)
    most *= batch if convention in ("flat", "flat_column_major", "nhwc_batch") else 1
    index_dtype = _read_index_dtype(name, said.index_dtype, most - 1)
    power = 0.0
    if kind == "lp":
        power = float(as_number(name, "norm_type", said.norm_type, False))
        if not power > 0:
            raise ValueError(
                f"{name}: norm_type is {show(said.norm_type)}, but it must be a positive number"
            )
    return {
        "name": name,
        "rank": rank,
        "kind": kind,
        "batched": batched,
        "batch": batch,
        "channels": channels,
        "channels_last": channels_last,
        "source": native(source),
        "dtype": _result_dtype(name, kind, source, said.dtype),
        "omit": policy == "omit" and not is_integer(source),
        "power": power,
        "convention": convention if indices else "",
        "index_dtype": index_dtype,
    }


def is_narrow(dtype: np.dtype) -> bool:
    """Whether float32 holds all numbers of a real dtype."""
    return is_bfloat16(dtype) or (dtype.kind == "f" and dtype.itemsize <= 4)
