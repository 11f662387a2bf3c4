# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, SupportsIndex, TypeAlias, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _Border, _Number, _Padding, _PerAxis

_Element = TypeVar("_Element", bound=np.generic)
_Rows: TypeAlias = Literal["auto", "rows", "reference"]

class _Unfold(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Element],
        kernel_size: _PerAxis,
        dilation: _PerAxis = 1,
        padding: _Padding = 0,
        stride: _PerAxis = 1,
        *,
        padding_mode: _Border | Sequence[_Border] = "constant",
        padding_value: _Number = 0,
        channels_last: bool = False,
        out: NDArray[Any] | None = None,
        algorithm: _Rows = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[_Element]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        kernel_size: _PerAxis,
        dilation: _PerAxis = 1,
        padding: _Padding = 0,
        stride: _PerAxis = 1,
        *,
        padding_mode: _Border | Sequence[_Border] = "constant",
        padding_value: _Number = 0,
        channels_last: bool = False,
        out: NDArray[Any] | None = None,
        algorithm: _Rows = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[Any]: ...

def _unfold(function: Callable[[], None]) -> _Unfold: ...
@_unfold
def unfold() -> None: ...

class _Fold(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Element],
        output_size: _PerAxis,
        kernel_size: _PerAxis,
        dilation: _PerAxis = 1,
        padding: _Padding = 0,
        stride: _PerAxis = 1,
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
        output_size: _PerAxis,
        kernel_size: _PerAxis,
        dilation: _PerAxis = 1,
        padding: _Padding = 0,
        stride: _PerAxis = 1,
        *,
        channels_last: bool = False,
        out: NDArray[Any] | None = None,
        algorithm: _Rows = "auto",
        threads: SupportsIndex | None = None,
    ) -> NDArray[Any]: ...

def _fold(function: Callable[[], None]) -> _Fold: ...
@_fold
def fold() -> None: ...
@overload
def unfold_view(
    input: NDArray[_Element],
    kernel_size: _PerAxis,
    dilation: _PerAxis = 1,
    stride: _PerAxis = 1,
    *,
    channels_last: bool = False,
) -> NDArray[_Element]: ...
@overload
def unfold_view(
    input: ArrayLike,
    kernel_size: _PerAxis,
    dilation: _PerAxis = 1,
    stride: _PerAxis = 1,
    *,
    channels_last: bool = False,
) -> NDArray[Any]: ...
