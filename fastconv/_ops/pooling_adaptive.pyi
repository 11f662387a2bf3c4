# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, SupportsFloat, SupportsIndex, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .. import _Algorithm, _Floating, _PerAxis, _Scalar
from .pooling import _Convention, _Element, _Indices

_Sizes: TypeAlias = SupportsIndex | Sequence[SupportsIndex | None]

class _AdaptiveLargest(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Element],
        output_size: _Sizes,
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
        output_size: _Sizes,
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
        output_size: _Sizes,
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
        output_size: _Sizes,
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
        output_size: _Sizes,
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

class _AdaptiveAverage(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Floating],
        output_size: _Sizes,
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
        output_size: _Sizes,
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
        output_size: _Sizes,
        *,
        channels_last: bool = False,
        dtype: DTypeLike | None = None,
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[Any]: ...

class _Fractional(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Element],
        kernel_size: _PerAxis,
        output_size: _PerAxis | None = None,
        output_ratio: SupportsFloat | Sequence[SupportsFloat] | None = None,
        return_indices: Literal[False] = False,
        _random_samples: ArrayLike | None = None,
        *,
        rng: Any = None,
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
        output_size: _PerAxis | None = None,
        output_ratio: SupportsFloat | Sequence[SupportsFloat] | None = None,
        return_indices: Literal[True] = ...,
        _random_samples: ArrayLike | None = None,
        *,
        rng: Any = None,
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
        output_size: _PerAxis | None = None,
        output_ratio: SupportsFloat | Sequence[SupportsFloat] | None = None,
        return_indices: Literal[False] = False,
        _random_samples: ArrayLike | None = None,
        *,
        rng: Any = None,
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
        output_size: _PerAxis | None = None,
        output_ratio: SupportsFloat | Sequence[SupportsFloat] | None = None,
        return_indices: Literal[True] = ...,
        _random_samples: ArrayLike | None = None,
        *,
        rng: Any = None,
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
        output_size: _PerAxis | None = None,
        output_ratio: SupportsFloat | Sequence[SupportsFloat] | None = None,
        return_indices: bool = False,
        _random_samples: ArrayLike | None = None,
        *,
        rng: Any = None,
        channels_last: bool = False,
        index_convention: _Convention = "plane",
        index_dtype: DTypeLike | None = None,
        nan_policy: Literal["propagate", "omit"] = "propagate",
        out: NDArray[Any] | tuple[NDArray[Any], NDArray[Any]] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[Any] | tuple[NDArray[Any], _Indices]: ...

def _adaptive_largest(function: Callable[[], None]) -> _AdaptiveLargest: ...
@_adaptive_largest
def adaptive_max_pool1d() -> None: ...
@_adaptive_largest
def adaptive_max_pool2d() -> None: ...
@_adaptive_largest
def adaptive_max_pool3d() -> None: ...
def _adaptive_average(function: Callable[[], None]) -> _AdaptiveAverage: ...
@_adaptive_average
def adaptive_avg_pool1d() -> None: ...
@_adaptive_average
def adaptive_avg_pool2d() -> None: ...
@_adaptive_average
def adaptive_avg_pool3d() -> None: ...
def _fractional(function: Callable[[], None]) -> _Fractional: ...
@_fractional
def fractional_max_pool2d() -> None: ...
@_fractional
def fractional_max_pool3d() -> None: ...
