# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Callable, Sequence
from typing import Any, Literal, SupportsIndex, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .. import (
    Plan,
    _Activation,
    _Algorithm,
    _Array,
    _Border,
    _Number,
    _Operation,
    _Padding,
    _PerAxis,
)

class PreparedConv:
    @overload
    def __call__(
        self,
        image: ArrayLike,
        out: NDArray[Any] | None = None,
        threads: SupportsIndex | None = None,
        *,
        residual: ArrayLike | None = None,
    ) -> _Array: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        out: NDArray[Any] | None = None,
        threads: SupportsIndex | None = None,
        *,
        residual: ArrayLike | None = None,
    ) -> _Array: ...
    @overload
    def plan(
        self,
        image: ArrayLike,
        out: NDArray[Any] | None = None,
        threads: SupportsIndex | None = None,
        *,
        residual: ArrayLike | None = None,
    ) -> Plan: ...
    @overload
    def plan(
        self,
        input: ArrayLike,
        out: NDArray[Any] | None = None,
        threads: SupportsIndex | None = None,
        *,
        residual: ArrayLike | None = None,
    ) -> Plan: ...
    @property
    def weight(self) -> NDArray[Any]: ...
    @property
    def depthwise_weight(self) -> NDArray[Any]: ...
    @property
    def pointwise_weight(self) -> NDArray[Any]: ...
    @property
    def depthwise_bias(self) -> NDArray[Any] | None: ...
    @property
    def depthwise_activation(self) -> _Activation | None: ...
    @property
    def bias(self) -> NDArray[Any] | None: ...
    @property
    def stride(self) -> _PerAxis: ...
    @property
    def padding(self) -> _Padding: ...
    @property
    def dilation(self) -> _PerAxis: ...
    @property
    def groups(self) -> SupportsIndex: ...
    @property
    def padding_mode(self) -> _Border | Sequence[_Border]: ...
    @property
    def kernel(self) -> NDArray[Any]: ...
    @property
    def kernels_1d(self) -> list[_Array | None]: ...
    @property
    def padding_value(self) -> complex: ...
    @property
    def channels_last(self) -> bool: ...
    @property
    def flip(self) -> bool: ...
    @property
    def output_padding(self) -> _PerAxis: ...
    @property
    def output_size(self) -> _PerAxis | None: ...
    @property
    def activation(self) -> _Activation | None: ...
    @property
    def alpha(self) -> float: ...
    @property
    def beta(self) -> float: ...
    @property
    def dtype(self) -> np.dtype[Any] | None: ...
    @property
    def overflow(self) -> Literal["wrap", "saturate"]: ...
    @property
    def algorithm(self) -> _Algorithm: ...
    @property
    def threads(self) -> int | None: ...

@overload
def prepare(
    operation: _Operation | Callable[..., _Array],
    /,
    weight: ArrayLike,
    *arguments: Any,
    **keywords: Any,
) -> PreparedConv: ...
@overload
def prepare(
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
    activation: _Activation | None = None,
    alpha: _Number = 1,
    beta: _Number = 0,
    dtype: DTypeLike | None = None,
    overflow: Literal["wrap", "saturate"] = "wrap",
    algorithm: _Algorithm = "auto",
    threads: SupportsIndex | None = None,
) -> PreparedConv: ...
