# SPDX-License-Identifier: BSD-3-Clause
"""The drop-in gives SciPy's bits: dtype, shape, values, exceptions, warnings, and nothing beside.

``FASTCONV_EXAMPLES=20000 pytest tests/adapters/test_scipy_bits.py`` looks further, and so does
``python tests/lib/fuzz_scipy.py``.
"""

import os

import pytest
from fuzz_scipy import Pair, reproducer, shrunk
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from programs import linux
from scipy_cases import NAMES, drawn
from scipy_check import failure, modules
from scipy_faults import known

EXAMPLES = int(os.environ.get("FASTCONV_EXAMPLES", "150"))
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much]
GROUPS = {
    "lines": ("correlate1d", "convolve1d"),
    "windows": ("ndimage.correlate", "ndimage.convolve"),
    "gaussians": ("gaussian_filter1d", "gaussian_filter", "gaussian_laplace",
                  "gaussian_gradient_magnitude"),
    "derivatives": ("laplace", "sobel", "prewitt", "generic_laplace", "generic_gradient_magnitude"),
    "boxes": ("uniform_filter1d", "uniform_filter"),
    "extrema of lines": ("minimum_filter1d", "maximum_filter1d"),
    "extrema": ("minimum_filter", "maximum_filter"),
    "morphology": ("grey_erosion", "grey_dilation", "grey_opening", "grey_closing",
                   "morphological_gradient", "morphological_laplace", "white_tophat",
                   "black_tophat"),
    "ranks": ("rank_filter", "median_filter", "percentile_filter"),
    "planes": ("convolve2d", "correlate2d"),
    "sums": ("signal.convolve", "signal.correlate"),
    "transforms": ("fftconvolve", "oaconvolve"),
    "rates": ("upfirdn", "resample_poly", "decimate"),
    "medians": ("medfilt", "medfilt2d", "order_filter"),
    "smoothing": ("savgol_filter", "wiener"),
}  # fmt: skip


def members(group):
    words = GROUPS[group]
    return [name for name in NAMES if name in words or name.split(".")[1] in words]


@pytest.fixture(scope="module")
def ours():
    return modules("fastconv")


def told(call, wrong, ours):
    """How to reproduce a difference, in the smallest call that shows it."""
    return f"\n{reproducer(*shrunk(Pair(ours), call, wrong))}"


@linux
@pytest.mark.parametrize("group", GROUPS)
def test_the_bits_are_those_of_scipy(ours, group):
    """Hypothesis chooses the number of a call and keeps it; `shrunk` knows what is simpler."""

    @settings(max_examples=EXAMPLES, deadline=None, phases=PHASES, suppress_health_check=SLOW)
    @given(number=st.integers(0, 2**38))
    def compared(number):
        call = drawn(0, number, members(group))
        assume(not known(call))
        wrong = failure(call, ours)
        assert not wrong, told(call, wrong, ours)

    compared()


def test_each_function_is_in_one_group():
    assert sorted(name for group in GROUPS for name in members(group)) == sorted(NAMES)
