# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, SupportsIndex, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .. import _Activation, _Algorithm, _Array, _Border, _Number, _Padding, _PerAxis, _Scalar

class _Filter(Protocol):
    @overload
    def __call__(
        self,
        image: NDArray[_Scalar],
        kernel: NDArray[np.floating[Any] | np.integer[Any]],
        bias: ArrayLike | None = None,
        stride: _PerAxis = 1,
        padding: _Padding = "same",
        dilation: _PerAxis = 1,
        *,
        padding_mode: _Border | Sequence[_Border] = "mirror",
        padding_value: _Number = 0,
        flip: bool = False,
        residual: ArrayLike | None = None,
        activation: _Activation | None = None,
        alpha: _Number = 1,
        beta: _Number = 0,
        dtype: None = None,
        overflow: Literal["wrap", "saturate"] = "saturate",
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Scalar]: ...
    @overload
    def __call__(
        self,
        image: ArrayLike,
        kernel: ArrayLike,
        bias: ArrayLike | None = None,
        stride: _PerAxis = 1,
        padding: _Padding = "same",
        dilation: _PerAxis = 1,
        *,
        padding_mode: _Border | Sequence[_Border] = "mirror",
        padding_value: _Number = 0,
        flip: bool = False,
        residual: ArrayLike | None = None,
        activation: _Activation | None = None,
        alpha: _Number = 1,
        beta: _Number = 0,
        dtype: type[_Scalar] | np.dtype[_Scalar],
        overflow: Literal["wrap", "saturate"] = "saturate",
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Scalar]: ...
    @overload
    def __call__(
        self,
        image: ArrayLike,
        kernel: ArrayLike,
        bias: ArrayLike | None = None,
        stride: _PerAxis = 1,
        padding: _Padding = "same",
        dilation: _PerAxis = 1,
        *,
        padding_mode: _Border | Sequence[_Border] = "mirror",
        padding_value: _Number = 0,
        flip: bool = False,
        residual: ArrayLike | None = None,
        activation: _Activation | None = None,
        alpha: _Number = 1,
        beta: _Number = 0,
        dtype: DTypeLike | None = None,
        overflow: Literal["wrap", "saturate"] = "saturate",
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> _Array: ...

class _Separable(Protocol):
    @overload
    def __call__(
        self,
        image: NDArray[_Scalar],
        kernels_1d: Sequence[NDArray[np.floating[Any] | np.integer[Any]] | None],
        bias: ArrayLike | None = None,
        stride: _PerAxis = 1,
        padding: _Padding = "same",
        dilation: _PerAxis = 1,
        *,
        padding_mode: _Border | Sequence[_Border] = "mirror",
        padding_value: _Number = 0,
        flip: bool = False,
        residual: ArrayLike | None = None,
        activation: _Activation | None = None,
        alpha: _Number = 1,
        beta: _Number = 0,
        dtype: None = None,
        overflow: Literal["wrap", "saturate"] = "saturate",
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Scalar]: ...
    @overload
    def __call__(
        self,
        image: ArrayLike,
        kernels_1d: Sequence[ArrayLike | None],
        bias: ArrayLike | None = None,
        stride: _PerAxis = 1,
        padding: _Padding = "same",
        dilation: _PerAxis = 1,
        *,
        padding_mode: _Border | Sequence[_Border] = "mirror",
        padding_value: _Number = 0,
        flip: bool = False,
        residual: ArrayLike | None = None,
        activation: _Activation | None = None,
        alpha: _Number = 1,
        beta: _Number = 0,
        dtype: type[_Scalar] | np.dtype[_Scalar],
        overflow: Literal["wrap", "saturate"] = "saturate",
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Scalar]: ...
    @overload
    def __call__(
        self,
        image: ArrayLike,
        kernels_1d: Sequence[ArrayLike | None],
        bias: ArrayLike | None = None,
        stride: _PerAxis = 1,
        padding: _Padding = "same",
        dilation: _PerAxis = 1,
        *,
        padding_mode: _Border | Sequence[_Border] = "mirror",
        padding_value: _Number = 0,
        flip: bool = False,
        residual: ArrayLike | None = None,
        activation: _Activation | None = None,
        alpha: _Number = 1,
        beta: _Number = 0,
        dtype: DTypeLike | None = None,
        overflow: Literal["wrap", "saturate"] = "saturate",
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> _Array: ...

def _filter(function: Callable[[], None]) -> _Filter: ...
@_filter
def filter2d() -> None: ...
@_filter
def filter_nd() -> None: ...
def _separable(function: Callable[[], None]) -> _Separable: ...
@_separable
def separable_filter() -> None: ...
