# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Callable, Sequence
from contextlib import ContextDecorator
from types import TracebackType
from typing import (
    Any,
    Literal,
    ParamSpec,
    Self,
    SupportsFloat,
    SupportsIndex,
    TypeAlias,
    TypeVar,
    overload,
)

import numpy as np
from numpy.typing import NDArray

from . import kernels as kernels
from . import ndimage as ndimage
from . import patch as patch
from . import signal as signal
from ._ops.conv import conv1d as conv1d
from ._ops.conv import conv2d as conv2d
from ._ops.conv import conv3d as conv3d
from ._ops.conv import conv_transpose1d as conv_transpose1d
from ._ops.conv import conv_transpose2d as conv_transpose2d
from ._ops.conv import conv_transpose3d as conv_transpose3d
from ._ops.conv import local_conv1d as local_conv1d
from ._ops.conv import local_conv2d as local_conv2d
from ._ops.conv import local_conv3d as local_conv3d
from ._ops.filters import filter2d as filter2d
from ._ops.filters import filter_nd as filter_nd
from ._ops.filters import separable_filter as separable_filter
from ._ops.layers import depthwise_conv1d as depthwise_conv1d
from ._ops.layers import depthwise_conv2d as depthwise_conv2d
from ._ops.layers import depthwise_conv3d as depthwise_conv3d
from ._ops.layers import depthwise_separable_conv1d as depthwise_separable_conv1d
from ._ops.layers import depthwise_separable_conv2d as depthwise_separable_conv2d
from ._ops.layers import depthwise_separable_conv3d as depthwise_separable_conv3d
from ._ops.layers import pointwise_conv1d as pointwise_conv1d
from ._ops.layers import pointwise_conv2d as pointwise_conv2d
from ._ops.layers import pointwise_conv3d as pointwise_conv3d
from ._ops.moves import channel_shuffle as channel_shuffle
from ._ops.moves import pad as pad
from ._ops.moves import pixel_shuffle as pixel_shuffle
from ._ops.moves import pixel_unshuffle as pixel_unshuffle
from ._ops.patches import fold as fold
from ._ops.patches import unfold as unfold
from ._ops.patches import unfold_view as unfold_view
from ._ops.pooling import avg_pool1d as avg_pool1d
from ._ops.pooling import avg_pool2d as avg_pool2d
from ._ops.pooling import avg_pool3d as avg_pool3d
from ._ops.pooling import lp_pool1d as lp_pool1d
from ._ops.pooling import lp_pool2d as lp_pool2d
from ._ops.pooling import lp_pool3d as lp_pool3d
from ._ops.pooling import max_pool1d as max_pool1d
from ._ops.pooling import max_pool2d as max_pool2d
from ._ops.pooling import max_pool3d as max_pool3d
from ._ops.pooling import min_pool1d as min_pool1d
from ._ops.pooling import min_pool2d as min_pool2d
from ._ops.pooling import min_pool3d as min_pool3d
from ._ops.pooling_adaptive import adaptive_avg_pool1d as adaptive_avg_pool1d
from ._ops.pooling_adaptive import adaptive_avg_pool2d as adaptive_avg_pool2d
from ._ops.pooling_adaptive import adaptive_avg_pool3d as adaptive_avg_pool3d
from ._ops.pooling_adaptive import adaptive_max_pool1d as adaptive_max_pool1d
from ._ops.pooling_adaptive import adaptive_max_pool2d as adaptive_max_pool2d
from ._ops.pooling_adaptive import adaptive_max_pool3d as adaptive_max_pool3d
from ._ops.pooling_adaptive import fractional_max_pool2d as fractional_max_pool2d
from ._ops.pooling_adaptive import fractional_max_pool3d as fractional_max_pool3d
from ._ops.pooling_global import global_avg_pool1d as global_avg_pool1d
from ._ops.pooling_global import global_avg_pool2d as global_avg_pool2d
from ._ops.pooling_global import global_avg_pool3d as global_avg_pool3d
from ._ops.pooling_global import global_lp_pool1d as global_lp_pool1d
from ._ops.pooling_global import global_lp_pool2d as global_lp_pool2d
from ._ops.pooling_global import global_lp_pool3d as global_lp_pool3d
from ._ops.pooling_global import global_max_pool1d as global_max_pool1d
from ._ops.pooling_global import global_max_pool2d as global_max_pool2d
from ._ops.pooling_global import global_max_pool3d as global_max_pool3d
from ._ops.pooling_global import global_min_pool1d as global_min_pool1d
from ._ops.pooling_global import global_min_pool2d as global_min_pool2d
from ._ops.pooling_global import global_min_pool3d as global_min_pool3d
from ._ops.prepared import PreparedConv as PreparedConv
from ._ops.prepared import prepare as prepare
from ._ops.resample import interpolate as interpolate
from ._ops.unpooling import bed_of_nails_unpool1d as bed_of_nails_unpool1d
from ._ops.unpooling import bed_of_nails_unpool2d as bed_of_nails_unpool2d
from ._ops.unpooling import bed_of_nails_unpool3d as bed_of_nails_unpool3d
from ._ops.unpooling import max_unpool1d as max_unpool1d
from ._ops.unpooling import max_unpool2d as max_unpool2d
from ._ops.unpooling import max_unpool3d as max_unpool3d
from ._ops.unpooling import nearest_unpool1d as nearest_unpool1d
from ._ops.unpooling import nearest_unpool2d as nearest_unpool2d
from ._ops.unpooling import nearest_unpool3d as nearest_unpool3d

__all__ = [
    "Plan", "PreparedConv", "__version__", "adaptive_avg_pool1d", "adaptive_avg_pool2d",
    "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d",
    "avg_pool1d", "avg_pool2d", "avg_pool3d", "bed_of_nails_unpool1d", "bed_of_nails_unpool2d",
    "bed_of_nails_unpool3d", "channel_shuffle", "conv1d", "conv2d", "conv3d", "conv_transpose1d",
    "conv_transpose2d", "conv_transpose3d", "depthwise_conv1d", "depthwise_conv2d",
    "depthwise_conv3d", "depthwise_separable_conv1d", "depthwise_separable_conv2d",
    "depthwise_separable_conv3d", "filter2d", "filter_nd", "fold", "fractional_max_pool2d",
    "fractional_max_pool3d", "get_num_threads", "global_avg_pool1d", "global_avg_pool2d",
    "global_avg_pool3d", "global_lp_pool1d", "global_lp_pool2d", "global_lp_pool3d",
    "global_max_pool1d", "global_max_pool2d", "global_max_pool3d", "global_min_pool1d",
    "global_min_pool2d", "global_min_pool3d", "interpolate", "kernels", "local_conv1d",
    "local_conv2d", "local_conv3d", "lp_pool1d", "lp_pool2d", "lp_pool3d", "max_pool1d",
    "max_pool2d", "max_pool3d", "max_unpool1d", "max_unpool2d", "max_unpool3d", "min_pool1d",
    "min_pool2d", "min_pool3d", "nearest_unpool1d", "nearest_unpool2d", "nearest_unpool3d", "pad",
    "pixel_shuffle", "pixel_unshuffle", "plan", "pointwise_conv1d", "pointwise_conv2d",
    "pointwise_conv3d", "prepare", "separable_filter", "set_num_threads", "settings", "unfold",
    "unfold_view",
]  # fmt: skip

__version__: str

_Array: TypeAlias = NDArray[np.number[Any]]
_Number: TypeAlias = complex | SupportsFloat | np.number[Any]
_PerAxis: TypeAlias = SupportsIndex | Sequence[SupportsIndex]
_PaddingWord: TypeAlias = Literal["valid", "full", "same", "same_upper", "same_lower", "same_torch"]
_Padding: TypeAlias = (
    _PaddingWord
    | SupportsIndex
    | Sequence[SupportsIndex]
    | Sequence[tuple[SupportsIndex, SupportsIndex]]
)
_Border: TypeAlias = Literal["constant", "edge", "wrap", "mirror", "symmetric"]
_Activation: TypeAlias = (
    Literal["none", "relu", "relu6", "sigmoid", "tanh", "silu", "gelu", "hardswish"]
    | tuple[Literal["leaky_relu"], _Number]
    | tuple[Literal["clip"], _Number, _Number]
)
_Algorithm: TypeAlias = Literal[
    "auto", "direct", "im2col_gemm", "depthwise", "grouped", "reference", "phases", "separable",
    "fft", "bands", "local", "rows", "resample", "masked",
]  # fmt: skip
_ISA: TypeAlias = Literal["generic", "avx2", "avx512"]
_Operation: TypeAlias = Literal[
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d",
    "adaptive_max_pool2d", "adaptive_max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d",
    "bed_of_nails_unpool1d", "bed_of_nails_unpool2d", "bed_of_nails_unpool3d",
    "channel_shuffle", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
    "conv_transpose3d", "depthwise_conv1d", "depthwise_conv2d", "depthwise_conv3d",
    "depthwise_separable_conv1d", "depthwise_separable_conv2d", "depthwise_separable_conv3d",
    "filter2d", "filter_nd", "fold", "fractional_max_pool2d", "fractional_max_pool3d",
    "global_avg_pool1d", "global_avg_pool2d", "global_avg_pool3d", "global_lp_pool1d",
    "global_lp_pool2d", "global_lp_pool3d", "global_max_pool1d", "global_max_pool2d",
    "global_max_pool3d", "global_min_pool1d", "global_min_pool2d", "global_min_pool3d",
    "interpolate", "local_conv1d", "local_conv2d", "local_conv3d", "lp_pool1d",
    "lp_pool2d", "lp_pool3d", "max_pool1d", "max_pool2d", "max_pool3d", "max_unpool1d",
    "max_unpool2d", "max_unpool3d", "min_pool1d", "min_pool2d", "min_pool3d", "nearest_unpool1d",
    "nearest_unpool2d", "nearest_unpool3d", "pad", "pixel_shuffle", "pixel_unshuffle",
    "pointwise_conv1d", "pointwise_conv2d", "pointwise_conv3d", "separable_filter",
    "unfold",
]  # fmt: skip

_P = ParamSpec("_P")
_Floating = TypeVar("_Floating", np.float16, np.float32, np.float64, np.complex64, np.complex128)
_Scalar = TypeVar("_Scalar", bound=np.number[Any])

class Plan:
    @property
    def algorithm(self) -> str: ...
    @property
    def orientation(self) -> str: ...
    @property
    def isa(self) -> str: ...
    @property
    def threads(self) -> int: ...
    @property
    def tile(self) -> tuple[int, int]: ...
    @property
    def tasks(self) -> int: ...
    @property
    def flops(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def scratch_bytes(self) -> int: ...
    @property
    def copies(self) -> tuple[str, ...]: ...
    @property
    def refused(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def output_shape(self) -> tuple[int, ...]: ...
    @property
    def pack(self) -> str: ...
    @property
    def epilogue(self) -> str: ...
    @property
    def variants(self) -> tuple[str, ...]: ...
    @property
    def chosen(self) -> str: ...
    @property
    def steps(self) -> tuple[str, ...]: ...
    @property
    def spec(self) -> Any: ...

# The arguments after the operation are its own; tuples of sizes are ArrayLike.
@overload
def plan(
    operation: Callable[_P, _Array], /, *arguments: _P.args, **keywords: _P.kwargs
) -> Plan: ...
@overload
def plan(operation: _Operation, /, *arguments: Any, **keywords: Any) -> Plan: ...

class settings(ContextDecorator):
    def __init__(
        self,
        threads: SupportsIndex | None = None,
        isa: _ISA | None = None,
        algorithm: _Algorithm | None = None,
    ) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

def set_num_threads(threads: SupportsIndex | None) -> None: ...
def get_num_threads() -> int: ...
