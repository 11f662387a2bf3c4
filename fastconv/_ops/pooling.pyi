# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Callable, Sequence
from typing import (
    Any,
    Literal,
    Protocol,
    SupportsFloat,
    SupportsIndex,
    TypeAlias,
    TypeVar,
    overload,
)

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .. import _Algorithm, _Border, _Floating, _Number, _Padding, _PerAxis, _Scalar

_Element = TypeVar("_Element", bound=np.generic)
_Convention: TypeAlias = Literal["plane", "flat", "flat_column_major", "nhwc", "nhwc_batch"]
_Indices: TypeAlias = NDArray[np.int64] | NDArray[np.int32]

class _Largest(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Element],
        kernel_size: _PerAxis,
        stride: _PerAxis | None = None,
        padding: _Padding = 0,
        dilation: _PerAxis = 1,
        ceil_mode: bool = False,
        return_indices: Literal[False] = False,
        *,
        padding_mode: _Border | Sequence[_Border] = "constant",
        padding_value: _Number | None = None,
        channels_last: bool = False,
        index_convention: _Convention = "plane",
        index_dtype: DTypeLike | None = None,
        nan_policy: Literal["propagate", "omit"] = "propagate",
        out: NDArray[Any] | tuple[NDArray[Any], NDArray[Any]] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Element]: ...
    @overload
    def __call__(
        self,
        input: NDArray[_Element],
        kernel_size: _PerAxis,
        stride: _PerAxis | None = None,
        padding: _Padding = 0,
        dilation: _PerAxis = 1,
        ceil_mode: bool = False,
        return_indices: Literal[True] = ...,
        *,
        padding_mode: _Border | Sequence[_Border] = "constant",
        padding_value: _Number | None = None,
        channels_last: bool = False,
        index_convention: _Convention = "plane",
        index_dtype: DTypeLike | None = None,
        nan_policy: Literal["propagate", "omit"] = "propagate",
        out: NDArray[Any] | tuple[NDArray[Any], NDArray[Any]] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> tuple[NDArray[_Element], _Indices]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        kernel_size: _PerAxis,
        stride: _PerAxis | None = None,
        padding: _Padding = 0,
        dilation: _PerAxis = 1,
        ceil_mode: bool = False,
        return_indices: Literal[False] = False,
        *,
        padding_mode: _Border | Sequence[_Border] = "constant",
        padding_value: _Number | None = None,
        channels_last: bool = False,
        index_convention: _Convention = "plane",
        index_dtype: DTypeLike | None = None,
        nan_policy: Literal["propagate", "omit"] = "propagate",
        out: NDArray[Any] | tuple[NDArray[Any], NDArray[Any]] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        kernel_size: _PerAxis,
        stride: _PerAxis | None = None,
        padding: _Padding = 0,
        dilation: _PerAxis = 1,
        ceil_mode: bool = False,
        return_indices: Literal[True] = ...,
        *,
        padding_mode: _Border | Sequence[_Border] = "constant",
        padding_value: _Number | None = None,
        channels_last: bool = False,
        index_convention: _Convention = "plane",
        index_dtype: DTypeLike | None = None,
        nan_policy: Literal["propagate", "omit"] = "propagate",
        out: NDArray[Any] | tuple[NDArray[Any], NDArray[Any]] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> tuple[NDArray[Any], _Indices]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        kernel_size: _PerAxis,
        stride: _PerAxis | None = None,
        padding: _Padding = 0,
        dilation: _PerAxis = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
        *,
        padding_mode: _Border | Sequence[_Border] = "constant",
        padding_value: _Number | None = None,
        channels_last: bool = False,
        index_convention: _Convention = "plane",
        index_dtype: DTypeLike | None = None,
        nan_policy: Literal["propagate", "omit"] = "propagate",
        out: NDArray[Any] | tuple[NDArray[Any], NDArray[Any]] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[Any] | tuple[NDArray[Any], _Indices]: ...

class _Average(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Floating],
        kernel_size: _PerAxis,
        stride: _PerAxis | None = None,
        padding: _Padding = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: SupportsIndex | None = None,
        *,
        dilation: _PerAxis = 1,
        padding_mode: _Border | Sequence[_Border] = "constant",
        padding_value: _Number | None = None,
        channels_last: bool = False,
        where: ArrayLike | None = None,
        nan_policy: Literal["propagate", "omit"] = "propagate",
        dtype: None = None,
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Floating]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        kernel_size: _PerAxis,
        stride: _PerAxis | None = None,
        padding: _Padding = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: SupportsIndex | None = None,
        *,
        dilation: _PerAxis = 1,
        padding_mode: _Border | Sequence[_Border] = "constant",
        padding_value: _Number | None = None,
        channels_last: bool = False,
        where: ArrayLike | None = None,
        nan_policy: Literal["propagate", "omit"] = "propagate",
        dtype: type[_Scalar] | np.dtype[_Scalar],
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Scalar]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        kernel_size: _PerAxis,
        stride: _PerAxis | None = None,
        padding: _Padding = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: SupportsIndex | None = None,
        *,
        dilation: _PerAxis = 1,
        padding_mode: _Border | Sequence[_Border] = "constant",
        padding_value: _Number | None = None,
        channels_last: bool = False,
        where: ArrayLike | None = None,
        nan_policy: Literal["propagate", "omit"] = "propagate",
        dtype: DTypeLike | None = None,
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[Any]: ...

class _Norm(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Floating],
        norm_type: SupportsFloat,
        kernel_size: _PerAxis,
        stride: _PerAxis | None = None,
        ceil_mode: bool = False,
        *,
        padding: _Padding = 0,
        dilation: _PerAxis = 1,
        padding_mode: _Border | Sequence[_Border] = "constant",
        padding_value: _Number | None = None,
        channels_last: bool = False,
        dtype: None = None,
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Floating]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        norm_type: SupportsFloat,
        kernel_size: _PerAxis,
        stride: _PerAxis | None = None,
        ceil_mode: bool = False,
        *,
        padding: _Padding = 0,
        dilation: _PerAxis = 1,
        padding_mode: _Border | Sequence[_Border] = "constant",
        padding_value: _Number | None = None,
        channels_last: bool = False,
        dtype: type[_Scalar] | np.dtype[_Scalar],
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Scalar]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        norm_type: SupportsFloat,
        kernel_size: _PerAxis,
        stride: _PerAxis | None = None,
        ceil_mode: bool = False,
        *,
        padding: _Padding = 0,
        dilation: _PerAxis = 1,
        padding_mode: _Border | Sequence[_Border] = "constant",
        padding_value: _Number | None = None,
        channels_last: bool = False,
        dtype: DTypeLike | None = None,
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[Any]: ...

def _largest(function: Callable[[], None]) -> _Largest: ...
@_largest
def max_pool1d() -> None: ...
@_largest
def max_pool2d() -> None: ...
@_largest
def max_pool3d() -> None: ...
@_largest
def min_pool1d() -> None: ...
@_largest
def min_pool2d() -> None: ...
@_largest
def min_pool3d() -> None: ...
def _average(function: Callable[[], None]) -> _Average: ...
@_average
def avg_pool1d() -> None: ...
@_average
def avg_pool2d() -> None: ...
@_average
def avg_pool3d() -> None: ...
def _norm(function: Callable[[], None]) -> _Norm: ...
@_norm
def lp_pool1d() -> None: ...
@_norm
def lp_pool2d() -> None: ...
@_norm
def lp_pool3d() -> None: ...
