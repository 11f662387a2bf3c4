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

# A family is a protocol with the parameters of its functions, which are `def`s for editors to find.

class _Convolution(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Floating],
        weight: NDArray[_Floating],
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
        dtype: None = None,
        overflow: Literal["wrap", "saturate"] = "wrap",
        where: ArrayLike | None = None,
        nan_policy: Literal["propagate", "omit"] = "propagate",
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
        dtype: type[_Scalar] | np.dtype[_Scalar],
        overflow: Literal["wrap", "saturate"] = "wrap",
        where: ArrayLike | None = None,
        nan_policy: Literal["propagate", "omit"] = "propagate",
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
        where: ArrayLike | None = None,
        nan_policy: Literal["propagate", "omit"] = "propagate",
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> _Array: ...

class _Transposed(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Floating],
        weight: NDArray[_Floating],
        bias: ArrayLike | None = None,
        stride: _PerAxis = 1,
        padding: _Padding = 0,
        output_padding: _PerAxis = 0,
        groups: SupportsIndex = 1,
        dilation: _PerAxis = 1,
        *,
        output_size: _PerAxis | None = None,
        padding_mode: _Border | Sequence[_Border] = "constant",
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
        output_padding: _PerAxis = 0,
        groups: SupportsIndex = 1,
        dilation: _PerAxis = 1,
        *,
        output_size: _PerAxis | None = None,
        padding_mode: _Border | Sequence[_Border] = "constant",
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
        output_padding: _PerAxis = 0,
        groups: SupportsIndex = 1,
        dilation: _PerAxis = 1,
        *,
        output_size: _PerAxis | None = None,
        padding_mode: _Border | Sequence[_Border] = "constant",
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

class _Local(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Floating],
        weight: NDArray[_Floating],
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

def _convolution(function: Callable[[], None]) -> _Convolution: ...
@_convolution
def conv1d() -> None: ...
@_convolution
def conv2d() -> None: ...
@_convolution
def conv3d() -> None: ...
def _transposed(function: Callable[[], None]) -> _Transposed: ...
@_transposed
def conv_transpose1d() -> None: ...
@_transposed
def conv_transpose2d() -> None: ...
@_transposed
def conv_transpose3d() -> None: ...
def _local(function: Callable[[], None]) -> _Local: ...
@_local
def local_conv1d() -> None: ...
@_local
def local_conv2d() -> None: ...
@_local
def local_conv3d() -> None: ...
