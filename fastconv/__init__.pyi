# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Callable, Sequence
from contextlib import ContextDecorator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self, SupportsFloat, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import kernels as kernels

__all__ = [
    "Plan",
    "PreparedConv",
    "__version__",
    "conv1d",
    "conv2d",
    "conv3d",
    "get_num_threads",
    "kernels",
    "plan",
    "prepare",
    "set_num_threads",
    "settings",
]

__version__: str

_Array: TypeAlias = NDArray[np.number[Any]]
_Number: TypeAlias = complex | SupportsFloat | np.number[Any]
_PerAxis: TypeAlias = SupportsIndex | Sequence[SupportsIndex]
_PaddingWord: TypeAlias = Literal["valid", "full", "same", "same_upper", "same_lower", "same_torch"]
_Padding: TypeAlias = (
    _PaddingWord
    | SupportsIndex
    | Sequence[SupportsIndex]
    | Sequence[tuple[SupportsIndex, SupportsIndex]]
)
_Border: TypeAlias = Literal["constant", "edge", "wrap", "mirror", "symmetric"]
_Activation: TypeAlias = (
    Literal["none", "relu", "relu6", "sigmoid", "tanh", "silu", "gelu", "hardswish"]
    | tuple[Literal["leaky_relu"], _Number]
    | tuple[Literal["clip"], _Number, _Number]
)
_Algorithm: TypeAlias = Literal["auto", "direct", "im2col_gemm", "reference"]
_ISA: TypeAlias = Literal["generic", "avx2", "avx512"]

def conv1d(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: _PerAxis = 1,
    padding: _Padding = 0,
    dilation: _PerAxis = 1,
    groups: SupportsIndex = 1,
    *,
    padding_mode: _Border | Sequence[_Border] = "constant",
    padding_value: _Number = 0,
    channels_last: bool = False,
    flip: bool = False,
    residual: ArrayLike | None = None,
    activation: _Activation | None = None,
    alpha: _Number = 1,
    beta: _Number = 0,
    dtype: DTypeLike | None = None,
    overflow: Literal["wrap", "saturate"] = "wrap",
    out: NDArray[Any] | None = None,
    algorithm: _Algorithm = "auto",
    threads: SupportsIndex | None = None,
) -> _Array: ...
def conv2d(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: _PerAxis = 1,
    padding: _Padding = 0,
    dilation: _PerAxis = 1,
    groups: SupportsIndex = 1,
    *,
    padding_mode: _Border | Sequence[_Border] = "constant",
    padding_value: _Number = 0,
    channels_last: bool = False,
    flip: bool = False,
    residual: ArrayLike | None = None,
    activation: _Activation | None = None,
    alpha: _Number = 1,
    beta: _Number = 0,
    dtype: DTypeLike | None = None,
    overflow: Literal["wrap", "saturate"] = "wrap",
    out: NDArray[Any] | None = None,
    algorithm: _Algorithm = "auto",
    threads: SupportsIndex | None = None,
) -> _Array: ...
def conv3d(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: _PerAxis = 1,
    padding: _Padding = 0,
    dilation: _PerAxis = 1,
    groups: SupportsIndex = 1,
    *,
    padding_mode: _Border | Sequence[_Border] = "constant",
    padding_value: _Number = 0,
    channels_last: bool = False,
    flip: bool = False,
    residual: ArrayLike | None = None,
    activation: _Activation | None = None,
    alpha: _Number = 1,
    beta: _Number = 0,
    dtype: DTypeLike | None = None,
    overflow: Literal["wrap", "saturate"] = "wrap",
    out: NDArray[Any] | None = None,
    algorithm: _Algorithm = "auto",
    threads: SupportsIndex | None = None,
) -> _Array: ...

class PreparedConv:
    def __call__(
        self,
        input: ArrayLike,
        out: NDArray[Any] | None = None,
        threads: SupportsIndex | None = None,
        *,
        residual: ArrayLike | None = None,
    ) -> _Array: ...

def prepare(
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: _PerAxis = 1,
    padding: _Padding = 0,
    dilation: _PerAxis = 1,
    groups: SupportsIndex = 1,
    *,
    padding_mode: _Border | Sequence[_Border] = "constant",
    padding_value: _Number = 0,
    channels_last: bool = False,
    flip: bool = False,
    activation: _Activation | None = None,
    alpha: _Number = 1,
    beta: _Number = 0,
    dtype: DTypeLike | None = None,
    overflow: Literal["wrap", "saturate"] = "wrap",
    algorithm: _Algorithm = "auto",
    threads: SupportsIndex | None = None,
) -> PreparedConv: ...

@dataclass(frozen=True)
class Plan:
    algorithm: str
    orientation: str
    isa: str
    threads: int
    tile: tuple[int, int]
    flops: int
    bytes: int
    scratch_bytes: int
    copies: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]
    output_shape: tuple[int, ...]
    pack: str
    @property
    def finish(self) -> str: ...

def plan(
    operation: Callable[..., _Array] | Literal["conv1d", "conv2d", "conv3d"],
    input: ArrayLike | tuple[int, ...],
    weight: ArrayLike | tuple[int, ...],
    bias: ArrayLike | None = None,
    stride: _PerAxis = 1,
    padding: _Padding = 0,
    dilation: _PerAxis = 1,
    groups: SupportsIndex = 1,
    *,
    padding_mode: _Border | Sequence[_Border] = "constant",
    padding_value: _Number = 0,
    channels_last: bool = False,
    flip: bool = False,
    residual: ArrayLike | None = None,
    activation: _Activation | None = None,
    alpha: _Number = 1,
    beta: _Number = 0,
    dtype: DTypeLike | None = None,
    overflow: Literal["wrap", "saturate"] = "wrap",
    out: NDArray[Any] | None = None,
    algorithm: _Algorithm = "auto",
    threads: SupportsIndex | None = None,
) -> Plan: ...

class settings(ContextDecorator):
    def __init__(
        self,
        threads: SupportsIndex | None = None,
        isa: _ISA | None = None,
        algorithm: _Algorithm | None = None,
    ) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

def set_num_threads(threads: SupportsIndex | None) -> None: ...
def get_num_threads() -> int: ...
