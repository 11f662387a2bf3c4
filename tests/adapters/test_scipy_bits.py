# SPDX-License-Identifier: BSD-3-Clause
"""The drop-in gives SciPy's bits: dtype, shape, values, exceptions, warnings, and nothing beside.

``FASTCONV_EXAMPLES=20000 pytest tests/adapters/test_scipy_bits.py`` looks further, and so does
``python tests/lib/fuzz_scipy.py``.
"""

import os

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy_cases import NAMES, call_of
from scipy_check import failure, modules
from scipy_faults import known

EXAMPLES = int(os.environ.get("FASTCONV_EXAMPLES", "150"))
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


@pytest.mark.parametrize("group", GROUPS)
def test_the_bits_are_those_of_scipy(ours, group):
    @settings(
        max_examples=EXAMPLES, deadline=None,
        suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
    )  # fmt: skip
    @given(
        call=st.builds(call_of, st.randoms(use_true_random=False), st.sampled_from(members(group)))
    )
    def compared(call):
        assume(not known(call))
        wrong = failure(call, ours)
        assert not wrong, wrong

    compared()


def test_each_function_is_in_one_group():
    assert sorted(name for group in GROUPS for name in members(group)) == sorted(NAMES)
