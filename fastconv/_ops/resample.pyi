# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, SupportsFloat, SupportsIndex, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _Array, _PerAxis

_Element = TypeVar("_Element", bound=np.generic)
_Mode = Literal[
    "nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic", "area"
]  # fmt: skip
_Way = Literal["auto", "resample", "reference"]

class _Interpolation(Protocol):
    @overload
    def __call__(
        self,
        input: NDArray[_Element],
        size: _PerAxis | None = None,
        scale_factor: SupportsFloat | Sequence[SupportsFloat] | None = None,
        mode: _Mode = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
        antialias: bool = False,
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
        size: _PerAxis | None = None,
        scale_factor: SupportsFloat | Sequence[SupportsFloat] | None = None,
        mode: _Mode = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
        antialias: bool = False,
        *,
        channels_last: bool = False,
        out: NDArray[Any] | None = None,
        algorithm: _Way = "auto",
        threads: SupportsIndex | None = None,
    ) -> _Array: ...

def _interpolate(function: Callable[[], None]) -> _Interpolation: ...
@_interpolate
def interpolate() -> None: ...
