# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Callable
from typing import Any, Literal, Protocol, SupportsIndex, overload

from numpy.typing import ArrayLike, NDArray

from .. import _Algorithm, _Padding, _PerAxis
from .pooling import _Convention, _Element

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

def _max_unpool(function: Callable[[], None]) -> _MaxUnpool: ...
@_max_unpool
def max_unpool1d() -> None: ...
@_max_unpool
def max_unpool2d() -> None: ...
@_max_unpool
def max_unpool3d() -> None: ...
