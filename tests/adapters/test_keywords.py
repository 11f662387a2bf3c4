# SPDX-License-Identifier: BSD-3-Clause
"""The keywords that our functions take, and arrays that are not NumPy's."""

import numpy as np
import pytest
from engines import BY_ENGINE, Originals
from scipy import ndimage

import fastconv
from fastconv._scipy.copies import Copies
from fastconv._scipy.entries import FILTERS
from fastconv._scipy.keywords import with_keywords
from fastconv._scipy.seam import Seam

image = np.arange(12.0).reshape(3, 4)


class Foreign:
    """An array of another library."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype)

    def __array_namespace__(self, api_version=None):
        return np


class Device:
    """An array on a device, without the array API."""

    @property
    def __cuda_array_interface__(self):
        return {"version": 3}


@pytest.fixture
def seen():
    """What holds inside of the engine: the threads of each call."""
    return []


@pytest.fixture
def functions(seen):
    import scipy.ndimage._filters as filters

    original = BY_ENGINE["correlate1d"].of(filters)

    def correlate1d(*arguments):
        seen.append(fastconv.get_num_threads())
        return original(*arguments)

    seam = Seam(Originals(correlate1d=correlate1d))
    made = Copies(seam).public("ndimage")
    seam.places_of(FILTERS)
    seen.clear()
    return made


def test_threads_hold_inside_only(functions, seen):
    default = fastconv.get_num_threads()
    gaussian = functions["gaussian_filter"]
    gaussian(image, 1, threads=3)
    gaussian(image, sigma=1, precision="fast", mode="nearest")
    gaussian(image, 1, axes=(0,), threads=2, precision="fast")
    gaussian(image, 1, axes=(0,))
    assert seen == [3, 3, default, default, 2, default]
    assert fastconv.get_num_threads() == default


def test_they_pass_through_functions_that_pass_keywords_on(functions, seen):
    functions["gaussian_gradient_magnitude"](image, 1, threads=3, truncate=2.0)
    assert set(seen) == {3}


def test_an_error_inside_leaves_nothing(functions):
    default = fastconv.get_num_threads()
    with pytest.raises(RuntimeError, match="no filter weights given"):
        functions["correlate1d"](image, image, precision="fast", threads=2)
    assert fastconv.get_num_threads() == default


@pytest.mark.parametrize(
    ("said", "kind", "message"),
    [
        ({"threads": 0}, ValueError, "^gaussian_filter: threads is 0, but it must be "),
        ({"threads": "2"}, TypeError, "^gaussian_filter: threads is '2', but it must be "),
        (
            {"precision": "float"},
            ValueError,
            "^gaussian_filter: precision is 'float', but it must be one of 'scipy', 'fast'$",
        ),
        ({"precision": None}, TypeError, "^gaussian_filter: precision is None, but it must be"),
    ],
)
def test_wrong_keywords_are_named(said, kind, message):
    with pytest.raises(kind, match=message):
        fastconv.ndimage.gaussian_filter(image, 1, **said)


def test_functions_that_reach_no_entry_do_not_take_them():
    with pytest.raises(TypeError, match="threads"):
        fastconv.ndimage.rotate(image, 3, threads=2)


# ---- arrays of others --------------------------------------------------------------------------


def ours(input, weights, axis=-1, output=None, *, axes=None, **words):
    return ("ours", input, weights, axis, output, axes, words)


def theirs(*arguments, **words):
    return ("theirs", arguments, words)


@pytest.mark.parametrize("array", [Foreign(image), Device()], ids=["array API", "device"])
def test_arrays_of_others_go_to_scipy(array):
    call = with_keywords(ours, theirs, "here")
    rest = {"axes": None}
    assert call(array, 2) == ("theirs", (array, 2, -1, None), rest)
    assert call(1, array, threads=2, more=3) == ("theirs", (1, array, -1, None), rest | {"more": 3})
    assert call(1, 2, output=array, precision="fast") == ("theirs", (1, 2, -1, array), rest)


@pytest.mark.parametrize(
    "array",
    [image, np.ma.array(image), image.view(np.recarray), [1, 2], np.float16(2), range(3)],
    ids=type,
)
def test_all_else_is_ours(array):
    assert with_keywords(ours, theirs, "here")(array, 2)[0] == "ours"


def test_a_call_with_an_array_of_others_gives_what_scipy_gives(functions, seen):
    expected = ndimage.gaussian_filter(Foreign(image), 1)
    assert functions["gaussian_filter"](Foreign(image), 1).tobytes() == expected.tobytes()
    assert not seen
