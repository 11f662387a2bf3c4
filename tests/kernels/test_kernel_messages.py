# SPDX-License-Identifier: BSD-3-Clause
"""What the named kernels and `separate` refuse, and the message for it."""

import math

import numpy as np
import pytest

import fastconv


def make(name, *values, **said):
    return getattr(fastconv.kernels, name)(*values, **said)


@pytest.mark.parametrize(
    ("name", "said", "message"),
    [
        ("mean", {"size": 0}, "mean: size is 0, but it must be an integer from 1 to 4096"),
        ("mean", {"size": 4097}, "mean: size is 4097, but it must be an integer"),
        ("mean", {"size": 10**5000}, "mean: size is a huge integer, but it must be an integer"),
        ("mean", {"size": (1, 2, 3)}, "mean: size has 3 entries, but it must have one or two"),
        ("gaussian", {"size": (3, -1)}, "gaussian: size is -1, but it must be an integer from 1"),
        ("gaussian", {"sigma": 0}, "gaussian: sigma is 0, but it must be above 0"),
        ("gaussian", {"sigma": math.nan}, "gaussian: sigma is nan, but it must be a finite number"),
        ("gaussian", {"sigma": 10**400}, "sigma is a huge integer, but it must be a finite number"),
        (
            "gaussian",
            {"sigma": 1e300},
            "sigma is 1e+300 with truncate 4 and no size, but their product "
            "must be below 2047.5; or pass a size",
        ),
        (
            "gaussian",
            {"sigma": 3, "truncate": 1e308},
            "sigma is 3 with truncate 1e+308 and no size",
        ),
        ("gaussian", {"truncate": -0.5}, "gaussian: truncate is -0.5, but it must be at least 0"),
        (
            "gaussian",
            {"truncate": math.nan, "size": 3},
            "truncate is nan, but it must be a finite number",
        ),
        ("unsharp", {"sigma": 512}, "unsharp: sigma is 512 with truncate 4 and no size"),
        ("gaussian", {"sigma": (1, -1)}, "gaussian: sigma is -1, but it must be above 0"),
        ("sobel", {"size": 4}, "sobel: size is 4, but it must be an odd integer from 3 to 31"),
        ("sobel", {"size": 33}, "sobel: size is 33, but it must be an odd integer"),
        ("sobel", {"axis": 2}, "sobel: axis is 2, but it must be an integer from -2 to 1"),
        ("scharr", {"axis": -3}, "scharr: axis is -3, but it must be an integer"),
        (
            "prewitt",
            {"size": 1},
            "prewitt: size is 1, but it must be an odd integer from 3 to 4095",
        ),
        (
            "laplacian",
            {"size": 2},
            "laplacian: size is 2, but it must be an odd integer from 3 to 31",
        ),
        (
            "laplacian",
            {"size": 5, "diagonal": True},
            "diagonal is True and size is 5, but size must be 3",
        ),
        (
            "sharpen",
            {"amount": -math.inf},
            "sharpen: amount is -inf, but it must be a finite number",
        ),
        (
            "unsharp",
            {"size": 4},
            "unsharp: size is 4, but it must be an odd integer from 1 to 4095",
        ),
        ("unsharp", {"sigma": -2.0}, "unsharp: sigma is -2.0, but it must be above 0"),
        ("unsharp", {"amount": math.nan}, "unsharp: amount is nan, but it must be a finite"),
        ("emboss", {"size": 6}, "emboss: size is 6, but it must be an odd integer from 3 to 4095"),
        ("emboss", {"angle": math.inf}, "emboss: angle is inf, but it must be a finite number"),
        ("gabor", {"size": 0}, "gabor: size is 0, but it must be an integer from 1 to 4096"),
        ("gabor", {"wavelength": 0.0}, "gabor: wavelength is 0.0, but it must be above 0"),
        (
            "gabor",
            {"gamma": 1e-300},
            "gabor: sigma is 2 with gamma 1e-300 and no size, but 3 * sigma "
            "and 3 * sigma / gamma must be at most 2047; or pass a size",
        ),
        (
            "gabor",
            {"wavelength": 1e-307},
            "gabor: wavelength is 1e-307 and psi is 1.5708, but "
            "2 pi u / wavelength - psi must be finite",
        ),
        ("gabor", {"wavelength": 5e-324, "size": 1}, "gabor: wavelength is 4.94066e-324 and psi"),
        ("gabor", {"wavelength": 1e-303, "psi": -1.7976931348623157e308}, "psi is -1.79769e+308, "),
        ("sharpen", {"amount": 1e308}, "sharpen: amount is 1e+308, but all taps must be finite"),
        ("gabor", {"theta": math.nan}, "gabor: theta is nan"),
        ("gabor", {"psi": math.nan}, "gabor: psi is nan"),
        (
            "separate",
            {"kernel": 2},
            "kernel has shape (), but it must have at least one axis and one number",
        ),
        (
            "separate",
            {"kernel": np.ones((0, 3))},
            "kernel has shape (0, 3), but it must have at least one axis and one number",
        ),
        (
            "separate",
            {"kernel": [[1], [1, 2]]},
            "separate: kernel is [[1], [1, 2]], but it must be",
        ),
        ("separate", {"kernel": [[1, math.nan]]}, "kernel holds inf or NaN, but its numbers"),
        (
            "separate",
            {"kernel": [[1]], "tolerance": 1},
            "tolerance is 1.0, but it must be from 0 to below 1",
        ),
        (
            "separate",
            {"kernel": [[1]], "tolerance": -0.5},
            "tolerance is -0.5, but it must be from 0",
        ),
        (
            "separate",
            {"kernel": [[1]], "rank": 0},
            "rank is 0, but it must be an integer of at least 1",
        ),
    ],
)
def test_values_refused(name, said, message):
    with pytest.raises(ValueError, match=r"^" + name + ": ") as caught:
        make(name, **said)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "said", "message"),
    [
        ("mean", {"size": 3.0}, "mean: size is 3.0, but it must be an integer from 1 to 4096"),
        ("mean", {"size": True}, "mean: size is True, but it must be an integer"),
        ("mean", {"size": [[1], [1, 2]]}, "mean: size is [1], but it must be an integer from 1"),
        ("mean", {"size": "3"}, "mean: size is '3', but it must be an integer"),
        ("sobel", {"size": (3, 3)}, "sobel: size is (3, 3), but it must be an odd integer"),
        ("gaussian", {"sigma": "1"}, "gaussian: sigma is '1', but it must be a real number"),
        ("gaussian", {"truncate": "4"}, "gaussian: truncate is '4', but it must be a real number"),
        ("sharpen", {"amount": 1j}, "sharpen: amount is 1j, but it must be a real number"),
        ("unsharp", {"amount": True}, "unsharp: amount is True, but it must be a real number"),
        ("laplacian", {"diagonal": 1}, "laplacian: diagonal is 1, but it must be True or False"),
        (
            "gabor",
            {"theta": np.ones((3, 3))},
            "gabor: theta is an array of shape (3, 3), but it must be a real number",
        ),
        (
            "separate",
            {"kernel": [[1]], "rank": 1.0},
            "rank is 1.0, but it must be an integer of at least 1",
        ),
        (
            "separate",
            {"kernel": [[1j]]},
            "kernel has dtype complex128, but it must be an array of real numbers",
        ),
        (
            "separate",
            {"kernel": None},
            "kernel has dtype object, but it must be an array of real numbers",
        ),
    ],
)
def test_types_refused(name, said, message):
    with pytest.raises(TypeError, match=r"^" + name + ": ") as caught:
        make(name, **said)
    assert message in str(caught.value)


class Broken(float):
    """Raises whenever it is read."""

    def _raise(self, *_, **__):
        raise RuntimeError("broken")

    __index__ = __float__ = __array__ = __repr__ = _raise


@pytest.mark.parametrize(
    ("name", "argument", "needed"),
    [
        ("separate", "rank", "an integer of at least 1"),
        ("mean", "size", "an integer from 1 to 4096"),
        ("gaussian", "sigma", "a real number"),
        ("separate", "kernel", "an array of real numbers"),
    ],
)
def test_objects_that_raise_are_refused_by_name(name, argument, needed):
    with pytest.raises(TypeError) as caught:
        make(name, **({"kernel": [[1]]} if name == "separate" else {}) | {argument: Broken()})
    assert str(caught.value) == f"{name}: {argument} is a Broken, but it must be {needed}"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gaussian", {"size": 77}),
        ("gaussian", {"size": 9, "sigma": 0.1}),
        ("gaussian", {"size": 5, "sigma": 1e-300}),
        ("unsharp", {"size": 77, "sigma": 1}),
        ("gabor", {"size": 301, "sigma": 2}),
        ("separate", {"kernel": np.outer([1e-200, 1], [1e-200, 1])}),
        ("separate", {"kernel": [[1e308, 1e308], [1e308, -1e308]]}),
    ],
)
def test_numbers_that_underflow_are_no_error(name, said):
    with np.errstate(all="raise"):
        make(name, **said)


def test_a_single_entry_is_for_both_axes():
    for one in ((3,), [3], np.array([3])):
        np.testing.assert_array_equal(make("mean", one), make("mean", 3))
        np.testing.assert_array_equal(make("gaussian", sigma=one), make("gaussian", sigma=3))


def test_separate_takes_any_limit():
    assert len(make("separate", np.eye(3), rank=2**70)) == 3


def test_separate_loses_no_mask():
    taps = np.ma.array(np.ones((3, 3)), mask=np.eye(3))
    with pytest.raises(
        TypeError, match="separate: kernel is a masked array, but it must be an arr"
    ):
        make("separate", taps)
