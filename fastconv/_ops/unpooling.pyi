# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Callable
from typing import Any, Literal, Protocol, SupportsIndex, overload

from numpy.typing import ArrayLike, NDArray

from .. import _Algorithm, _Array, _Padding, _PerAxis
from .pooling import _Convention, _Element
from .resample import _Way

class _MaxUnpool(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Element],
        indices: ArrayLike,
        kernel_size: _PerAxis,
        stride: _PerAxis | None = None,
        padding: _Padding = 0,
        output_size: _PerAxis | None = None,
        *,
        channels_last: bool = False,
        index_convention: _Convention = "plane",
        overlap: Literal["last", "max", "sum"] = "last",
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Element]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        indices: ArrayLike,
        kernel_size: _PerAxis,
        stride: _PerAxis | None = None,
        padding: _Padding = 0,
        output_size: _PerAxis | None = None,
        *,
        channels_last: bool = False,
        index_convention: _Convention = "plane",
        overlap: Literal["last", "max", "sum"] = "last",
        out: NDArray[Any] | None = None,
        algorithm: _Algorithm = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[Any]: ...

class _WindowUnpool(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Element],
        kernel_size: _PerAxis,
        stride: _PerAxis | None = None,
        padding: _PerAxis = 0,
        output_size: _PerAxis | None = None,
        *,
        channels_last: bool = False,
        out: NDArray[Any] | None = None,
        algorithm: _Way = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Element]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        kernel_size: _PerAxis,
        stride: _PerAxis | None = None,
        padding: _PerAxis = 0,
        output_size: _PerAxis | None = None,
        *,
        channels_last: bool = False,
        out: NDArray[Any] | None = None,
        algorithm: _Way = "auto",
        threads: SupportsIndex | None = None,
    ) -> _Array: ...

def _max_unpool(function: Callable[[], None]) -> _MaxUnpool: ...
@_max_unpool
def max_unpool1d() -> None: ...
@_max_unpool
def max_unpool2d() -> None: ...
@_max_unpool
def max_unpool3d() -> None: ...
def _window_unpool(function: Callable[[], None]) -> _WindowUnpool: ...
@_window_unpool
def nearest_unpool1d() -> None: ...
@_window_unpool
def nearest_unpool2d() -> None: ...
@_window_unpool
def nearest_unpool3d() -> None: ...
@_window_unpool
def bed_of_nails_unpool1d() -> None: ...
@_window_unpool
def bed_of_nails_unpool2d() -> None: ...
@_window_unpool
def bed_of_nails_unpool3d() -> None: ...
