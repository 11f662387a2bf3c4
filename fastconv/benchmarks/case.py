# SPDX-License-Identifier: BSD-3-Clause
"""One call that is timed: what it is, what of it is special, and how it is named."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .kinds import KINDS, Kind
from .operations import BORDERS, OPERATIONS, SCIPY, Operation, pairs
from .scipy_calls import ROUNDED
from .unweighted import windows_along

__all__ = [
    "ACTIVATIONS", "BORDERS", "KINDS", "Case", "Kind", "conv", "image_filter", "transposed",
    "unweighted", "variant",
]  # fmt: skip

ACTIVATIONS = ("relu", "gelu", "silu", "sigmoid", "tanh", "hardswish")


@dataclass(frozen=True, slots=True)
class Case:
    """One call of a public function of fastconv, with a bias if it is no filter.

    `shapes` are those of input and weight, channels first whatever the layout; a filter has one
    image and (1, 1, *kernel), a function without weights (1, 1, *window). `words` are the keywords
    of the function, one value an axis where it takes such. `tags` say what else there is:
    "residual", an array to add.
    """

    name: str
    op: str
    shapes: tuple[tuple[int, ...], ...]
    words: dict[str, Any] = field(hash=False)
    dtype: str = "float32"  # of the input
    tags: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """The function, whatever the number of axes; one of SciPy's as it is."""
        return re.sub(r"^(\w+)\dd$", r"\1", self.op)

    @property
    def operation(self) -> Operation:
        """What the benchmark knows of it."""
        return OPERATIONS[self.family]

    @property
    def group(self) -> str:
        """What the case is timed and listed among, see `groups.py`."""
        if self.family in SCIPY:
            return "scipy"
        if self.operation.image:
            return "filters"
        if self.operation.second != "weight":
            return "pooling"
        if self.family == "conv_transpose":
            return "transposed"
        if self.groups > 1:
            return "depthwise"
        return "features" if self.features else "dense"

    @property
    def rank(self) -> int:
        return len(self.shapes[1]) - 2

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.shapes[0]

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return self.shapes[1]

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self.operation.output_shape(self.shapes, self.words)

    @property
    def batch(self) -> int:
        return self.input_shape[0]

    @property
    def c_in(self) -> int:
        return self.input_shape[1]

    @property
    def c_out(self) -> int:
        return self.output_shape[1]

    @property
    def spatial(self) -> tuple[int, ...]:
        return self.input_shape[2:]

    @property
    def output_spatial(self) -> tuple[int, ...]:
        return self.output_shape[2:]

    @property
    def kernel(self) -> tuple[int, ...]:
        return self.weight_shape[2:]

    @property
    def stride(self) -> tuple[int, ...]:
        return self.words.get("stride", (1,) * self.rank)

    @property
    def padding(self) -> tuple[Any, ...]:
        """A number or (before, after) on each axis, see `pads`."""
        return self.words.get("padding", (0,) * self.rank)

    @property
    def pads(self) -> tuple[tuple[int, int], ...]:
        return pairs(self.padding)

    @property
    def dilation(self) -> tuple[int, ...]:
        return self.words.get("dilation", (1,) * self.rank)

    @property
    def groups(self) -> int:
        return self.words.get("groups", 1)

    @property
    def channels_last(self) -> bool:
        return self.words.get("channels_last", False)

    @property
    def padding_mode(self) -> str:
        return self.words.get("padding_mode", self.operation.border)

    @property
    def activation(self) -> str | None:
        return self.words.get("activation")

    @property
    def residual(self) -> bool:
        return "residual" in self.tags

    @property
    def kind(self) -> Kind:
        return KINDS[self.dtype]

    @property
    def tolerance(self) -> float:
        """The largest error of ours, see `Kind`; 0 where the bits must be those of SciPy."""
        exact = self.group == "scipy" and "precision" not in self.words
        return 0 if exact and self.family not in ROUNDED else self.kind.tolerance

    @property
    def peak(self) -> str:
        """The dtype whose FMA peak bounds the speed: `scipy.ndimage` computes in float64."""
        double = self.op.startswith("ndimage.") and "precision" not in self.words
        return "float64" if double else self.kind.peak

    @property
    def flops(self) -> int:
        """Nominal: two per multiply-add (complex: eight), taps on padding included."""
        each = 8 if self.kind.exact == "complex128" else 2
        return each * self.operation.macs(self.shapes, self.words)

    @property
    def nbytes(self) -> int:
        """Of input, weight, indices, residual and result: what a call reads and writes at least."""
        weighted = self.operation.second == "weight" and not self.operation.image
        weights = math.prod(self.weight_shape) if weighted else 0
        indices = math.prod(self.output_shape) if self.words.get("return_indices") else 0
        indices += math.prod(self.input_shape) if self.operation.second == "indices" else 0
        parts = [
            (self.dtype, math.prod(self.input_shape)),
            (self.kind.weight, weights + self.residual * math.prod(self.output_shape)),
            (self.kind.result, math.prod(self.output_shape)),
            ("int64", indices),
        ]
        return sum(np.dtype(dtype).itemsize * size for dtype, size in parts)

    @property
    def channels(self) -> int:
        """The smaller channel number of one group."""
        return min(self.c_in, self.c_out) // self.groups

    @property
    def pointwise(self) -> bool:
        return math.prod(self.kernel) == 1

    @property
    def epilogue(self) -> str:
        """What is done to the sums."""
        return " ".join(filter(None, ("residual" * self.residual, self.activation)))

    @property
    def features(self) -> frozenset[str]:
        """What a library must offer beyond zero padding and a bias in float32 and float64."""
        if self.family in SCIPY:
            return frozenset()
        words = {*self.epilogue.split(), self.padding_mode, self.dtype}
        words |= {"channels_last"} if self.channels_last else set()
        return frozenset(words - {self.operation.border, "float32", "float64"})

    @property
    def plain(self) -> Case:
        """The same shape without any of them."""
        return dataclasses.replace(
            self, name=f"{self.name}, plain", words=self.params, dtype=self.kind.plain, tags=()
        )

    @property
    def params(self) -> dict[str, Any]:
        """The keywords that `torch.nn.functional` has, too."""
        return {name: self.words[name] for name in self.operation.params}

    @property
    def keywords(self) -> dict[str, Any]:
        """Those of fastconv, but `residual`, which is an array."""
        return {**self.words, **self.kind.words}

    def to_dict(self) -> dict:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, fields: dict) -> Case:
        """Undo `to_dict`, also after JSON has made lists of the tuples."""

        def tuples(value: Any) -> Any:
            return tuple(map(tuples, value)) if isinstance(value, list) else value

        words = {name: tuples(value) for name, value in fields["words"].items()}
        return cls(**{name: tuples(value) for name, value in fields.items()} | {"words": words})


def conv(
    c_in: int,
    spatial: int | Sequence[int],
    c_out: int,
    kernel: Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | None = None,
    dilation: int | Sequence[int] = 1,
    batch: int = 1,
    groups: int = 1,
    **features: str | bool,
) -> Case:
    """A case named by its shape and `features`, words of `variant`.

    Padding defaults to the one that keeps an odd kernel centred.
    """
    rank = len(kernel)
    spatial, stride, dilation = (axes(value, rank) for value in (spatial, stride, dilation))
    if padding is None:
        padding = [d * (k // 2) if k % 2 else 0 for k, d in zip(kernel, dilation, strict=True)]
    padding = axes(padding, rank)
    name = named(c_in, spatial, c_out, kernel, stride, dilation)
    name += f" g{groups}" * (groups > 1) + f" N{batch}" * (batch > 1)
    name += " causal" * any(before and not after for before, after in pairs(padding))
    words = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    shapes = ((batch, c_in, *spatial), (c_out, c_in // groups, *kernel))
    return variant(Case(name, f"conv{rank}d", shapes, words), **features)


def transposed(
    c_in: int,
    spatial: int | Sequence[int],
    c_out: int,
    kernel: Sequence[int],
    *,
    stride: int,
    padding: int = 0,
    output_padding: int = 0,
    **features: str | bool,
) -> Case:
    """The same of a transposed convolution, whose padding is cropped."""
    rank = len(kernel)
    words = {"stride": stride, "padding": padding, "dilation": 1, "output_padding": output_padding}
    words = {word: axes(value, rank) for word, value in words.items()} | {"groups": 1}
    spatial = axes(spatial, rank)
    name = named(c_in, spatial, c_out, kernel, words["stride"], words["dilation"])
    shapes = ((1, c_in, *spatial), (c_in, c_out, *kernel))
    made = Case(f"{name} T", f"conv_transpose{rank}d", shapes, words)
    return variant(made, **features)


def image_filter(
    channels: int, sizes: int | Sequence[int], kernel: Sequence[int], op: str, **features: str
) -> Case:
    """One image and one kernel for all of its channels: `filter2d` or `separable_filter`."""
    sizes = axes(sizes, len(kernel))
    name = named(channels, sizes, None, kernel) + f" {op.removesuffix('_filter')}"
    shapes = ((1, channels, *sizes), (1, 1, *kernel))
    return variant(Case(name.replace("filter2d", "filter"), op, shapes, {}), **features)


def unweighted(
    op: str,
    channels: int,
    sizes: int | Sequence[int],
    window: Sequence[int],
    text: str,
    *,
    batch: int = 1,
    **words: Any,
) -> Case:
    """A function without weights; `text` is the rest of its name."""
    spatial = axes(sizes, len(window))
    shapes = ((batch, channels, *spatial), (1, 1, *window))
    if op == "fold":
        count = math.prod(windows_along(spatial, words))
        shapes = ((batch, channels * math.prod(window), count), shapes[1])
    last = {"channels_last": True} if words.pop("channels_last", False) else {}
    size = named(channels, spatial, None, window).partition(" ")[0]
    name = f"{size} {text}" + f" N{batch}" * (batch > 1)
    return variant(Case(name, op, shapes, words), **last)


def pooling(
    op: str,
    channels: int,
    sizes: int | Sequence[int],
    window: Sequence[int],
    *,
    stride: int = 1,
    padding: int = 0,
    indices: bool = False,
    **words: Any,
) -> Case:
    """`max_pool2d` and the like."""
    rank = len(window)
    said = {"kernel_size": tuple(window), "stride": (stride,) * rank, "padding": (padding,) * rank}
    said |= {"return_indices": indices} if op.startswith("max") else {}
    text = named(0, (0,), None, window, said["stride"]).partition(" ")[2]
    text += f" {op.partition('_')[0]}" + " indices" * indices
    return unweighted(op, channels, sizes, window, text, **said, **words)


def axes(value: int | Sequence[Any], rank: int) -> tuple[Any, ...]:
    """One value an axis."""
    return (value,) * rank if isinstance(value, int) else tuple(value)


def named(
    c_in: int,
    spatial: tuple[int, ...],
    c_out: int | None,
    kernel: Sequence[int],
    stride: tuple[int, ...] = (1,),
    dilation: tuple[int, ...] = (1,),
) -> str:
    """How names begin: "64@56->64 3x3s2"; without an arrow where there are no output channels."""

    def sizes(values: Sequence[int]) -> str:
        return "x".join(map(str, values))

    square = len(kernel) == 2 and len(set(spatial)) == 1
    name = f"{c_in}@{spatial[0] if square else sizes(spatial)}"
    name += " " if c_out is None else f"->{c_out} "
    name += f"k{kernel[0]}" if len(kernel) == 1 else sizes(kernel)
    if set(stride) != {1}:
        name += f"s{stride[0]}" if len(set(stride)) == 1 else f" s{sizes(stride)}"
    if set(dilation) != {1}:
        name += f" d{dilation[0]}" if len(set(dilation)) == 1 else f" d{sizes(dilation)}"
    return name


def variant(
    case: Case, *, dtype: str | None = None, residual: bool = False, **words: str | bool
) -> Case:
    """A plain case with what its name tells then: "64@56->64 3x3 NHWC"."""
    made = dataclasses.replace(
        case,
        dtype=dtype or case.dtype,
        words=case.words | words,
        tags=case.tags + ("residual",) * residual,
    )
    said = [case.name, made.kind.short]
    said += [("NLC", "NHWC", "NDHWC")[made.rank - 1]] if made.channels_last else []
    said += [made.padding_mode] if made.padding_mode != made.operation.border else []
    said += [f"+{made.epilogue}"] if made.epilogue else []
    return dataclasses.replace(made, name=" ".join(filter(None, said)))
