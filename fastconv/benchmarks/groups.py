# SPDX-License-Identifier: BSD-3-Clause
"""Cases beside the dense layers, and the groups that `--group` names."""

from __future__ import annotations

from .case import Case, conv, image_filter, pooling, transposed, unweighted, variant
from .cases import CASES, QUICK, select
from .dropin import SCIPY_CASES
from .features import FEATURES, QUICK_FEATURES

__all__ = ["DEFAULT", "EVERY_CASE", "GROUPS", "HEADINGS", "QUICK_OF"]


def _both(*cases: Case) -> tuple[Case, ...]:
    """Channels first, then last."""
    return cases + tuple(variant(case, channels_last=True) for case in cases)


def _depthwise(channels: int, sizes: int, kernel: tuple[int, ...], **words: object) -> Case:
    return conv(channels, sizes, channels, kernel, groups=channels, **words)


DEPTHWISE = _both(
    conv(256, 28, 256, (3, 3), groups=32),
    conv(64, 56, 64, (3, 3), groups=4),
    conv(96, 56, 96, (3, 3), groups=32),
    conv(128, 56, 128, (3, 3), groups=32),
    _depthwise(32, 112, (3, 3)),
    _depthwise(144, 56, (3, 3), stride=2),
    _depthwise(240, 28, (5, 5)),
    _depthwise(672, 14, (5, 5)),
    _depthwise(96, 56, (7, 7)),
    _depthwise(960, 7, (3, 3)),
    _depthwise(64, 65, (3, 3), dilation=4),
    _depthwise(128, 28, (31, 31)),
    _depthwise(256, 16384, (4,), padding=((3, 0),)),
    _depthwise(32, 16, (3, 3, 3)),
    _depthwise(32, 112, (3, 3), batch=16),
)

_TRANSPOSED = (
    transposed(128, 28, 64, (4, 4), stride=2, padding=1),
    transposed(64, 56, 64, (3, 3), stride=2, padding=1, output_padding=1),
    transposed(512, 28, 256, (2, 2), stride=2),
    transposed(256, 256, 128, (16,), stride=8, padding=4),
    transposed(514, 400, 1, (1024,), stride=256),
    transposed(32, 16, 32, (4, 4, 4), stride=2, padding=1),
)
TRANSPOSED = _TRANSPOSED + tuple(variant(c, channels_last=True) for c in _TRANSPOSED if c.rank > 1)

_HD = (1080, 1920)
_PASSES = (5, 15, 31, 101, 201)

FILTERS = (
    image_filter(3, _HD, (3, 3), "filter2d", dtype="uint8"),
    image_filter(3, 512, (3, 3), "filter2d", dtype="uint8"),
    image_filter(3, 512, (5, 5), "filter2d", dtype="uint8"),
    image_filter(3, _HD, (3, 3), "filter2d"),
    image_filter(1, 1024, (101, 1), "filter2d"),
    image_filter(1, 1024, (201, 1), "filter2d"),
    image_filter(1, _HD, (37, 1), "filter2d", dtype="float64"),
    *(
        image_filter(1, sizes, (taps, taps), "separable_filter", dtype=dtype)
        for dtype in ("float32", "float64")
        for sizes in (1024, _HD)
        for taps in _PASSES
    ),
)

_CENTRED = {"stride": 2, "padding": 1}
_WINDOWS_3X3 = {"kernel_size": (3, 3), "padding": (1, 1)}
_TWICE = {"scale_factor": 2}
_LAYOUTS = _both(
    pooling("max_pool2d", 64, 112, (3, 3), **_CENTRED),
    pooling("max_pool2d", 64, 112, (3, 3), indices=True, **_CENTRED),
    pooling("max_pool2d", 64, 224, (2, 2), stride=2),
    pooling("max_pool2d", 64, 224, (2, 2), indices=True, stride=2),
    pooling("max_pool2d", 512, 20, (13, 13), padding=6),
    pooling("max_pool2d", 32, 56, (2, 2), batch=8, stride=2),
    pooling("max_pool3d", 16, 32, (2, 2, 2), stride=2),
    pooling("max_pool1d", 64, 16384, (4,), stride=4),
    pooling("avg_pool2d", 192, 56, (3, 3), padding=1),
    pooling("avg_pool2d", 64, 112, (2, 2), stride=2),
    unweighted("global_avg_pool2d", 2048, 7, (7, 7), "global avg", batch=8),
    unweighted("adaptive_avg_pool2d", 256, 57, (8, 8), "adaptive avg to 7x7", output_size=(7, 7)),
    unweighted(
        "max_unpool2d", 64, 112, (2, 2), "2x2s2 max unpool", kernel_size=(2, 2), stride=(2, 2)
    ),
    unweighted("interpolate", 64, 56, (2, 2), "nearest x2", mode="nearest", **_TWICE),
    unweighted("interpolate", 64, 56, (2, 2), "bilinear x2", mode="bilinear", **_TWICE),
)
POOLING = (
    *_LAYOUTS,
    unweighted("unfold", 64, 56, (3, 3), "3x3 unfold", **_WINDOWS_3X3),
    unweighted("fold", 64, 56, (3, 3), "3x3 fold", output_size=(56, 56), **_WINDOWS_3X3),
)

# What `--group` takes, in the order of the tables; `Case.group` is the name again.
GROUPS: dict[str, tuple[Case, ...]] = {
    "dense": CASES,
    "features": FEATURES,
    "depthwise": DEPTHWISE,
    "transposed": TRANSPOSED,
    "filters": FILTERS,
    "pooling": POOLING,
    "scipy": SCIPY_CASES,
}
HEADINGS = {
    "dense": "Layers and filters",
    "features": "Features",
    "depthwise": "Depthwise and grouped",
    "transposed": "Transposed",
    "filters": "Filters of images",
    "pooling": "Pooling, unpooling, columns and resizing",
    "scipy": "Functions of SciPy",
}
EVERY_CASE = tuple(case for cases in GROUPS.values() for case in cases)

# Globs of `--quick`.
QUICK_OF: dict[str, tuple[str, ...]] = {
    "dense": QUICK,
    "features": QUICK_FEATURES,
    "depthwise": ("32@112->32 3x3 g32", "32@112->32 3x3 g32 NHWC", "256@28->256 3x3 g32"),
    "transposed": ("128@28->64 4x4s2 T",),
    "filters": ("3@512 3x3 filter u8", "1@1024 101x1 filter", "1@1024 31x31 separable"),
    "pooling": ("64@112 3x3s2 max*", "64@56 3x3 unfold", "64@56 bilinear x2"),
    "scipy": ("1@1080x1920 gaussian sigma 1*", "1@1080x1920 3x3 median*", "1@5 gaussian*"),
}

# Without options: the dense cases, and a few that stand for the groups of layers and filters.
FEW = (
    "32@112->32 3x3 g32",
    "672@14->672 5x5 g672 NHWC",
    "256@16384->256 k4 g256 causal",
    "256@28->256 3x3 g32",
    "128@28->64 4x4s2 T",
    "256@256->128 k16s8 T",
    "3@1080x1920 3x3 filter u8",
    "1@1024 101x1 filter",
    "1@1024 31x31 separable",
    "64@112 3x3s2 max indices",
    "64@112 2x2s2 avg",
    "64@56 3x3 fold",
    "64@56 bilinear x2",
)
DEFAULT = (*CASES, *select(EVERY_CASE, FEW))
