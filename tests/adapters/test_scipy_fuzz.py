# SPDX-License-Identifier: BSD-3-Clause
"""Random calls of the drop-in against SciPy; and that each kind of fault would be found.

``FASTCONV_FUZZ_CASES=1000000 pytest -m soak tests/adapters/test_scipy_fuzz.py`` looks further.
"""

import ctypes
import os
import subprocess
import sys
import warnings
from types import SimpleNamespace

import fuzz_scipy
import numpy as np
import pytest
from fuzz_scipy import Pair, full_names, fuzz
from programs import linux
from scipy import ndimage, signal
from scipy_arrays import LAYOUTS, Array, Call, Made, Over, made, over
from scipy_cases import NAMES, drawn
from scipy_check import SCIPY, Outcome, check, failure, modules, values_differ
from scipy_faults import FAULTS, known

CASES = int(os.environ.get("FASTCONV_FUZZ_CASES", "100000"))
SEED = int(os.environ.get("FASTCONV_FUZZ_SEED", "1"))
SHORT = 4000  # calls of every run of the tests


def found(cases, seed, **said):
    texts = []
    fuzz(cases, seed, show=texts.append, **said)
    return "\n".join(texts)


@linux
def test_some_random_calls():
    assert not found(SHORT, 0, pair=Pair(modules("fastconv")))


@linux
@pytest.mark.soak
def test_many_random_calls():
    assert not found(CASES, SEED, pair=Pair(modules("fastconv")), jobs=2)


@linux
@pytest.mark.soak
def test_scipy_gives_its_own_bits_whatever_the_heap_holds():
    assert not found(10000, SEED, pair=Pair(SCIPY, heaps=True), jobs=2)


# ---- calls -------------------------------------------------------------------------------------


def test_a_call_depends_on_its_seed_and_number_alone():
    assert repr(drawn(7, 11)) == repr(drawn(7, 11)) != repr(drawn(7, 12))


def test_a_call_prints_as_python():
    from scipy_arrays import Own, inf, nan

    names = {"Own": Own, "inf": inf, "nan": nan, "Array": Array, "Call": Call, "Made": Made,
             "Over": Over}  # fmt: skip
    for number in range(300):
        call = drawn(1, number)
        assert repr(eval(repr(call), names)) == repr(call)


def test_calls_are_of_every_kind():
    calls = [drawn(1, number) for number in range(6000)]
    said = {word for call in calls for word in call.said}
    assert said >= {"axis", "axes", "mode", "cval", "origin", "output", "size", "footprint",
                    "structure", "order", "truncate", "radius", "boundary", "fillvalue", "up",
                    "down", "kernel_size", "deriv"}  # fmt: skip
    assert {call.name for call in calls} == set(NAMES)
    inputs = [call.args[0] for call in calls]
    assert {len(x.shape) for x in inputs} == set(range(7))
    assert {x.layout for x in inputs} >= {*LAYOUTS, "list"}
    assert {x.dtype for x in inputs} >= {"f2", "g", "O", ">f8", "b1", "u8", "c8", "c16"}
    assert any(0 in x.shape for x in inputs)
    outputs = {type(call.said.get("output")) for call in calls}
    assert outputs >= {Array, Over, Made, str}
    assert sum(map(known, calls)) < 0.03 * len(calls)


def test_most_calls_have_results():
    calls = [drawn(3, number) for number in range(600)]
    runs = [Outcome(call, SCIPY) for call in calls if not known(call)]
    assert sum(run.error is None for run in runs) > 0.7 * len(runs)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_hold_the_same_numbers(layout):
    plain, _ = made(Array((3, 1, 4), "f4", "normal", 5))
    view, memory = made(Array((3, 1, 4), "f4", "normal", 5, layout))
    assert view.shape == plain.shape
    assert np.array_equal(view, np.broadcast_to(plain[-1], view.shape)) if (
        layout == "broadcast") else np.array_equal(view, plain)  # fmt: skip
    low, high = np.lib.array_utils.byte_bounds(view)
    begin, end = np.lib.array_utils.byte_bounds(memory)
    assert begin + 60 < low < high < end - 60
    for how in ("reversed", "swapped", "next"):
        first, last = np.lib.array_utils.byte_bounds(over(None, view, memory, how))
        assert begin + 60 < first < last < end - 60


def test_names():
    assert full_names(["laplace", "signal.convolve"]) == ("ndimage.laplace", "signal.convolve")
    assert full_names(["convolve"]) == ("ndimage.convolve", "signal.convolve")
    assert full_names([]) == NAMES


# ---- what is the same --------------------------------------------------------------------------


def test_the_same_bits():
    def differ(a, b):
        return values_differ(np.array(a), np.array(b))

    other = np.array([0x7FF8000000000001, 0xFFF0000000000001], "u8").view("f8")
    assert not differ([np.nan, np.nan], other)
    assert not differ([np.nan + 1j, 2 + 1j * np.nan], [other[0] + 1j, 2 + 1j * other[1]])
    assert "values" in differ([0.0, 1], [-0.0, 1])
    assert "values" in differ([1j], [complex(-0.0, 1)])
    assert "values" in differ([1.0], [np.nextafter(1, 2)])
    assert "values" in differ([np.nan], [np.inf])
    assert "dtype" in differ([1], [1.0])
    assert "shape" in differ([1], [[1]])
    assert "dtype" in values_differ(np.zeros(1, ">f8"), np.zeros(1, "<f8"))
    assert "values" in values_differ(np.zeros(1, "g"), -np.zeros(1, "g"))
    assert "values" in differ(np.array([1, "a"], object), np.array([1.0, "a"], object))


def test_transforms_to_rounding():
    x = np.array([1000.0, 1e-3])
    assert not values_differ(x, x + 1e-11, roughly=True)
    assert "values" in values_differ(x, x + 1e-9, roughly=True)


def test_known_faults_are_left_out():
    far, near = Array((33,)), Array((31,))
    ones = Array((5,), "b1", "ones")
    for call in (
        Call("ndimage.median_filter", (Array((9,), "f4"),), {"size": 3, "output": "float64"}),
        Call("ndimage.rank_filter", (Array((3,)), 2), {"size": 5, "mode": "wrap", "origin": 2}),
        Call("ndimage.correlate", (Array((4,)), far), {}),
        Call("ndimage.grey_erosion", (far,), {"footprint": ones, "structure": Array((4,))}),
        Call("signal.upfirdn", (Array((2,)), Array((1,))), {"mode": "reflect"}),
        Call("signal.convolve2d", (Array((1, 0)), Array((1, 2))), {"boundary": "wrap"}),
    ):
        assert [fault for fault in FAULTS if fault(call)], call
    for call in (
        Call("ndimage.median_filter", (Array((9,), "f4"),), {"size": 3, "output": "float32"}),
        Call("ndimage.correlate", (Array((4,)), near), {}),
        Call("ndimage.correlate", (Array((4,)), far), {"mode": "mirror"}),
        Call("ndimage.grey_erosion", (far,), {"footprint": ones, "structure": Array((5,))}),
    ):
        assert not known(call), call


# ---- faults are found --------------------------------------------------------------------------


def changed(name, change):
    """SciPy's modules, of which one function has its result and arguments changed."""
    room, word = name.split(".")
    right = getattr(getattr(SCIPY, room), word)

    def wrong(*args, **said):
        return change(right, *args, **said)

    pair = {"ndimage": vars(ndimage), "signal": vars(signal)}
    return SimpleNamespace(**{
        key: SimpleNamespace(**{**names, **({word: wrong} if key == room else {})})
        for key, names in pair.items()
    })  # fmt: skip


def result(function):
    return lambda right, *args, **said: function(right(*args, **said))


def in_place(function):
    """A change of the result that stays in the array it is in."""

    def change(right, *args, **said):
        got = right(*args, **said)
        if got.size:
            function(got)
        return got

    return change


def one_ulp(got):
    if got.dtype.kind == "f":
        got[(-1,) * got.ndim] = np.nextafter(got[(-1,) * got.ndim], got.dtype.type(0))


def positive_zero(got):
    if got.dtype.kind == "f":
        got[got == 0] = 0.0


def saturating(right, x, *args, output=None, **said):
    got = right(x, *args, output=output, **said)
    if not np.iscomplexobj(got) and got.dtype.kind in "iu" and got.dtype.itemsize < 8:
        ends = np.iinfo(got.dtype)
        exact = right(x, *args, **{**said, "output": np.float64})
        with np.errstate(invalid="ignore"):
            got[...] = np.clip(exact, ends.min, ends.max)
    return got


def fused(right, x, weights, *args, **said):
    """Sums in long doubles, as if products were not rounded."""
    got = right(x, weights, *args, **said)
    x, weights = np.asarray(x), np.asarray(weights)
    if got.dtype == x.dtype == weights.dtype == np.float64 and x.ndim == 1 and not said:
        sums = np.correlate(x.astype("g"), weights.astype("g"), "valid").astype("f8")
        with np.errstate(invalid="ignore"):
            got[weights.size // 2 :][: sums.size] = sums if sums.size <= x.size else got
    return got


def other_border(right, *args, **said):
    if said.get("mode", "reflect") == "reflect":
        return right(*args, **{**said, "mode": "mirror"})
    return right(*args, **said)


def exactly_symmetric(right, x, weights, *args, **said):
    """Weights that are symmetric but for rounding are summed as general ones are."""
    w = np.asarray(weights)
    if w.ndim == 1 and w.dtype == np.float64 and len(w) % 2 and not said.get("origin"):
        differs = abs(w - w[::-1]).max()
        if 0 < differs <= 2.0**-52:
            return right(x, np.concatenate([w, [0.0]]), *args, **said)
    return right(x, weights, *args, **said)


def cval_as_input(right, x, *args, **said):
    """A border that has the dtype of the input."""
    x = np.asarray(x)
    if "cval" in said and x.dtype.kind in "iu" and isinstance(said["cval"], (int, float)):
        with np.errstate(all="ignore"):
            said["cval"] = np.float64(said["cval"]).astype(x.dtype)
    return right(x, *args, **said)


def no_nan(right, x, *args, **said):
    x = np.asarray(x)
    return right(np.where(x != x, x.dtype.type(-np.inf), x) if x.dtype.kind == "f" else x,
                 *args, **said)  # fmt: skip


def other_error(right, *args, **said):
    try:
        return right(*args, **said)
    except RuntimeError as error:
        raise ValueError(*error.args) from None


def beside(right, *args, **said):
    """A byte beyond the last number of the output is written."""
    got = right(*args, **said)
    if isinstance(said.get("output"), np.ndarray) and got.size:
        last = got.__array_interface__["data"][0] + sum(
            max(s * (n - 1), 0) for s, n in zip(got.strides, got.shape, strict=True)
        )
        ctypes.memset(last + got.itemsize, 0, 1)
    return got


def writes_input(right, x, *args, **said):
    got = right(x, *args, **said)
    if isinstance(x, np.ndarray) and x.size and x.dtype == np.uint8 and x.flags.writeable:
        x[(0,) * x.ndim] ^= 1
    return got


def one_sum(right, x, w, mode="full", **said):
    """The sum of all taps in order, not of the sums of rows."""
    if not said and np.asarray(x).dtype == np.asarray(w).dtype == np.float64:
        return signal.convolve(x, w, mode, method="direct")
    return right(x, w, mode, **said)


def warning(right, *args, **said):
    warnings.warn("slow", RuntimeWarning, stacklevel=1)
    return right(*args, **said)


def not_into_output(right, *args, **said):
    output = said.pop("output", None)
    return right(*args, **said, output=output.copy() if isinstance(output, np.ndarray) else output)


MUTANTS = {
    "one ulp": ("ndimage.gaussian_filter", in_place(one_ulp)),
    "one ulp of a sum": ("signal.correlate", in_place(one_ulp)),
    "the sign of zero": ("ndimage.correlate1d", in_place(positive_zero)),
    "one sum over all rows": ("signal.convolve2d", one_sum),
    "a border": ("ndimage.uniform_filter1d", other_border),
    "a border of a window": ("ndimage.maximum_filter", other_border),
    "clipped integers": ("ndimage.convolve", saturating),
    "fused multiply-add": ("ndimage.correlate1d", fused),
    "almost symmetric": ("ndimage.correlate1d", exactly_symmetric),
    "cval of the input's dtype": ("ndimage.correlate", cval_as_input),
    "NaN left out": ("ndimage.minimum_filter1d", no_nan),
    "NaN left out of medians": ("ndimage.median_filter", no_nan),
    "dtype": ("signal.upfirdn", result(lambda got: got.astype("f8"))),
    "an exception": ("ndimage.rank_filter", other_error),
    "a byte beside": ("ndimage.sobel", beside),
    "the input": ("ndimage.grey_dilation", writes_input),
    "a warning": ("signal.medfilt2d", warning),
    "another array": ("ndimage.laplace", not_into_output),
}


@pytest.mark.parametrize("kind", MUTANTS)
def test_a_fault_is_found(kind):
    name, change = MUTANTS[kind]
    ours, calls = changed(name, change), (drawn(5, number, (name,)) for number in range(500))
    assert any(failure(call, ours) for call in calls if not known(call))


def test_the_same_modules_do_not_differ():
    calls = (drawn(6, number) for number in range(500))
    assert not [call for call in calls if not known(call) and failure(call, SCIPY)]


# ---- processes ---------------------------------------------------------------------------------

HERE = "ndimage.laplace"


@linux
def test_a_difference_is_shown_small():
    ours = changed(HERE, in_place(one_ulp))
    texts = []
    failed = fuzz(60, 1, show=texts.append, names=(HERE,), pair=Pair(ours))
    assert len(failed) > 5
    assert len(texts) >= 1
    assert "check(Call('ndimage.laplace', (Array(" in texts[0]
    assert len(texts[0].splitlines()[-1]) < 80
    names = {}
    exec(texts[0].rpartition("check(")[0], names)
    call = eval(texts[0].rpartition("check(")[2].strip()[:-1], names)
    with pytest.raises(AssertionError, match="values"):
        check(call, ours)
    check(call, SCIPY)


@linux
def test_a_crash_is_a_failure_of_its_call(monkeypatch):
    def crash(right, x, **said):
        return ctypes.string_at(0) if len(np.shape(x)) == 3 else right(x, **said)

    monkeypatch.setattr(fuzz_scipy, "TRIES", 4)
    crashing = [n for n in range(40) if len(drawn(1, n, (HERE,)).args[0].shape) == 3]
    counts = np.zeros((len(NAMES), 4), int)
    texts = []
    failed = fuzz(40, 1, show=texts.append, names=(HERE,), pair=Pair(changed(HERE, crash)),
                  counts=counts, jobs=2)  # fmt: skip
    assert [at for at, _ in failed] == crashing != []
    assert "SIGSEGV" in texts[0]
    assert counts.sum(axis=0)[0] == 40


@linux
def test_a_call_that_hangs_is_ended(monkeypatch):
    def hang(right, x, **said):
        while len(np.shape(x)) == 1:
            pass
        return right(x, **said)

    monkeypatch.setattr(fuzz_scipy, "PATIENCE", 0.3)
    monkeypatch.setattr(fuzz_scipy, "TRIES", 0)
    at = next(n for n in range(100) if len(drawn(1, n, (HERE,)).args[0].shape) == 1)
    failed = fuzz(2, 1, at, show=str, names=(HERE,), pair=Pair(changed(HERE, hang)))
    assert failed[0][1].startswith("late: SIGKILL")


@linux
def test_the_command():
    words = ["--cases", "40", "--seed", "2", "--only", "sobel", "--ours", "scipy"]
    done = subprocess.run(
        [sys.executable, fuzz_scipy.__file__, *words], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["calls", "results", "errors", "left", "out", "differ"]
    assert lines[1].split()[:2] == ["ndimage.sobel", "40"]
    assert lines[-1].startswith("40 calls of seed 2, 0 differ")
