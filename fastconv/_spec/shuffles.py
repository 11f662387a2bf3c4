# SPDX-License-Identifier: BSD-3-Clause
"""Shuffles: axes that are divided, exchanged and joined again."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .arguments import as_flag, check_dtype
from .dtypes import native
from .family import ArrayFamily
from .moves import Move, MoveSpec, Strides, inner
from .patches import as_sizes, split_shape
from .spec import AXES
from .values import as_integer, is_sequence


class Part(NamedTuple):
    """A divisor of an axis: `count` steps of `times` elements on an axis of the input, and on one
    of the result. Axes are batch, channels, and the spatial ones."""

    count: int
    axis: int
    times: int
    to_axis: int
    to_times: int


@dataclass(frozen=True, slots=True, repr=False)
class ShuffleSpec(MoveSpec):
    """The same elements in another order."""

    batched: bool
    channels_last: bool
    parts: tuple[Part, ...]  # in the order of the result, with channels first

    def moves(self, source: Strides, target: Strides) -> list[Move]:
        """All parts, those of a larger step in the result first."""
        source, target = self._channels_first(source), self._channels_first(target)
        found = [
            inner(part.count, part.times * source[part.axis], part.to_times * target[part.to_axis])
            for part in self.parts
        ]
        return sorted(found, key=lambda move: -abs(move.dst))

    def _channels_first(self, values: tuple[int, ...]) -> tuple[int, ...]:
        """Values of the axes, the batch first."""
        values = tuple(values) if self.batched else (0, *values)
        return (values[0], values[-1], *values[1:-1]) if self.channels_last else values

    def reference(self, input: np.ndarray) -> np.ndarray:
        """The slow truth: one element after the other, of all channels and images."""
        result = np.empty(self.output_shape, self.dtype)
        steps = [
            [np.prod(array.shape[i + 1 :], dtype=int) for i in range(array.ndim)]
            for array in (input, result)
        ]
        source, target = map(self._channels_first, map(tuple, steps))
        one, other = (np.zeros(tuple(part.count for part in self.parts), int) for _ in "ab")
        for part, place in zip(self.parts, np.indices(one.shape), strict=True):
            one += place * part.times * source[part.axis]
            other += place * part.to_times * target[part.to_axis]
        result.reshape(-1)[other.ravel()] = input.reshape(-1)[one.ravel()]
        return result


class UpscaleParameters(NamedTuple):
    """What a user says of `pixel_shuffle`, beside its arrays and how to run it."""

    upscale_factor: Any = None
    channels_last: Any = False


class DownscaleParameters(NamedTuple):
    """The same of `pixel_unshuffle`."""

    downscale_factor: Any = None
    channels_last: Any = False


class GroupsParameters(NamedTuple):
    """The same of `channel_shuffle`."""

    groups: Any = None
    channels_last: Any = False


def _made(
    name: str, inputs: tuple, batched: bool, last: bool, parts: list[Part], inner: tuple[int, ...]
) -> ShuffleSpec:
    """A specification; `inner`: the shape of the result without batch, channels first."""
    ((shape, dtype),) = inputs
    result = (*inner[1:], inner[0]) if last else inner
    return ShuffleSpec(
        name=name,
        dtype=native(dtype),
        input_shape=shape,
        output_shape=(shape[0], *result) if batched else result,
        border_value=0,
        batched=batched,
        channels_last=last,
        parts=tuple(parts),
    )


def _pixels(
    factors: tuple[int, ...], batch: int, channels: int, sizes: tuple[int, ...]
) -> list[Part]:
    """Channel (c, i, j) of small pixel (y, x) goes to channel c of pixel (y r + i, x r + j)."""
    parts = [Part(batch, 0, 1, 0, 1), Part(channels, 1, prod(factors), 1, 1)]
    for number, (n, r) in enumerate(zip(sizes, factors, strict=True), 2):
        inside = prod(factors[number - 1 :])
        parts += [Part(n, number, 1, number, r), Part(r, 1, inside, number, 1)]
    return parts


def make_upscale_spec(name: str, rank: int, inputs: tuple, **said: Any) -> ShuffleSpec:
    """The specification of `pixel_shuffle`, from (shape, dtype) of its input."""
    said = UpscaleParameters(**said)
    ((shape, dtype),) = inputs
    check_dtype(name, "input", dtype)
    argument, factors = "upscale_factor", as_sizes(name, "upscale_factor", said.upscale_factor)
    last, single = as_flag(name, "channels_last", said.channels_last), not is_sequence(said[0])
    found = split_shape(name, argument, len(factors), shape, last, single)
    batched, batch, channels, sizes = found
    if channels % prod(factors):
        raise ValueError(
            f"{name}: input has {channels} channel{'s' * (channels != 1)}, but for {argument} "
            f"{factors} it must have a multiple of {prod(factors)}"
        )
    channels //= prod(factors)
    larger = tuple(n * r for n, r in zip(sizes, factors, strict=True))
    parts = _pixels(factors, batch, channels, sizes)
    return _made(name, inputs, batched, last, parts, (channels, *larger))


def make_downscale_spec(name: str, rank: int, inputs: tuple, **said: Any) -> ShuffleSpec:
    """The specification of `pixel_unshuffle`, from (shape, dtype) of its input."""
    said = DownscaleParameters(**said)
    ((shape, dtype),) = inputs
    check_dtype(name, "input", dtype)
    argument, factors = "downscale_factor", as_sizes(name, "downscale_factor", said[0])
    last, single = as_flag(name, "channels_last", said.channels_last), not is_sequence(said[0])
    found = split_shape(name, argument, len(factors), shape, last, single)
    batched, batch, channels, sizes = found
    for letter, n, r in zip(AXES[len(factors)], sizes, factors, strict=True):
        if n % r:
            raise ValueError(
                f"{name}: input has size {n} on axis {letter}, but it must be a multiple of {r}, "
                f"which {argument} says"
            )
    smaller = tuple(n // r for n, r in zip(sizes, factors, strict=True))
    parts = [
        Part(count, to_axis, to_times, axis, times)
        for count, axis, times, to_axis, to_times in _pixels(factors, batch, channels, smaller)
    ]
    inner_shape = (channels * prod(factors), *smaller)
    return _made(name, inputs, batched, last, parts, inner_shape)


def make_groups_spec(name: str, rank: int, inputs: tuple, **said: Any) -> ShuffleSpec:
    """The specification of `channel_shuffle`, from (shape, dtype) of its input."""
    said = GroupsParameters(**said)
    ((shape, dtype),) = inputs
    check_dtype(name, "input", dtype)
    last = as_flag(name, "channels_last", said.channels_last)
    groups = as_integer(name, "groups", said.groups, 1)
    if len(shape) < 2:
        axes = "(N, *spatial, C)" if last else "(N, C, *spatial)"
        raise ValueError(f"{name}: input has shape {shape}, but it must be {axes}")
    batch, *rest = shape
    channels, *sizes = (rest[-1], *rest[:-1]) if last else rest
    if channels % groups:
        hint = "; if it has no batch axis, write input[None]" * (not last and not batch % groups)
        raise ValueError(
            f"{name}: input has {channels} channel{'s' * (channels != 1)}, but it must have a "
            f"multiple of {groups}, the number of groups{hint}"
        )
    each = channels // groups
    parts = [Part(batch, 0, 1, 0, 1), Part(groups, 1, each, 1, 1), Part(each, 1, 1, 1, groups)]
    parts += [Part(n, number, 1, number, 1) for number, n in enumerate(sizes, 2)]
    return _made(name, inputs, True, last, parts, (channels, *sizes))


UPSCALE = ArrayFamily(ShuffleSpec, UpscaleParameters, 1, make_upscale_spec)
DOWNSCALE = ArrayFamily(ShuffleSpec, DownscaleParameters, 1, make_downscale_spec)
GROUPS = ArrayFamily(ShuffleSpec, GroupsParameters, 1, make_groups_spec)
