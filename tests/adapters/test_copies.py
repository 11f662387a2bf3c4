# SPDX-License-Identifier: BSD-3-Clause
"""fastconv.ndimage and fastconv.signal: SciPy's functions, over an engine."""

import inspect
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from types import FunctionType, ModuleType

import numpy as np
import pytest
from engines import Originals, look_at_all
from scipy import ndimage, signal

import fastconv
from fastconv._scipy.copies import Copies
from fastconv._scipy.seam import Seam

PACKAGES = {"ndimage": ndimage, "signal": signal}
OURS = {name: import_module(f"fastconv.{name}") for name in PACKAGES}
image = np.random.default_rng(1).standard_normal((9, 12))
taps = np.random.default_rng(2).standard_normal((3, 4))
line, few = image[0], np.array([0.5, -0.25, 0.75])

# Each function of ours, with arguments that lead it to an entry.
CALLS = {
    "ndimage": {
        "convolve": (image, taps),
        "convolve1d": (image, few),
        "correlate": (image, taps),
        "correlate1d": (image, few),
        "gaussian_filter": (image, 1),
        "gaussian_filter1d": (image, 1),
        "gaussian_gradient_magnitude": (image, 1),
        "gaussian_laplace": (image, 1),
        "laplace": (image,),
        "maximum_filter": (image, 3),
        "maximum_filter1d": (image, 3),
        "median_filter": (image, 3),
        "minimum_filter": (image, None, taps > 0),
        "minimum_filter1d": (image, 3),
        "percentile_filter": (image, 30, 3),
        "prewitt": (image,),
        "rank_filter": (image, 2, 3),
        "sobel": (image,),
        "uniform_filter": (image, 3),
        "uniform_filter1d": (image, 3),
        "black_tophat": (image, 3),
        "grey_closing": (image, 3),
        "grey_dilation": (image, 3),
        "grey_erosion": (image, 3),
        "grey_opening": (image, 3),
        "morphological_gradient": (image, 3),
        "morphological_laplace": (image, 3),
        "white_tophat": (image, 3),
    },
    "signal": {
        "choose_conv_method": (image, taps, "full", True),
        "convolve": (image, taps, "same", "direct"),
        "convolve2d": (image, taps),
        "correlate": (image, taps, "full", "direct"),
        "correlate2d": (image, taps, "same", "symm"),
        "decimate": (line, 2, 4, "fir"),
        "deconvolve": None,  # one dimension: NumPy's own, or an FFT of many samples
        "fftconvolve": (image, taps),
        "medfilt": (image, 3),
        "medfilt2d": (image, 3),
        "oaconvolve": (np.resize(image, (100, 12)), taps),
        "order_filter": (image, np.ones((3, 3)), 2),
        "resample_poly": (line, 3, 2),
        "savgol_filter": (line, 5, 2),
        "upfirdn": (few, line, 2, 3),
        "wiener": (image, 3),
    },
}
SERVED = [(p, name) for p, calls in CALLS.items() for name, call in calls.items() if call]


@pytest.fixture
def seam():
    """One whose engine are SciPy's own functions."""
    seam = Seam(Originals())
    look_at_all(seam)
    return seam


def public(package):
    """The public names of a package of SciPy, without deprecated modules."""
    theirs = PACKAGES[package]
    found = {n for n in theirs.__all__ if not isinstance(getattr(theirs, n), ModuleType)}
    return sorted(found | ({"windows"} if package == "signal" else set()))


@pytest.mark.parametrize("package", PACKAGES)
def test_all_public_names_are_there(package):
    ours = OURS[package]
    assert ours.__all__ == dir(ours) == public(package)
    space = {}
    exec(f"from fastconv.{package} import *", space)
    assert set(public(package)) <= set(space)
    assert getattr(fastconv, package) is ours
    with pytest.raises(AttributeError, match=f"'fastconv.{package}' has no attribute 'nothing'"):
        _ = ours.nothing


@pytest.mark.parametrize("package", PACKAGES)
def test_ours_are_those_that_reach_an_entry(package):
    ours, theirs = OURS[package], PACKAGES[package]
    differ = {n for n in public(package) if getattr(ours, n) is not getattr(theirs, n)}
    assert differ == CALLS[package].keys()


@pytest.mark.parametrize("package", PACKAGES)
def test_all_are_documented_and_pickle(package):
    for name in public(package):
        function = getattr(OURS[package], name)
        if isinstance(function, ModuleType):
            continue
        assert function.__doc__ or not getattr(PACKAGES[package], name).__doc__
        assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.parametrize(("package", "name"), SERVED)
def test_ours_call_the_engine_and_give_the_same(seam, package, name):
    """SciPy's own functions do not, as long as the patch is not installed."""
    function, arguments = Copies(seam).public(package)[name], CALLS[package][name]
    theirs = getattr(PACKAGES[package], name)
    expected = theirs(*arguments)
    assert not seam.status().served
    got = function(*arguments)
    assert seam.status().served > 0
    if isinstance(got, np.ndarray):
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
        assert got.tobytes() == expected.tobytes()


@pytest.mark.parametrize(("package", "name"), [(p, n) for p in CALLS for n in CALLS[p]])
def test_ours_look_like_theirs(package, name):
    function, theirs = getattr(OURS[package], name), getattr(PACKAGES[package], name)
    assert isinstance(function, FunctionType)
    assert (function.__module__, function.__name__) == (f"fastconv.{package}", name)
    assert function.__qualname__ == name
    assert function.__doc__.startswith(inspect.cleandoc(theirs.__doc__)[:60])
    assert "\nthreads : int, optional\n" in function.__doc__
    parameters = dict(inspect.signature(function).parameters)
    assert str(parameters.pop("threads")) == "threads=None"
    assert str(parameters.pop("precision")) == "precision='scipy'"
    assert list(parameters.values()) == list(inspect.signature(theirs).parameters.values())


def test_a_call_that_is_handed_over_is_scipys():
    engine = Originals(correlate1d=lambda *arguments: "never")
    seam = Seam(engine)
    function = Copies(seam).public("ndimage")["gaussian_filter"]
    assert function(image, 1).tobytes() == ndimage.gaussian_filter(image, 1).tobytes()
    assert seam.places["ndimage.correlate1d"].counts.handed_over == {"never": 2}


def test_errors_are_scipys():
    with pytest.raises(RuntimeError, match="no filter weights given"):
        fastconv.ndimage.correlate1d(image, taps)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'weights'"):
        fastconv.ndimage.correlate1d(image)
    with pytest.raises(ValueError, match="convolve2d inputs must both be 2-D arrays"):
        fastconv.signal.convolve2d(line, few)


def test_ours_run_in_a_pool_of_spawned_processes():
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        got = pool.submit(fastconv.ndimage.gaussian_filter, image, 1, threads=1).result()
    assert got.tobytes() == ndimage.gaussian_filter(image, 1).tobytes()
