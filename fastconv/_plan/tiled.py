# SPDX-License-Identifier: BSD-3-Clause
"""What is known about the arrays before anything is chosen, a `Work` for the schedules; and what
the core runs once a schedule is chosen, a `Problem`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import gcd, prod
from typing import Any

import numpy as np

from .._core import table
from .._core.conv import Problem
from .._spec.axis import Axis
from .._spec.conv import ConvSpec
from .._spec.dtypes import TOTALS
from . import constants as costs
from . import machine
from .cached import cached
from .epilogue import KernelEpilogue, kernel_epilogue
from .layout import Layout
from .plan import Plan, epilogue_words, pack_words
from .work import Copying, Machine, Schedule, Work, axes_of, blocks_of, trimmable


@dataclass(frozen=True, slots=True)
class Arrays:
    """How the arrays of a call lie in memory."""

    src: Layout
    wei: Layout | None  # of an operation that has weights
    dst: Layout  # seen from the dtype of sums
    residual: Layout | None = None
    residual_is_out: bool = False

    def converted(self) -> Arrays:
        """The same for tiles of a dtype that neither input nor weight has."""
        return replace(
            self, src=replace(self.src, native=False), wei=replace(self.wei, native=False)
        )

    def components(self) -> Arrays:
        """The same for the real, or the imaginary, parts of all but the weights."""
        return replace(
            self,
            src=self.src.component(),
            dst=self.dst.component(),
            residual=self.residual and self.residual.component(),
        )

    def moved_bytes(self, spec: ConvSpec) -> int:
        """Input, weight, output and residual, each once."""
        sizes = [(self.src, spec.input_shape)]
        sizes += [(self.wei, spec.weight_shape)] if self.wei else []
        sizes += [(self.dst, spec.output_shape)] * (2 if self.residual else 1)
        return sum(layout.itemsize * prod(shape) for layout, shape in sizes)


@dataclass(frozen=True)
class Call:
    """What a plan is made for."""

    spec: Any  # of any family
    arrays: Arrays
    dtypes: tuple[np.dtype, np.dtype, np.dtype | None]  # of input, weight and residual
    algorithm: str  # a name or "auto"
    of_settings: bool  # it is that of `settings`, as the call does not name one
    isa: str
    threads: int
    shared: bool  # concurrent calls divide the threads among them
    prepared: bool  # the weights come packed
    convolve: Callable[..., np.ndarray]  # `execute`, for plans that need other convolutions
    make: Callable[[Call], Plan]  # plans a call, for plans of several in a row
    far: tuple[bool | None, bool | None] = (None, None)  # of input and output, where these are
    # parts of larger arrays: whether those lie beyond the second level of the cache
    copies: tuple[str, ...] = ()  # of whole arrays, made before, in words

    @property
    def moved_bytes(self) -> int:
        """All arrays, each once."""
        return self.arrays.moved_bytes(self.spec)

    def pack_words(self) -> str:
        """What happens to input and weight on their way to the tiles, in words."""
        return pack_words(self.spec, self.dtypes)

    def epilogue_words(self) -> str:
        """What is done to sums, and what they become, in words."""
        return epilogue_words(self.spec)

    @cached
    def components(self) -> Arrays:
        """The arrays as tiles see them."""
        return self.arrays.components() if self.spec.apart else self.arrays

    @cached
    def kernel_epilogue(self) -> KernelEpilogue:
        """What becomes of sums."""
        spec, arrays = self.spec, self.components
        return kernel_epilogue(spec.epilogue, spec.arithmetic, arrays.dst, arrays.residual)

    @property
    def bias_dtype(self) -> np.dtype:
        """What the kernel that adds a bias reads."""
        return TOTALS[self.kernel_epilogue.dtype]

    @cached
    def work(self) -> Work:
        """The work for tiles."""
        return analyse(self)


def analyse(call: Call) -> Work:
    """The work of a call for tiles."""
    spec, arrays, epilogue = call.spec, call.components, call.kernel_epilogue
    src, wei, dst = arrays.src, arrays.wei, arrays.dst
    lanes, rows = table.tile_rows(call.isa, spec.arithmetic.tile)
    level2 = machine.caches()["L2"]
    budget = max(costs.SCRATCH_LEAST, int(level2 * costs.SCRATCH_SHARE))
    itemsize = spec.tile_dtype.itemsize
    real = replace(
        spec,
        groups=spec.groups * (2 if spec.apart else 1),
        c_in=spec.c_in * src.components,
        c_out=spec.c_out * dst.components,
    )
    blocks = blocks_of(real.c_in, spec.kernel, src.components)
    axes = (Axis(spec.batch), *spec.axes)
    width = axes[3]
    # A tile of many multiply-adds a step waits neither for the second level nor between runs.
    patient = 2 * rows * lanes * itemsize >= costs.PATIENT_BYTES
    channels = blocks.size // spec.taps  # of a block
    trims = patient or channels > costs.SHORT_RUN
    # Elements from one pixel to the next: 1, and they can be read as vectors.
    copied = (width.stride if width.outputs > 1 else 1) * src.strides[4] / src.component_bytes
    step = copied if width.outputs > 1 else 1
    # Channels lie side by side, and so do their components; of a border, all are alike.
    contiguous = src.strides[1] == src.itemsize
    contiguous = contiguous and (src.components == 1 or not spec.reads_constant)
    readable = (
        src.native
        and (src.components == 1 or contiguous)
        and not any(axis.reads_border for axis in axes)
    )
    if contiguous:
        clear = not _collide(int(step) * itemsize, rows)
    else:
        clear = step in (1, 2) and not _crowds(src, channels, level2)
        clear = clear and (patient or not _aliases(src))
    side_by_side = _contiguous(spec, dst)
    padded = any(axis.pads for axis in axes)
    left_out = not padded or (trims and trimmable(width))
    return Work(
        spec=real,
        axes=axes,
        machine=Machine(call.isa, lanes, rows, call.threads, level2, budget),
        panels=False,
        in_place=readable and step == 1 and not padded and not _aliases(src),
        regions_in_place=readable and clear and left_out,
        trims=trims,
        contiguous=side_by_side,
        in_place_store=side_by_side if _in_place_store(spec, arrays) else (),
        simple=(epilogue.simple and dst.native) or (epilogue.pairs and epilogue.moved),
        copying=Copying(copied, not src.native, _transposes(spec, src)),
        channels_first=not contiguous or (step != real.c_in and real.c_in < lanes),
        wei_direct=_packs_as_it_lies(spec, wei, dst),
        padded=padded,
        components=dst.components,
        prepared=call.prepared,
        blocks=blocks,
        kernel=real.kernel,
        taps=real.taps,
        far_src=_is_far(call.far[0], real.input_shape, itemsize, level2),
        far_dst=_is_far(call.far[1], real.output_shape, itemsize, level2),
    )


def _is_far(known: bool | None, shape: tuple[int, ...], itemsize: int, level2: int) -> bool:
    """Whether an array lies beyond the second level of the cache, if it is not known."""
    return prod(shape) * itemsize > level2 if known is None else known


def _transposes(spec: ConvSpec, src: Layout) -> bool:
    """Whether a strip [channel][pixel] is a transposed part of the input."""
    side_by_side = src.strides[1] == src.itemsize and src.strides[4] != src.itemsize
    return src.native and src.components == 1 and side_by_side and spec.c_in >= costs.ACROSS


def _packs_as_it_lies(spec: ConvSpec, wei: Layout, dst: Layout) -> bool:
    """Whether weights, with all their components, can be packed into panels as they lie: those of
    float32 in pairs, as if these were of float64."""
    whole = wei.components == dst.components and (
        wei.components == 1 or spec.arithmetic.tile == "f"
    )
    whole = whole and all(stride % wei.itemsize == 0 for stride in wei.strides)
    return wei.native and whole and wei.step(spec.c_in, spec.kernel) == wei.itemsize


def _contiguous(spec: ConvSpec, dst: Layout) -> tuple[str, ...]:
    """Orientations whose vectors lie side by side in the output."""
    steps = {"pixels": dst.strides[4], "channels": dst.strides[1]}
    if spec.axes[2].outputs == 1:
        steps["pixels"] = dst.component_bytes  # rows of one pixel may have any step
    if dst.components == 2:  # parts of a channel lie between pixels, and are channels side by side
        steps = {"channels": dst.strides[1] // 2}
    return tuple(name for name, step in steps.items() if step == dst.component_bytes)


def _in_place_store(spec: ConvSpec, arrays: Arrays) -> bool:
    """Whether tiles may write the output: sums are as it is stored, and nothing is read from it."""
    return arrays.dst.native and not spec.reads_out and not arrays.residual_is_out


def _aliases(layout: Layout) -> bool:
    """Channels a multiple of 4 KiB apart share one set of the first-level cache."""
    return layout.strides[1] % costs.ALIAS_BYTES == 0


def _crowds(layout: Layout, channels: int, level2: int) -> bool:
    """Whether the channels of a block fill more than half of some sets of the second level."""
    way = level2 // costs.WAYS
    sets = way // gcd(layout.strides[1], way)  # that hold an element of each channel
    return channels > sets * costs.WAYS / 2


def _collide(pixel_bytes: int, rows: int) -> bool:
    """Whether the pixels of a tile need more lines of a set of the first level than it has."""
    sets = costs.ALIAS_BYTES // gcd(pixel_bytes, costs.ALIAS_BYTES)
    return rows > sets * costs.WAYS


def as_tile_bytes(spec: ConvSpec, value: complex) -> tuple[bytes, bytes]:
    """The components of a number of a border as tiles read them, in eight bytes each."""
    both = (value.real, value.imag)
    if spec.tile_dtype.kind == "i":  # integers wrap
        return tuple((part % 2**64).to_bytes(8, sys.byteorder) for part in both)
    with np.errstate(over="ignore"):  # of a border between passes, which becomes inf as sums do
        return tuple(np.array(part, spec.tile_dtype).tobytes().ljust(8, b"\0") for part in both)


def make_problem(
    work: Work,
    arrays: Arrays,
    schedule: Schedule,
    epilogue: KernelEpilogue,
    kind: type[Problem] = Problem,
    **more,
) -> Problem:
    """What the core runs; some kinds are told `more`."""
    spec, dst = work.spec, arrays.dst
    return kind(
        isa=work.machine.isa,
        dtype=spec.arithmetic.tile,
        axes=axes_of(spec),
        cuts=schedule.cuts,
        separate=schedule.separate,
        groups=spec.groups,
        c_in=spec.c_in,
        c_out=spec.c_out,
        block_k=work.blocks.size,
        block_taps=work.blocks.windows,
        enclosing=work.blocks.enclosing,
        src=arrays.src,
        dst=dst,
        residual=arrays.residual or dst,
        wei=arrays.wei,
        border_values=as_tile_bytes(spec, spec.border_value),
        epilogue=epilogue,
        in_place_store=schedule.orientation in work.in_place_store,
        dst_steps=dst.native and dst.components == 1,
        dst_native=dst.native and "pixels" in work.contiguous,
        wei_native=work.wei_direct,
        in_place_allowed=not work.copies(schedule),
        channels_first=work.channels_first or not schedule.in_regions,
        across=work.copying.across,
        pixels_wide=schedule.orientation == "pixels",
        width=schedule.width,
        task_panels=schedule.task_panels,
        panel_pixels=schedule.panel,
        padded=work.padded,
        trim_rows=work.trims,
        short_taps=costs.SHORT_RUN,
        component_groups=2 if spec.apart else 1,
        **more,
    )
