# SPDX-License-Identifier: BSD-3-Clause
"""fastconv: the convolution engine for NumPy arrays."""

from .runtime import load as _load

_load()  # before anything else imports the walks

from . import kernels  # noqa: E402
from .functional import conv1d, conv2d, conv3d, plan  # noqa: E402
from .plan import Plan  # noqa: E402
from .prepared import PreparedConv, prepare  # noqa: E402
from .settings import get_num_threads, set_num_threads, settings  # noqa: E402

__version__ = "0.1.0"

__all__ = [
    "Plan",
    "PreparedConv",
    "__version__",
    "conv1d",
    "conv2d",
    "conv3d",
    "get_num_threads",
    "kernels",
    "plan",
    "prepare",
    "set_num_threads",
    "settings",
]
