# SPDX-License-Identifier: BSD-3-Clause
"""What is not compared to the bit, and why: faults of SciPy, results that it promises to nobody."""

import numpy as np
import scipy
from scipy_arrays import Array, Made, Over, made

RANKS = ("ndimage.rank_filter", "ndimage.median_filter", "ndimage.percentile_filter")
# These write an output that shares memory with the input while they still read.
LINES = ("correlate1d", "convolve1d", "gaussian_filter1d", "gaussian_filter", "gaussian_laplace",
         "gaussian_gradient_magnitude", "laplace", "sobel", "prewitt", "generic_laplace",
         "generic_gradient_magnitude", "uniform_filter1d", "uniform_filter", "minimum_filter1d",
         "maximum_filter1d")  # fmt: skip
FFT = ("signal.fftconvolve", "signal.oaconvolve")


def to_rounding(call):
    """Whether results come from a fast Fourier transform, and only their rounding is compared."""
    if call.name in FFT:
        return True
    return call.name in ("signal.convolve", "signal.correlate") and (
        call.said.get("method", "auto") != "direct"
    )


def any_order(call, outcome):
    """Whether SciPy's own result depends on how many lines it reads before it writes them."""
    shared = call.said.get("output")
    if not isinstance(shared, Over) or call.name.split(".")[1] not in LINES:
        return False
    return shared.how != "same" or call.args[0].layout == "broadcast"


def any_warning(call):
    """Whether SciPy casts an output that nothing was written to yet, and warns of what is there:
    where two arrays differ in dtype, and in the 1-D rank filter, which copies what is unaligned."""
    if call.name in RANKS and len(call.args[0].shape) == 1:
        return call.said.get("output") is not None
    return call.name in ("signal.convolve", "signal.correlate", "signal.wiener")


# ---- faults of SciPy ---------------------------------------------------------------------------


def rank_1d_into_another_dtype(call):
    """The 1-D rank filter of 1.15 to 1.17 writes its output as if it had the input's dtype."""
    output, x = call.said.get("output"), call.args[0]
    if call.name not in RANKS or len(x.shape) != 1 or output is None or isinstance(output, Over):
        return False
    dtype = numbers_of(x).dtype
    if isinstance(output, Array):
        return numbers_of(output).dtype != dtype  # a list of numbers is one of float64
    return np.dtype(eval(output.text, {"np": np}) if isinstance(output, Made) else output) != dtype


def rank_1d_beyond_the_end(call):
    """The 1-D rank filter reads beyond its line where the window is longer, or ends a line's length
    behind it."""
    x, mode = call.args[0], call.said.get("mode", "reflect")
    if call.name not in RANKS or len(x.shape) != 1 or mode in ("constant", "nearest"):
        return False
    window = list(lengths(call.said.get("footprint", call.said.get("size")))) or [0]
    origin = call.said.get("origin", 0)
    origin = eval(origin.text, {"np": np}) if isinstance(origin, Made) else origin
    origin = max(np.ravel(origin)) if np.size(origin) else 0
    behind = max(window) - 1 - (max(window) - 1) // 2 + origin
    return max(window) > x.shape[0] or behind >= x.shape[0]


def reflected_far(call):
    """N-D filters read before the line where 'reflect' is at -2 k lengths of it, k from 2 on."""
    modes = call.said.get("mode", "reflect")
    x, room = call.args[0], call.name.split(".")[1]
    if not (modes in ("reflect", "grid-mirror") or isinstance(modes, (tuple, list))):
        return False
    windows = [call.said[word] for word in ("footprint", "structure") if word in call.said]
    if room in ("correlate", "convolve"):
        windows.append(call.args[1])
    elif call.name in RANKS:
        windows.append(call.said.get("size"))
    reach = max((n for window in windows for n in lengths(window)), default=0)
    reach = reach - 1 if "origin" in call.said else reach // 2
    return call.name.startswith("ndimage") and any(n > 1 and 4 * n <= reach for n in x.shape)


def lengths(window):
    if isinstance(window, Array):
        return window.shape
    if isinstance(window, (tuple, list)):
        return [n for n in window if isinstance(n, int)]
    return [window] if isinstance(window, int) else []


def structure_of_another_shape(call):
    """A structure is read as if it had the shape of the footprint; one of no cells crashes."""
    footprint, structure = call.said.get("footprint"), call.said.get("structure")
    if structure is None:
        return False
    if footprint is None:
        return numbers_of(structure).size == 0
    cells = numbers_of(footprint)
    return cells.shape != structure.shape or not cells.any()


def numbers_of(array):
    return np.asarray(made(array)[0])


def extended_from_nothing(call):
    """upfirdn reads or divides by nothing where it extends an axis that is too short."""
    word, at, first, plain = {
        "signal.upfirdn": ("mode", 1, -1, ("constant", "zero")),
        "signal.resample_poly": ("padtype", 0, 0, ("constant", "mean", "median", "zero")),
    }.get(call.name, (None, 0, 0, ()))
    if word is None or call.said.get(word, "constant") in plain:
        return False
    shape, axis = call.args[at].shape, call.said.get("axis", first)
    axis = axis if isinstance(axis, int) else eval(axis.text, {"np": np})
    return -len(shape) <= axis < len(shape) and shape[axis] < 2


def wrapped_from_nothing(call):
    """convolve2d divides by the length of an empty axis where it extends it."""
    if call.name not in ("signal.convolve2d", "signal.correlate2d"):
        return False
    return call.said.get("boundary", "fill") not in ("fill", "pad") and any(
        0 in a.shape for a in call.args
    )


def ranks_of_longdouble(call):
    """Before 1.14, signal has a rank filter of its own for longdouble; its results vary."""
    old = tuple(map(int, scipy.__version__.split(".")[:2])) < (1, 14)
    names = ("signal.order_filter", "signal.medfilt")
    return old and call.name in names and numbers_of(call.args[0]).dtype.char in "gO"


FAULTS = [rank_1d_into_another_dtype, rank_1d_beyond_the_end, reflected_far,
          structure_of_another_shape, extended_from_nothing, wrapped_from_nothing,
          ranks_of_longdouble]  # fmt: skip


def known(call):
    """Whether a fault of SciPy leaves no right answer to a call."""
    return any(fault(call) for fault in FAULTS)
