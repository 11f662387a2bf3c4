# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Callable
from typing import Any, Literal, Protocol, SupportsFloat, SupportsIndex, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .. import _Algorithm, _Floating, _Scalar
from .pooling import _Convention, _Element, _Indices

class _GlobalLargest(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Element],
        return_indices: Literal[False] = False,
        *,
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
        return_indices: Literal[True] = ...,
        *,
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
        return_indices: Literal[False] = False,
        *,
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
        return_indices: Literal[True] = ...,
        *,
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
        return_indices: bool = False,
        *,
        channels_last: bool = False,
        index_convention: _Convention = "plane",
        index_dtype: DTypeLike | None = None,
        nan_policy: Literal["propagate", "omit"] = "propagate",
        out: NDArray[Any] | tuple[NDArray[Any], NDArray[Any]] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[Any] | tuple[NDArray[Any], _Indices]: ...

class _GlobalAverage(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Floating],
        *,
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
        *,
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
        *,
        channels_last: bool = False,
        dtype: DTypeLike | None = None,
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[Any]: ...

class _GlobalNorm(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Floating],
        norm_type: SupportsFloat,
        *,
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
        *,
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
        *,
        channels_last: bool = False,
        dtype: DTypeLike | None = None,
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[Any]: ...

def _global_largest(function: Callable[[], None]) -> _GlobalLargest: ...
@_global_largest
def global_max_pool1d() -> None: ...
@_global_largest
def global_max_pool2d() -> None: ...
@_global_largest
def global_max_pool3d() -> None: ...
@_global_largest
def global_min_pool1d() -> None: ...
@_global_largest
def global_min_pool2d() -> None: ...
@_global_largest
def global_min_pool3d() -> None: ...
def _global_average(function: Callable[[], None]) -> _GlobalAverage: ...
@_global_average
def global_avg_pool1d() -> None: ...
@_global_average
def global_avg_pool2d() -> None: ...
@_global_average
def global_avg_pool3d() -> None: ...
def _global_norm(function: Callable[[], None]) -> _GlobalNorm: ...
@_global_norm
def global_lp_pool1d() -> None: ...
@_global_norm
def global_lp_pool2d() -> None: ...
@_global_norm
def global_lp_pool3d() -> None: ...
