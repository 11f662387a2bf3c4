# SPDX-License-Identifier: BSD-3-Clause
"""method='fastest' of fastconv.signal, its estimates, and ``fastconv calibrate``."""

import json
import pickle
import warnings

import numpy as np
import pytest
from arrays import numbers
from scipy import signal as theirs

import fastconv
from fastconv import signal as ours
from fastconv._plan import constants
from fastconv._scipy import convolve_cost, fastest
from fastconv._scipy.convolve_cost import DTYPES, cheapest, estimates
from fastconv.cli import calibrate
from fastconv.cli.main import main

MODES = ("full", "same", "valid")
FUNCTIONS = ("convolve", "correlate")
ROUNDING = {"f": 2e-6, "d": 1e-14, "F": 2e-6, "D": 1e-14}


@pytest.fixture
def chosen(monkeypatch):
    """A list of the ways that are taken; setting `chosen.way` forces one."""

    class Ways(list):
        way = None

    ways = Ways()

    def choose(*arguments):
        ways.append(ways.way or cheapest(*arguments))
        return ways[-1]

    monkeypatch.setattr(fastest, "cheapest", choose)
    return ways


@pytest.fixture
def calibrated(monkeypatch, tmp_path):
    """A function that lets a file of this content be the calibration."""

    def forget():
        convolve_cost.rates.cache_clear()
        cheapest.cache_clear()

    def use(content):
        path = tmp_path / "calibration.json"
        path.write_text(content)
        monkeypatch.setenv("FASTCONV_CALIBRATION", str(path))
        forget()

    yield use
    monkeypatch.delenv("FASTCONV_CALIBRATION", raising=False)
    forget()


# ---- results ------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["direct", "fft", "overlap_add"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(("x", "w"), [("f4", "f4"), ("f8", "f4"), ("c8", "f4"), ("c16", "c16"),
                                      ("i2", "f8"), ("f8", "u1")])  # fmt: skip
def test_each_way_gives_the_sums(chosen, name, mode, x, w, way):
    chosen.way = way
    for first, second in (((211,), (17,)), ((9, 64), (3, 4)), ((12, 13, 14), (3, 4, 5)),
                          ((5, 4), (31, 29)), ((17,), (17,))):  # fmt: skip
        a, b = numbers(first, x), numbers(second, w, 1)
        dtype = np.result_type(a, b)  # SciPy's own sums of two dtypes are wrong now and then
        expected = getattr(theirs, name)(a.astype(dtype), b.astype(dtype), mode, "direct")
        got = getattr(ours, name)(a, b, mode, method="fastest", threads=1)
        assert got.dtype == dtype
        bound = ROUNDING[expected.dtype.char] * np.linalg.norm(a) * np.linalg.norm(b)
        np.testing.assert_allclose(got, expected, rtol=0, atol=bound)
        assert chosen.pop() == way


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("method", ["auto", "direct", "fft"])
def test_the_other_methods_are_those_of_scipy(name, method):
    for shape, other in (((500,), (31,)), ((40, 50), (7, 9))):
        for dtype in ("f4", "f8", "i4", "c8"):
            x, w = ((9 * numbers(n)).astype(dtype) for n in (shape, other))
            got = getattr(ours, name)(x, w, method=method)
            np.testing.assert_array_equal(got, getattr(theirs, name)(x, w, method=method))
            got = getattr(ours, name)(x, w, "same", method)
            np.testing.assert_array_equal(got, getattr(theirs, name)(x, w, "same", method))
            assert ours.choose_conv_method(x, w) == theirs.choose_conv_method(x, w)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_numbers_that_are_not_finite_are_summed(chosen, name, value):
    for way in ("fft", "overlap_add"):
        chosen.way = way
        for at in (0, 1):
            arrays = [numbers((300,)), numbers((20,), seed=1)]
            arrays[at][7] = value
            got = getattr(ours, name)(*arrays, method="fastest")
            expected = getattr(theirs, name)(*arrays, method="direct")
            np.testing.assert_array_equal(got, expected)
            assert np.isfinite(got).any()


def test_sums_of_large_numbers_that_transforms_cannot_hold(chosen):
    chosen.way = "fft"
    x, w = np.full(4000, 1e36, np.float32), np.ones(9, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = ours.convolve(x, w, method="fastest")
    np.testing.assert_array_equal(got, np.convolve(x, w))


@pytest.mark.parametrize("dtype", ["i8", "u1", "?", "O", "g", "i4"])
def test_integers_and_objects_are_summed(chosen, dtype):
    x, w = np.arange(3000).astype(dtype), (np.arange(2000) % 5).astype(dtype)
    got = ours.convolve(x, w, method="fastest")
    np.testing.assert_array_equal(got, theirs.convolve(x, w, method="direct"))
    assert got.dtype == x.dtype
    assert not chosen


def test_what_scipy_decides():
    half = numbers((30, 30), "f2"), numbers((3, 3), "f2", 1)
    np.testing.assert_array_equal(
        ours.convolve(*half, method="fastest"), theirs.convolve(*half)
    )  # which cannot sum it
    assert ours.convolve(2.0, 3.0, method="fastest") == 6
    assert ours.convolve([1, 2, 3], [1, 1], method="fastest").tolist() == [1, 3, 5, 3]
    assert ours.convolve([1.0, 2], [1, 1], "same", "fastest").tolist() == [1, 3]
    for arguments in (
        (np.ones(3), np.ones((2, 2))),
        (np.ones(3), np.ones(2), "some"),
        (np.ones((3, 9)), np.ones((9, 3)), "valid"),
        (np.ones(0), np.ones(3)),
    ):
        for name in FUNCTIONS:
            assert raised(ours, name, *arguments, method="fastest") == raised(
                theirs, name, *arguments
            )


def raised(module, name, *arguments, **said):
    """The message of the error that a call raises."""
    try:
        getattr(module, name)(*arguments, **said)
    except ValueError as error:
        return str(error)
    raise AssertionError("no error")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_wrong_method(name):
    words = "^Acceptable method flags are 'auto', 'direct', 'fft', or 'fastest'.$"
    for method in ("fast", "FFT", None, 3):
        with pytest.raises(ValueError, match=words):
            getattr(ours, name)([1.0], [1.0], method=method)
    with pytest.raises(TypeError, match="threads"):
        getattr(ours, name)([1.0], [1.0], method="fastest", threads="2")
    assert "'fastest'" in getattr(ours, name).__doc__
    assert "'fastest'" not in ours.fftconvolve.__doc__
    assert pickle.loads(pickle.dumps(getattr(ours, name))) is getattr(ours, name)


def test_other_kernels_and_layouts(chosen):
    chosen.way = "overlap_add"
    x = numbers((60, 80))[::2, ::-1]
    w = np.asfortranarray(numbers((5, 6), seed=1))
    x.flags.writeable = w.flags.writeable = False
    got = ours.correlate(x, w, "same", method="fastest")
    np.testing.assert_allclose(got, theirs.correlate(x, w, "same"), atol=1e-5)


# ---- estimates ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES.values())
def test_sensible_choices(dtype):
    """Where one is many times faster on any machine."""
    assert cheapest((100,), (3,), "full", dtype, 1) == "direct"
    assert cheapest((200, 200), (3, 3), "same", dtype, 1) == "direct"
    assert cheapest((20, 20, 20), (3, 3, 3), "same", dtype, 2) == "direct"
    assert cheapest((100_000,), (90_000,), "full", dtype, 1) == "fft"
    assert cheapest((600, 600), (500, 500), "full", dtype, 2) == "fft"
    assert cheapest((1_000_000,), (3000,), "full", dtype, 2) == "overlap_add"
    assert cheapest((1_000_000,), (1,), "full", dtype, 1) == "fft"  # which multiplies


def test_estimates_grow_with_the_work():
    one = estimates((10_000, 10), (50, 3), "full", "float64", 1)
    assert one.keys() == {"direct", "fft", "overlap_add"}
    more = estimates((40_000, 10), (50, 3), "full", "float64", 1)
    assert all(2 < more[way] / one[way] < 6 for way in one)
    two = estimates((40_000, 10), (50, 3), "full", "float64", 2)
    assert all(0.5 < two[way] / more[way] < 0.7 for way in one)
    signal = estimates((300_000,), (3000,), "full", "float64", 2)
    assert signal["fft"] == estimates((300_000,), (3000,), "full", "float64", 9)["fft"]


def test_blocks_are_those_of_scipy():
    from scipy.signal._signaltools import _calc_oa_lens

    for n, k in ((1000, 10), (100_000, 3000), (3000, 100), (500, 60)):
        points, blocks = convolve_cost.blocks_of(n, k)
        block, overlap, step, _ = _calc_oa_lens(n, k)
        assert abs(points / block - 1) < 0.1
        assert abs(blocks * step - n) <= 2 * block
        assert overlap == k - 1
    assert convolve_cost.blocks_of(100, 60) == (0, 1)


# ---- calibration --------------------------------------------------------------------------------


def test_a_calibration_decides(calibrated):
    found = json.loads(json.dumps(constants.CONVOLVE))
    for ways in found["float32"].values():
        ways["direct"] = [1e9, 0, 0]
    calibrated(json.dumps({"convolve": found}))
    assert cheapest((100,), (3,), "full", "float32", 1) != "direct"
    assert cheapest((100,), (3,), "full", "float64", 1) == "direct"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "JSONDecodeError"),
        ("{}", "KeyError"),
        ("3", "TypeError"),
        ('{"convolve": {}}', "it needs 3 numbers for float32, 1, direct"),
        ('{"convolve": {"float32": {"1": {"direct": [1, 2, "3"]}}}}', "it needs 3 numbers"),
        ('{"convolve": {"float32": {"1": {"direct": [1, 2, -3]}}}}', "it needs 3 numbers"),
    ],
)
def test_a_wrong_calibration_is_told(calibrated, content, reason):
    calibrated(content)
    words = r"^FASTCONV_CALIBRATION is '.*calibration.json', but it must name a file that "
    with pytest.raises(ValueError, match=f"{words}.*{reason}"):
        ours.convolve(np.ones(9), np.ones(3), method="fastest")
    assert ours.convolve(np.ones(9), np.ones(3)).sum() == 27  # others do not read it


def test_a_missing_calibration_is_told(calibrated, monkeypatch):
    calibrated("{}")
    monkeypatch.setenv("FASTCONV_CALIBRATION", "/none/here.json")
    with pytest.raises(ValueError, match="FileNotFoundError"):
        ours.convolve(np.ones(9), np.ones(3), method="fastest")


def test_the_shipped_constants():
    convolve_cost.check("constants", constants.CONVOLVE)


def test_calibrate(calibrated, monkeypatch, tmp_path, capsys):
    few = {
        "direct": (((50, 5), (300, 30)), ((6, 3), (9, 4)), ((4, 2), (5, 3))),
        "fft": (((50, 5), (300, 90)), ((6, 3), (9, 8)), ((4, 2), (5, 4))),
        "overlap_add": (((90, 5), (300, 9)), ((20, 3), (40, 4)), ((12, 3), (14, 3))),
    }
    monkeypatch.setattr(calibrate, "SIZES", few)
    monkeypatch.setattr(calibrate, "SECONDS", 0)
    path = tmp_path / "made.json"
    assert main(["calibrate", "--rounds", "1", "-o", str(path)]) == 0
    assert "FASTCONV_CALIBRATION=" in capsys.readouterr().out
    calibrated(path.read_text())
    assert convolve_cost.rates().keys() == constants.CONVOLVE.keys()
    assert cheapest((9,), (3,), "full", "float32", 1) in ("direct", "fft", "overlap_add")
    assert main(["calibrate", "--rounds", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + 12
    assert main(["calibrate", "--rounds", "0"]) == 2
    assert "--rounds is 0, but it must be at least 1" in capsys.readouterr().err
    assert main(["calibrate", "-o", str(tmp_path / "none" / "x.json")]) == 2


def test_a_fit_finds_the_constants():
    times = {}
    for sizes in calibrate.SIZES["direct"][1]:
        work = convolve_cost.work_of(*((n,) * 2 for n in sizes), "full")
        times[sizes] = 5000 + 2 * work.outputs + 0.25 * work.multiplies
    np.testing.assert_allclose(calibrate.fitted("direct", 2, times), [5000, 2, 0.25], rtol=0.01)


def test_threads_of_settings_count(chosen):
    with fastconv.settings(threads=1):
        assert ours.convolve(np.ones((9, 9)), np.ones((3, 3)), method="fastest").sum() == 729
    assert chosen == ["direct"]
