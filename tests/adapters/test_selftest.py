# SPDX-License-Identifier: BSD-3-Clause
"""An entry serves only if our function does what SciPy's does."""

from importlib import import_module

import numpy as np
import pytest
from engines import BY_ENGINE, Originals, look_at_all

from fastconv._scipy import selftest
from fastconv._scipy.entries import ENTRIES
from fastconv._scipy.seam import Seam

PLAIN = [name for name, entry in BY_ENGINE.items() if entry.holder != "sp_fft"]


def original(name):
    entry = BY_ENGINE[name]
    return entry.of(import_module(entry.module))


def with_engine(**functions):
    return look_at_all(Seam(Originals(**functions)))


def there(name):
    """Skip nothing: an entry that this SciPy lacks has a reason of its own."""
    return original(name) is not None


def test_the_same_function_is_ours():
    found = with_engine()
    assert {name for name, entry in found.items() if not entry.ours} <= {"ndimage.rank_filter_1d"}
    assert set(found) == set(selftest.CASES) == {entry.name for entry in ENTRIES}
    assert not any(entry.served for entry in found.values())


def test_an_entry_that_scipy_lacks_is_left_alone(monkeypatch):
    filters = import_module("scipy.ndimage._filters")
    monkeypatch.delattr(filters, "_rank_filter_1d", raising=False)
    found = with_engine()["ndimage.rank_filter_1d"]
    assert (found.ours, found.reason) == (False, "this version of SciPy has no such function")


def wrong(name):
    """The original, and then one bit of what it wrote or returned is another."""

    def call(*arguments):
        result = original(name)(*arguments)
        outputs = [value for value in arguments if isinstance(value, np.ndarray)]
        array = result if isinstance(result, np.ndarray) else outputs[-1]
        array.reshape(-1).view(np.uint8)[0] ^= 1
        return result

    return call


def raising(*arguments):
    raise RuntimeError("not today")


@pytest.mark.parametrize("name", [name for name in PLAIN if there(name)])
def test_other_bits_and_errors_leave_it_alone(name):
    entry = BY_ENGINE[name]
    said = dict.fromkeys(entry.engines, wrong(name))
    found = with_engine(**said)
    assert "another result than SciPy" in found[entry.name].reason
    others = {entry for entry in found if found[entry].ours}
    assert others == {e for e, status in with_engine().items() if status.ours} - {entry.name}
    found = with_engine(**dict.fromkeys(entry.engines, raising))[entry.name]
    assert (found.ours, found.reason) == (False, "ours raises RuntimeError: not today")


def test_the_next_function_gets_its_chance():
    found = with_engine(convolve2d=wrong("convolve2d"))["signal.convolve2d"]
    assert found.ours


def test_another_dtype_or_a_missing_result_is_seen():
    def other_dtype(*arguments):
        return original("medfilt2d")(*arguments).astype(np.float64)

    def same_bytes(*arguments):
        result = original("medfilt2d")(*arguments)
        return result.view(f"i{result.itemsize}")

    assert not with_engine(medfilt2d=other_dtype)["signal.medfilt2d"].ours
    assert not with_engine(medfilt2d=same_bytes)["signal.medfilt2d"].ours
    assert not with_engine(medfilt2d=lambda *arguments: None)["signal.medfilt2d"].ours


def test_an_input_that_is_written_to_is_seen():
    def scribbles(image, *arguments):
        result = original("correlate1d")(image, *arguments)
        image[0] += 1
        return result

    assert not with_engine(correlate1d=scribbles)["ndimage.correlate1d"].ours


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_another_signature_is_seen(entry):
    def other(one_argument):
        return one_argument

    assert "takes other arguments" in selftest.fault(entry, other, other)


def test_a_helper_that_is_gone_is_said(monkeypatch):
    support = import_module("scipy.ndimage._ni_support")
    monkeypatch.delattr(support, "_extend_mode_to_code")
    reason = with_engine()["ndimage.correlate"].reason
    assert reason.startswith("no test of it runs with this SciPy (AttributeError: ")


def test_a_function_that_always_hands_over_is_ours():
    assert with_engine(correlate=lambda *arguments: "never")["ndimage.correlate"].ours
