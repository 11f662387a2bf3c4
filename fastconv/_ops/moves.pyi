# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Callable, Sequence
from typing import Any, Protocol, SupportsIndex, TypeAlias, overload

from numpy.typing import ArrayLike, NDArray

from .. import _Border, _Number, _PerAxis
from .patches import _Element, _Rows

_Pair: TypeAlias = tuple[SupportsIndex, SupportsIndex]

class _Pad(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Element],
        padding: SupportsIndex | _Pair | Sequence[_Pair],
        mode: _Border | Sequence[_Border] = "constant",
        value: _Number = 0,
        *,
        out: NDArray[Any] | None = None,
        algorithm: _Rows = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Element]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        padding: SupportsIndex | _Pair | Sequence[_Pair],
        mode: _Border | Sequence[_Border] = "constant",
        value: _Number = 0,
        *,
        out: NDArray[Any] | None = None,
        algorithm: _Rows = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[Any]: ...

class _Upscale(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Element],
        upscale_factor: _PerAxis,
        *,
        channels_last: bool = False,
        out: NDArray[Any] | None = None,
        algorithm: _Rows = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Element]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        upscale_factor: _PerAxis,
        *,
        channels_last: bool = False,
        out: NDArray[Any] | None = None,
        algorithm: _Rows = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[Any]: ...

class _Downscale(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Element],
        downscale_factor: _PerAxis,
        *,
        channels_last: bool = False,
        out: NDArray[Any] | None = None,
        algorithm: _Rows = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Element]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        downscale_factor: _PerAxis,
        *,
        channels_last: bool = False,
        out: NDArray[Any] | None = None,
        algorithm: _Rows = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[Any]: ...

class _Deal(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Element],
        groups: SupportsIndex,
        *,
        channels_last: bool = False,
        out: NDArray[Any] | None = None,
        algorithm: _Rows = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Element]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        groups: SupportsIndex,
        *,
        channels_last: bool = False,
        out: NDArray[Any] | None = None,
        algorithm: _Rows = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[Any]: ...

def _pad(function: Callable[[], None]) -> _Pad: ...
@_pad
def pad() -> None: ...
def _pixel_shuffle(function: Callable[[], None]) -> _Upscale: ...
@_pixel_shuffle
def pixel_shuffle() -> None: ...
def _pixel_unshuffle(function: Callable[[], None]) -> _Downscale: ...
@_pixel_unshuffle
def pixel_unshuffle() -> None: ...
def _channel_shuffle(function: Callable[[], None]) -> _Deal: ...
@_channel_shuffle
def channel_shuffle() -> None: ...
