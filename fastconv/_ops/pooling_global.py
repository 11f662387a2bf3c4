# SPDX-License-Identifier: BSD-3-Clause
"""Global pools: one value for each channel, 1d to 3d."""

from __future__ import annotations

from .._spec.uneven import GLOBAL, UnevenParameters
from .operation import operation


def _global_largest(act, family, name, rank):
    """What it takes, handed on to `act`."""

    def pool(
        input, return_indices=False,
        *, channels_last=False, index_convention="plane", index_dtype=None,
        nan_policy="propagate", out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = UnevenParameters(
            return_indices=return_indices, channels_last=channels_last,
            index_convention=index_convention, index_dtype=index_dtype, nan_policy=nan_policy,
        )  # fmt: skip
        return act(family, name, rank, parameters, ((input,), out), (algorithm, threads))

    return pool


def _global_average(act, family, name, rank):
    """What it takes, handed on to `act`."""

    def pool(
        input, *, channels_last=False, dtype=None, out=None, algorithm="auto", threads=None
    ):  # fmt: skip
        parameters = UnevenParameters(channels_last=channels_last, dtype=dtype)
        return act(family, name, rank, parameters, ((input,), out), (algorithm, threads))

    return pool


def _global_norm(act, family, name, rank):
    """What it takes, handed on to `act`."""

    def pool(
        input, norm_type,
        *, channels_last=False, dtype=None, out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = UnevenParameters(channels_last=channels_last, norm_type=norm_type, dtype=dtype)
        return act(family, name, rank, parameters, ((input,), out), (algorithm, threads))

    return pool


@operation(_global_largest, GLOBAL["max"], 1)
def global_max_pool1d():
    """The largest element of each channel of an input of shape (N, C, L) or (C, L).

    The one-dimensional case of `global_max_pool2d`: see there for the parameters.

    >>> import numpy as np
    >>> global_max_pool1d(np.array([[1.0, 5.0, 2.0]]))
    array([[5.]])
    """


@operation(_global_largest, GLOBAL["max"], 2)
def global_max_pool2d():
    """The largest element of each channel of an input of shape (N, C, H, W) or (C, H, W).

    The spatial axes of the result have size 1. The parameters are those of `adaptive_max_pool2d`,
    but for output_size, which is 1.

    >>> import numpy as np
    >>> global_max_pool2d(np.arange(12.0).reshape(2, 2, 3))
    array([[[ 5.]],
    <BLANKLINE>
           [[11.]]])
    """


@operation(_global_largest, GLOBAL["max"], 3)
def global_max_pool3d():
    """The largest element of each channel of an input (N, C, D, H, W) or (C, D, H, W).

    The three-dimensional case of `global_max_pool2d`: see there for the parameters.

    >>> import numpy as np
    >>> global_max_pool3d(np.arange(8.0).reshape(1, 2, 2, 2))
    array([[[[7.]]]])
    """


@operation(_global_largest, GLOBAL["min"], 1)
def global_min_pool1d():
    """The smallest element of each channel of an input of shape (N, C, L) or (C, L).

    The parameters are those of `global_max_pool2d`.

    >>> import numpy as np
    >>> global_min_pool1d(np.array([[4.0, 5.0, 2.0]]))
    array([[2.]])
    """


@operation(_global_largest, GLOBAL["min"], 2)
def global_min_pool2d():
    """The smallest element of each channel of an input of shape (N, C, H, W) or (C, H, W).

    The parameters are those of `global_max_pool2d`.

    >>> import numpy as np
    >>> global_min_pool2d(np.arange(1.0, 7.0).reshape(1, 2, 3))
    array([[[1.]]])
    """


@operation(_global_largest, GLOBAL["min"], 3)
def global_min_pool3d():
    """The smallest element of each channel of an input (N, C, D, H, W) or (C, D, H, W).

    The parameters are those of `global_max_pool2d`.

    >>> import numpy as np
    >>> global_min_pool3d(np.arange(1.0, 9.0).reshape(1, 2, 2, 2))
    array([[[[1.]]]])
    """


@operation(_global_average, GLOBAL["average"], 1)
def global_avg_pool1d():
    """The average of each channel of an input of shape (N, C, L) or (C, L).

    The parameters are those of `adaptive_avg_pool2d`, but for output_size, which is 1.

    >>> import numpy as np
    >>> global_avg_pool1d(np.array([[1, 5, 2, 3]]))
    array([[2.75]])
    """


@operation(_global_average, GLOBAL["average"], 2)
def global_avg_pool2d():
    """The average of each channel of an input of shape (N, C, H, W) or (C, H, W).

    The parameters are those of `adaptive_avg_pool2d`, but for output_size, which is 1.

    >>> import numpy as np
    >>> global_avg_pool2d(np.arange(12.0).reshape(2, 2, 3)).shape
    (2, 1, 1)
    """


@operation(_global_average, GLOBAL["average"], 3)
def global_avg_pool3d():
    """The average of each channel of an input of shape (N, C, D, H, W) or (C, D, H, W).

    The parameters are those of `adaptive_avg_pool2d`, but for output_size, which is 1.

    >>> import numpy as np
    >>> global_avg_pool3d(np.arange(8.0).reshape(1, 2, 2, 2))
    array([[[[3.5]]]])
    """


@operation(_global_norm, GLOBAL["lp"], 1)
def global_lp_pool1d():
    """The norm of each channel of an input of shape (N, C, L) or (C, L).

    `norm_type` is that of `lp_pool2d`; the other parameters are those of `adaptive_avg_pool2d`.

    >>> import numpy as np
    >>> global_lp_pool1d(np.array([[3.0, 4.0]]), 2)
    array([[5.]])
    """


@operation(_global_norm, GLOBAL["lp"], 2)
def global_lp_pool2d():
    """The norm of each channel of an input of shape (N, C, H, W) or (C, H, W).

    `norm_type` is that of `lp_pool2d`; the other parameters are those of `adaptive_avg_pool2d`.

    >>> import numpy as np
    >>> global_lp_pool2d(np.array([[[3.0, 0.0], [0.0, -4.0]]]), 2)
    array([[[5.]]])
    """


@operation(_global_norm, GLOBAL["lp"], 3)
def global_lp_pool3d():
    """The norm of each channel of an input of shape (N, C, D, H, W) or (C, D, H, W).

    `norm_type` is that of `lp_pool2d`; the other parameters are those of `adaptive_avg_pool2d`.

    >>> import numpy as np
    >>> global_lp_pool3d(np.ones((1, 2, 2, 1)), 2)
    array([[[[2.]]]])
    """
