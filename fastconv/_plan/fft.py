# SPDX-License-Identifier: BSD-3-Clause
"""fft: convolutions by Fourier transforms of scipy.fft, in blocks that overlap by a kernel.

The sums of a kernel at all positions are the inverse transform of a product of spectra, at a cost
that hardly depends on the size of the kernel. With a stride, all positions are computed, and some
are kept. Rounding errors are in proportion to the whole block, not to the elements under the
kernel: so only who names it gets it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import product
from math import prod
from typing import Any

import numpy as np

from .._spec.conv import ConvSpec
from .._spec.dtypes import components
from .._spec.epilogue import Epilogue
from . import constants as costs
from .cached import cached
from .candidate import Candidate, Part, idle, make_engine
from .fft_blocks import Blocks, blocks_of
from .finish import Finish, finish
from .layout import is_finite
from .plan import PLAN_BYTES, Plan, Variant
from .tiled import Call
from .weights import Weights

ONLY_NAMED = "its rounding differs"


def refuses(call: Call) -> str | None:
    """Integers, whose sums are exact, and convolutions without channels."""
    if call.spec.arithmetic.integer:
        return "sums are integers"
    return None if call.spec.c_in else "there is nothing to multiply"


def variants(call: Call, make: Callable[[Call], Plan]) -> tuple[Variant, ...]:
    """`direct`, for numbers of which a transform would spread inf or NaN over the block."""
    if 0 in call.spec.output_shape:
        return ()
    plan = cache(partial(_direct, call, make))
    return (
        Variant(
            reason="weight holds inf or NaN",
            holds=lambda src, weights: not weights.finite,
            plan=plan,
            reads_input=False,
            late=False,
        ),
        Variant(
            reason="input holds inf or NaN, or transforms overflow",
            holds=lambda src, weights: not is_finite(src),
            plan=plan,
            reads_input=True,
            late=True,
        ),
    )


def _direct(call: Call, make: Callable[[Call], Plan]) -> Plan:
    """The plan of `direct`, for any weights."""
    plan = make(replace(call, algorithm="direct", of_settings=False))
    for variant in plan._engine.variants:
        if variant.late:
            plan = variant.plan()
    refused = tuple(pair for pair in plan.refused if pair[0] != "fft")
    return plan._with_variants(())._replace(refused=(*refused, ("fft", "inf or NaN would spread")))


def candidate(call: Call) -> Candidate:
    """The best blocks."""
    if 0 in call.spec.output_shape:
        return Candidate(0.0, partial(idle, call))
    found = Transforms(call)
    return Candidate(found.blocks.cost, partial(_part, call, found))


def _part(call: Call, found: Transforms) -> Part:
    spec, blocks, last = call.spec, found.blocks, found.last
    copies = ["input: blocks of the size of transforms"]
    copies += ["weight: whole, as spectra"] * (not call.prepared)
    copies += ["out: whole, as sums"] * (last is not None)
    return Part(
        engine=make_engine(
            call,
            found.run,
            pack=found.pack,
            packing=("fft", blocks.points, spec.tile_dtype, found.complex),
            memory=PLAN_BYTES + (last.plan._engine.memory if last else 0),
        ),
        isa="scipy.fft",
        threads=max(found.workers, last.plan.threads if last else 1),
        tasks=found.chunks,
        scratch_bytes=blocks.scratch_bytes,
        copies=tuple(copies),
        steps=(_told(blocks, spec), *["epilogue"] * (last is not None)),
    )


def _told(blocks: Blocks, spec: ConvSpec) -> str:
    """The blocks, in words."""
    along = blocks.along[3 - spec.rank :]
    count = prod(part.blocks for part in along)
    points, outputs = ("x".join(map(str, sizes)) for sizes in zip(
        *((part.points, part.outputs) for part in along), strict=True
    ))  # fmt: skip
    together = f"{blocks.together} at a time, " * (count > 1)
    together += f"{blocks.images} images at a time, " * (spec.batch > 1)
    size = f"{blocks.scratch_bytes / 2**20:.1f} MiB"
    return f"{count} block{'s' * (count != 1)} of {points} -> {outputs}, {together}in {size}"


@dataclass(frozen=True)
class Transforms:
    """What runs."""

    call: Call

    @cached
    def fft(self) -> Any:
        """The module scipy.fft."""
        try:
            from scipy import fft
        except ImportError as error:
            needs = f"{self.call.spec.name}: algorithm 'fft' needs SciPy"
            raise ImportError(f"{needs}: pip install 'fastconv[scipy]'") from error
        return fft

    @cached
    def complex(self) -> bool:
        """Whether input and weight are complex."""
        return all(components(dtype) == 2 for dtype in self.call.dtypes[:2])

    @cached
    def dtype(self) -> np.dtype:
        """Of what is transformed."""
        tile = self.call.spec.tile_dtype
        return np.result_type(tile, np.complex64) if self.complex else tile

    @cached
    def blocks(self) -> Blocks:
        """How the convolution is cut."""
        assert self.fft  # or else an error says what is missing
        return blocks_of(self.call.spec, 1 + self.complex, self.dtype.itemsize)

    @cached
    def last(self) -> Finish | None:
        """What makes the output of the sums; None: they are the output."""
        spec = self.call.spec
        if spec.epilogue._replace(saturate=False) == Epilogue() and spec.dtype == spec.sum_dtype:
            return None
        return finish(self.call, spec.output_shape)

    @cached
    def workers(self) -> int:
        """Threads of a transform."""
        blocks, spec = self.blocks, self.call.spec
        size = blocks.together * blocks.images * prod(blocks.spectrum) * spec.groups
        most = size * min(spec.c_in, spec.c_out) // costs.FFT_POINTS_PER_THREAD
        return max(1, min(self.call.threads, most))

    @cached
    def chunks(self) -> int:
        """How often some blocks are transformed together."""
        spec, blocks = self.call.spec, self.blocks
        count = prod(part.blocks for part in blocks.along)
        return -(-spec.batch // blocks.images) * -(-count // blocks.together)

    # ---- a call --------------------------------------------------------------------------------

    def run(self, src, wei, packed, bias, residual, dst) -> bool:
        """Convolve; `packed` is what `pack` returned."""
        spec = self.call.spec
        sums = dst if self.last is None else np.empty(spec.output_shape, spec.sum_dtype)
        with np.errstate(all="ignore"):
            spectra = self.spectra(wei) if packed is None else packed
            for number, (read, value, write) in enumerate(self._parts(src, sums)):
                if not self._convolve(read, value, spectra[number % len(spectra)], write):
                    return False
        if self.last is not None:
            self.last.run(sums, bias, residual, dst)
        return True

    def pack(self, weights: Weights) -> tuple[np.ndarray, ...]:
        """The weights of a layer."""
        with np.errstate(all="ignore"):
            return self.spectra(weights.array)

    def spectra(self, weight: np.ndarray) -> tuple[np.ndarray, ...]:
        """That of a weight, or those of its real and its imaginary part: (group, output channel,
        input channel, *points), conjugate."""
        spec = self.call.spec
        several = not self.complex and components(weight.dtype) == 2
        return tuple(
            self._spectrum(spec, part)
            for part in ((weight.real, weight.imag) if several else (weight,))
        )

    def _spectrum(self, spec: ConvSpec, weight: np.ndarray) -> np.ndarray:
        groups = spec.groups
        if spec.c_out == 1 and not weight.strides[0]:  # all have the same
            weight, groups = weight[:1], 1
        taps = np.zeros((groups, spec.c_out, spec.c_in, *(a.span for a in spec.axes)), self.dtype)
        each = tuple(slice(None, None, axis.dilation) for axis in spec.axes)
        taps[..., *each] = weight.reshape(*taps.shape[:3], *spec.kernel)
        if self.complex:
            taps = np.conjugate(taps, out=taps)
        found = self._forward(taps)
        return np.conjugate(found, out=found)

    def _forward(self, array: np.ndarray) -> np.ndarray:
        transform = self.fft.fftn if self.complex else self.fft.rfftn
        axes = tuple(at - 3 for at in self.blocks.transformed)
        return transform(array, self.blocks.points, axes, workers=self.workers)

    def _backward(self, array: np.ndarray) -> np.ndarray:
        transform = self.fft.ifftn if self.complex else self.fft.irfftn
        axes = tuple(at - 3 for at in self.blocks.transformed)
        return transform(array, self.blocks.points, axes, overwrite_x=True, workers=self.workers)

    def _parts(self, src: np.ndarray, sums: np.ndarray) -> Iterator[tuple]:
        """Arrays of real numbers, or the complex ones themselves, and the border's value, as
        (batch, group, channel, *axes)."""
        spec, value = self.call.spec, self.call.spec.border_value
        sizes = tuple(axis.n for axis in spec.axes)
        read = _canonical(spec, src, spec.c_in, sizes)
        write = _canonical(spec, sums, spec.c_out, spec.outputs)
        if self.complex or spec.components == 1:
            yield read, value, write
        elif spec.apart:
            yield read.real, complex(value).real, write.real
            yield read.imag, complex(value).imag, write.imag
        elif components(self.call.dtypes[1]) == 2:
            yield read, value, write.real
            yield read, value, write.imag
        else:
            write.imag[...] = 0
            yield read, value, write.real

    def _convolve(self, src, value, spectrum, dst) -> bool:
        """All blocks; False if sums are inf or NaN."""
        spec, blocks = self.call.spec, self.blocks
        sizes = (blocks.together, blocks.images, spec.groups, spec.c_in, *blocks.spectrum)
        room = np.empty(sizes, self.dtype)
        inside = tuple(
            slice(None, None, 1 if at in blocks.transformed else axis.stride)
            for at, axis in enumerate(spec.axes)
        )
        cuts = [
            [
                (first, min(first + part.outputs, part.axis.outputs))
                for first in range(0, part.axis.outputs, part.outputs)
            ]
            for part in blocks.along
        ]
        places = list(product(*cuts))
        for image in range(0, spec.batch, blocks.images):
            images = slice(image, min(image + blocks.images, spec.batch))
            for start in range(0, len(places), blocks.together):
                some = places[start : start + blocks.together]
                filled = room[: len(some), : images.stop - images.start]
                for block, place in zip(filled, some, strict=True):
                    _fill(spec, block, src[images], value, place)
                sums = self._backward(_product(self._forward(filled[..., *inside]), spectrum))
                if not np.isfinite(sums).all():
                    return False
                for block, place in zip(sums, some, strict=True):
                    _store(spec, block, dst[images], place, blocks.transformed)
        return True


def _canonical(spec: ConvSpec, array: np.ndarray, channels: int, sizes: tuple) -> np.ndarray:
    """A view as (batch, group, channel, *axes)."""
    if spec.channels_last:
        array = np.moveaxis(array, -1, -1 - spec.rank)
    return array.reshape(spec.batch, spec.groups, channels, *sizes)


def _fill(spec: ConvSpec, block: np.ndarray, src: np.ndarray, value: Any, place: tuple) -> None:
    """What the outputs of a place read."""
    block.fill(0)
    to, outside = [], []
    for number, (axis, (first, end)) in enumerate(zip(spec.axes, place, strict=True)):
        _, read, (before, _) = axis.part(first, end)
        if isinstance(read, slice):
            to.append(slice(before, before + read.stop - read.start))
            src = src[(slice(None),) * (3 + number) + (read,)]
            continue
        to.append(slice(0, len(read)))
        border = np.flatnonzero(read < 0)
        if len(border):
            outside.append((number, border))
        if axis.n:
            src = src.take(np.maximum(read, 0), 3 + number)
        else:
            to[-1] = slice(0)
    np.copyto(block[..., *to], src, casting="unsafe")
    if outside:
        lengths = [(end - first - 1) * axis.stride + axis.span
                   for axis, (first, end) in zip(spec.axes, place, strict=True)]  # fmt: skip
        for number, border in outside:
            index = [slice(length) for length in lengths]
            index[number] = border
            block[..., *index] = value


def _store(spec: ConvSpec, sums: np.ndarray, dst: np.ndarray, place: tuple, axes: tuple) -> None:
    """The sums of a place."""
    from_, to = [], []
    for number, (axis, (first, end)) in enumerate(zip(spec.axes, place, strict=True)):
        step = axis.stride if number in axes else 1
        from_.append(slice(0, (end - first - 1) * step + 1, step))
        to.append(slice(first, end))
    np.copyto(dst[..., *to], sums[..., *from_], casting="unsafe")


def _product(spectra: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """sum over input channels of (block, image, group, c_in, ...) and (group, c_out, c_in, ...)."""
    one = spectra.shape[3] == weight.shape[1] == 1
    total = np.multiply(spectra[:, :, :, :1], weight[:, :, 0], out=spectra if one else None)
    if spectra.shape[3] > 1:
        more = np.empty_like(total)
        for channel in range(1, spectra.shape[3]):
            at = slice(channel, channel + 1)
            np.multiply(spectra[:, :, :, at], weight[:, :, channel], out=more)
            total += more
    return total
