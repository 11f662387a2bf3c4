# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, SupportsIndex, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .. import (
    _Activation,
    _Algorithm,
    _Array,
    _Border,
    _Floating,
    _Number,
    _Padding,
    _PerAxis,
    _Scalar,
)

class _Depthwise(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Floating],
        weight: NDArray[_Floating],
        bias: ArrayLike | None = None,
        stride: _PerAxis = 1,
        padding: _Padding = 0,
        dilation: _PerAxis = 1,
        *,
        padding_mode: _Border | Sequence[_Border] = "constant",
        padding_value: _Number = 0,
        channels_last: bool = False,
        flip: bool = False,
        residual: ArrayLike | None = None,
        activation: _Activation | None = None,
        alpha: _Number = 1,
        beta: _Number = 0,
        dtype: None = None,
        overflow: Literal["wrap", "saturate"] = "wrap",
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Floating]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        weight: ArrayLike,
        bias: ArrayLike | None = None,
        stride: _PerAxis = 1,
        padding: _Padding = 0,
        dilation: _PerAxis = 1,
        *,
        padding_mode: _Border | Sequence[_Border] = "constant",
        padding_value: _Number = 0,
        channels_last: bool = False,
        flip: bool = False,
        residual: ArrayLike | None = None,
        activation: _Activation | None = None,
        alpha: _Number = 1,
        beta: _Number = 0,
        dtype: type[_Scalar] | np.dtype[_Scalar],
        overflow: Literal["wrap", "saturate"] = "wrap",
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Scalar]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        weight: ArrayLike,
        bias: ArrayLike | None = None,
        stride: _PerAxis = 1,
        padding: _Padding = 0,
        dilation: _PerAxis = 1,
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

class _Pointwise(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Floating],
        weight: NDArray[_Floating],
        bias: ArrayLike | None = None,
        stride: _PerAxis = 1,
        *,
        groups: SupportsIndex = 1,
        channels_last: bool = False,
        residual: ArrayLike | None = None,
        activation: _Activation | None = None,
        alpha: _Number = 1,
        beta: _Number = 0,
        dtype: None = None,
        overflow: Literal["wrap", "saturate"] = "wrap",
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Floating]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        weight: ArrayLike,
        bias: ArrayLike | None = None,
        stride: _PerAxis = 1,
        *,
        groups: SupportsIndex = 1,
        channels_last: bool = False,
        residual: ArrayLike | None = None,
        activation: _Activation | None = None,
        alpha: _Number = 1,
        beta: _Number = 0,
        dtype: type[_Scalar] | np.dtype[_Scalar],
        overflow: Literal["wrap", "saturate"] = "wrap",
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Scalar]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        weight: ArrayLike,
        bias: ArrayLike | None = None,
        stride: _PerAxis = 1,
        *,
        groups: SupportsIndex = 1,
        channels_last: bool = False,
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

class _SeparableConv(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Floating],
        depthwise_weight: NDArray[_Floating],
        pointwise_weight: NDArray[_Floating],
        bias: ArrayLike | None = None,
        stride: _PerAxis = 1,
        padding: _Padding = 0,
        dilation: _PerAxis = 1,
        *,
        depthwise_bias: ArrayLike | None = None,
        depthwise_activation: _Activation | None = None,
        padding_mode: _Border | Sequence[_Border] = "constant",
        padding_value: _Number = 0,
        channels_last: bool = False,
        flip: bool = False,
        residual: ArrayLike | None = None,
        activation: _Activation | None = None,
        alpha: _Number = 1,
        beta: _Number = 0,
        dtype: None = None,
        overflow: Literal["wrap", "saturate"] = "wrap",
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Floating]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        depthwise_weight: ArrayLike,
        pointwise_weight: ArrayLike,
        bias: ArrayLike | None = None,
        stride: _PerAxis = 1,
        padding: _Padding = 0,
        dilation: _PerAxis = 1,
        *,
        depthwise_bias: ArrayLike | None = None,
        depthwise_activation: _Activation | None = None,
        padding_mode: _Border | Sequence[_Border] = "constant",
        padding_value: _Number = 0,
        channels_last: bool = False,
        flip: bool = False,
        residual: ArrayLike | None = None,
        activation: _Activation | None = None,
        alpha: _Number = 1,
        beta: _Number = 0,
        dtype: type[_Scalar] | np.dtype[_Scalar],
        overflow: Literal["wrap", "saturate"] = "wrap",
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Scalar]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        depthwise_weight: ArrayLike,
        pointwise_weight: ArrayLike,
        bias: ArrayLike | None = None,
        stride: _PerAxis = 1,
        padding: _Padding = 0,
        dilation: _PerAxis = 1,
        *,
        depthwise_bias: ArrayLike | None = None,
        depthwise_activation: _Activation | None = None,
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

def _depthwise(function: Callable[[], None]) -> _Depthwise: ...
@_depthwise
def depthwise_conv1d() -> None: ...
@_depthwise
def depthwise_conv2d() -> None: ...
@_depthwise
def depthwise_conv3d() -> None: ...
def _pointwise(function: Callable[[], None]) -> _Pointwise: ...
@_pointwise
def pointwise_conv1d() -> None: ...
@_pointwise
def pointwise_conv2d() -> None: ...
@_pointwise
def pointwise_conv3d() -> None: ...
def _separable_conv(function: Callable[[], None]) -> _SeparableConv: ...
@_separable_conv
def depthwise_separable_conv1d() -> None: ...
@_separable_conv
def depthwise_separable_conv2d() -> None: ...
@_separable_conv
def depthwise_separable_conv3d() -> None: ...
