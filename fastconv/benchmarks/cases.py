# SPDX-License-Identifier: BSD-3-Clause
"""The shapes that are timed and tested, their operands and their true results."""

from __future__ import annotations

import dataclasses
import fnmatch
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["CASES", "QUICK", "Case", "conv", "operands", "random_cases", "select", "truth"]

# Largest error accepted, relative to the largest true output: well above float32 rounding at
# K = 4608 (about 5e-6) and well below what bfloat16 or TF32 arithmetic leaves (2e-4 and more).
TOLERANCE = {"float32": 2e-5, "float64": 1e-12}


@dataclass(frozen=True, slots=True)
class Case:
    """One convolution: NCHW input, OIHW weight, a bias, zero padding `padding` on both sides."""

    name: str
    rank: int
    batch: int
    c_in: int
    c_out: int
    spatial: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    dtype: str

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.batch, self.c_in, *self.spatial)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.c_out, self.c_in // self.groups, *self.kernel)

    @property
    def output_spatial(self) -> tuple[int, ...]:
        axes = zip(self.spatial, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in axes)

    @property
    def output_shape(self) -> tuple[int, ...]:
        return (self.batch, self.c_out, *self.output_spatial)

    @property
    def flops(self) -> int:
        """Nominal: two per multiply-add, taps on padding included."""
        return 2 * math.prod(self.output_shape) * math.prod(self.weight_shape[1:])

    @property
    def channels(self) -> int:
        """The smaller channel number of one group."""
        return min(self.c_in, self.c_out) // self.groups

    @property
    def pointwise(self) -> bool:
        return math.prod(self.kernel) == 1

    @property
    def params(self) -> dict:
        """The keywords of `fastconv.conv2d` and of `torch.nn.functional.conv2d`."""
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }

    def to_dict(self) -> dict:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, fields: dict) -> Case:
        """Undo `to_dict`, also after JSON has made lists of the tuples."""
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})


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
    dtype: str = "float32",
) -> Case:
    """A case named by its shape. Padding defaults to the one that keeps an odd kernel centred."""
    rank = len(kernel)

    def axes(value: int | Sequence[int]) -> tuple[int, ...]:
        return (value,) * rank if isinstance(value, int) else tuple(value)

    spatial, stride, dilation = axes(spatial), axes(stride), axes(dilation)
    if padding is None:
        padding = [d * (k // 2) if k % 2 else 0 for k, d in zip(kernel, dilation, strict=True)]

    def sizes(values: tuple[int, ...]) -> str:
        return "x".join(map(str, values))

    square = rank == 2 and len(set(spatial)) == 1
    name = f"{c_in}@{spatial[0] if square else sizes(spatial)}->{c_out} "
    name += f"k{kernel[0]}" if rank == 1 else sizes(tuple(kernel))
    if set(stride) != {1}:
        name += f"s{stride[0]}" if len(set(stride)) == 1 else f" s{sizes(stride)}"
    if set(dilation) != {1}:
        name += f" d{dilation[0]}" if len(set(dilation)) == 1 else f" d{sizes(dilation)}"
    name += f" g{groups}" * (groups > 1) + f" N{batch}" * (batch > 1)
    name += " f64" * (dtype == "float64")
    return Case(
        name, rank, batch, c_in, c_out, spatial, tuple(kernel), stride, axes(padding), dilation,
        groups, dtype,
    )  # fmt: skip


_FLOAT32 = (
    conv(3, 224, 64, (7, 7), stride=2),
    conv(64, 56, 64, (1, 1)),
    conv(64, 56, 64, (3, 3)),
    conv(64, 56, 256, (1, 1)),
    conv(256, 56, 512, (1, 1), stride=2),
    conv(128, 28, 128, (3, 3)),
    conv(128, 28, 128, (3, 3), batch=16),
    conv(128, 56, 128, (3, 3), stride=2),
    conv(256, 14, 256, (3, 3)),
    conv(1024, 14, 256, (1, 1)),
    conv(512, 7, 512, (3, 3)),
    conv(64, 224, 64, (3, 3)),
    conv(3, 227, 64, (11, 11), stride=4, padding=2),
    conv(256, 33, 256, (3, 3), dilation=12),
    conv(3, 512, 16, (3, 3)),
    conv(16, 32, 16, (3, 3), batch=32),
    conv(37, (61, 47), 53, (3, 5)),
    conv(64, 16384, 64, (9,)),
    conv(128, 16384, 128, (2,), dilation=64),
    conv(512, 1600, 512, (3,), stride=2),
    conv(32, 32, 32, (3, 3, 3)),
    conv(3, (8, 112, 112), 64, (3, 7, 7), stride=(1, 2, 2)),
    conv(1, (1080, 1920), 1, (3, 3)),
    conv(1, (1080, 1920), 1, (5, 5)),
    conv(1, (1080, 1920), 1, (7, 5)),
    conv(1, (1080, 1920), 1, (9, 9)),
)

CASES: tuple[Case, ...] = _FLOAT32 + tuple(
    dataclasses.replace(case, name=f"{case.name} f64", dtype="float64") for case in _FLOAT32[:10]
)

QUICK = (
    "3@224->64 7x7s2",
    "64@56->64 3x3",
    "256@14->256 3x3",
    "1024@14->256 1x1",
    "1@1080x1920->1 5x5",
    "64@56->64 3x3 f64",
)


def select(
    cases: Iterable[Case], patterns: Sequence[str] = (), dtype: str | None = None
) -> list[Case]:
    """The cases whose name matches one of the globs (no glob: all) and that have this dtype."""
    return [
        case
        for case in cases
        if (not patterns or any(fnmatch.fnmatchcase(case.name, p) for p in patterns))
        and dtype in (None, case.dtype)
    ]


def random_cases(seed: int, count: int = 20, dtype: str = "float32") -> list[Case]:
    """Two-dimensional cases with log-uniform sizes, of 0.05 to 2 GFLOP each."""
    rng = np.random.default_rng(seed)

    def log_uniform(low: int, high: int) -> int:
        return int(math.exp(rng.uniform(math.log(low), math.log(high + 1))))

    found: dict[str, Case] = {}
    while len(found) < count:
        side = int(rng.choice([1, 3, 5, 7]))
        case = conv(
            log_uniform(1, 512),
            (log_uniform(7, 256), log_uniform(7, 256)),
            log_uniform(1, 512),
            (side, side),
            stride=int(rng.integers(1, 3)),
            batch=log_uniform(1, 8),
            dtype=dtype,
        )
        if 5e7 <= case.flops <= 2e9 and math.prod(case.input_shape) <= 1 << 23:
            found.setdefault(case.name, case)
    return list(found.values())


def operands(case: Case, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Input, weight and bias: normal, the weight scaled so that outputs are of order one."""
    rng = np.random.default_rng(seed)
    weight = rng.standard_normal(case.weight_shape, case.dtype)
    weight /= np.asarray(math.sqrt(math.prod(case.weight_shape[1:])), case.dtype)
    bias = rng.standard_normal(case.c_out, case.dtype)
    return rng.standard_normal(case.input_shape, case.dtype), weight, bias


def truth(case: Case, x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The result in float64: one matrix product per tap, nothing of fastconv in it."""
    border = [(p, p) for p in case.padding]
    x = np.pad(x.astype(np.float64), [(0, 0), (0, 0), *border])
    x = x.reshape(case.batch, case.groups, -1, *x.shape[2:])
    w = w.astype(np.float64).reshape(case.groups, -1, *case.weight_shape[1:])
    out = case.output_spatial
    y = np.zeros((case.batch, case.groups, w.shape[1], math.prod(out)))
    for tap in itertools.product(*map(range, case.kernel)):
        at = tuple(
            slice(t * d, t * d + s * (n - 1) + 1, s)
            for t, d, s, n in zip(tap, case.dilation, case.stride, out, strict=True)
        )
        seen = x[(..., *at)].reshape(*x.shape[:3], -1)
        if seen.shape[2] == 1:  # a product with one channel is no matter for BLAS
            y += w[(..., *tap)] * seen
        else:
            y += w[(..., *tap)] @ seen
    return y.reshape(case.output_shape) + b.astype(np.float64).reshape(-1, *[1] * case.rank)
