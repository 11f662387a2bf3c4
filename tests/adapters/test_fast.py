# SPDX-License-Identifier: BSD-3-Clause
"""precision='fast': SciPy's results to rounding, and SciPy itself wherever that is not sure."""

import inspect
import warnings

import numpy as np
import pytest
import scipy.ndimage._filters as filters
from fast_calls import IMAGES, ORDINARY, WRONG, cross, drawn, holed, x
from scipy import ndimage as theirs
from scipy import signal as their_signal
from scipy_check import worded

import fastconv
from fastconv import ndimage, signal
from fastconv._scipy import fast, fast_jobs

EPSILON = float(np.finfo(np.float32).eps)
MODES = (
    "reflect", "mirror", "nearest", "wrap", "constant", "grid-mirror", "grid-wrap", "grid-constant"
)  # fmt: skip


@pytest.fixture
def ran(monkeypatch):
    """Jobs that have run; also small images are worth one."""
    for limit in ("ELEMENTS", "WORTH", "INNERMOST"):
        monkeypatch.setattr(fast_jobs, limit, 0)
    jobs, run = [], fast_jobs.Job.run

    def noted(job):
        jobs.append(job)
        return run(job)

    monkeypatch.setattr(fast_jobs.Job, "run", noted)
    return jobs


def package(name):
    ours, word = name.rsplit(".", 1)
    both = (signal, their_signal) if ours.endswith("signal") else (ndimage, theirs)
    return tuple(getattr(module, word) for module in both)


def magnitudes(original, arguments, words, monkeypatch):
    """The sums of the magnitudes of all products."""
    one_pass = filters.correlate1d

    def positive(input, weights, *rest, **more):
        return one_pass(input, np.abs(weights), *rest, **more)

    wide = [np.abs(np.float64(a)) if isinstance(a, np.ndarray) else a for a in arguments]
    with monkeypatch.context() as patch:
        patch.setattr(filters, "correlate1d", positive)
        if "cval" in words:
            words = {**words, "cval": abs(words["cval"])}
        return original(*wide, **words)


def bound(job):
    """Of the error, for sums of magnitudes of 1: half an epsilon for each tap of each pass, and a
    few for weights and results that are rounded."""
    kernels = []
    for step in job.steps:
        kernels += step.kernel if isinstance(step.kernel, list) else [step.kernel]
    taps = [kernel.size for kernel in kernels if kernel is not None]
    return EPSILON / 2 * (sum(taps) + 3 * len(taps) + 4 * job.norm)


def check(name, arguments, words, ran, monkeypatch):
    """The fast form runs, and gives what SciPy gives in float64, to rounding."""
    ours, original = package(name)
    before = len(ran)
    result = ours(*arguments, **words, precision="fast")
    assert len(ran) == before + 1, "the fast form did not run"
    wide = [np.float64(a) if isinstance(a, np.ndarray) else a for a in arguments]
    expected = original(*wide, **words)
    plain = original(*arguments, **words)
    assert (result.dtype, result.shape) == (plain.dtype, plain.shape)
    assert result.flags.c_contiguous == plain.flags.c_contiguous
    most = magnitudes(original, arguments, dict(words), monkeypatch)
    error = np.abs(result - expected) / np.maximum(most, 1e-30)
    assert error.max() <= bound(ran[-1])


def origins(sizes, convolution=False):
    """The first, the middle and the last origin for sizes."""
    yield 0
    yield tuple(-(size // 2) for size in sizes)
    yield tuple((size - 1) // 2 for size in sizes)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["correlate", "convolve"])
def test_kernels(name, mode, ran, monkeypatch):
    for rank, sizes in [
        (1, (4,)), (2, (3, 3)), (2, (2, 5)), (2, (1, 4)), (2, (13, 1)), (3, (3, 2, 3)),
        (3, (1, 3, 1)), (4, (1, 3, 4, 1)), (4, (3, 1, 3, 1)),
    ]:  # fmt: skip
        weights = drawn(sizes)
        for origin in origins(sizes):
            words = {"mode": mode, "origin": origin, "cval": 0.7}
            check(f"n.{name}", (IMAGES[rank], weights), words, ran, monkeypatch)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["correlate1d", "convolve1d"])
def test_lines(name, mode, ran, monkeypatch):
    for rank, size in [(1, 90), (2, 4), (2, 31), (3, 3), (4, 2)]:
        for axis in {0, rank - 2, -1}:
            for origin in {0, -(size // 2), (size - 1) // 2}:
                words = {"axis": axis, "mode": mode, "origin": origin, "cval": -0.3}
                check(f"n.{name}", (IMAGES[rank], drawn(size)), words, ran, monkeypatch)


@pytest.mark.parametrize("mode", [*MODES[:5], "each"])
def test_gaussians(mode, ran, monkeypatch):
    for rank in (1, 2, 3):
        each = MODES[:rank] if mode == "each" else mode
        for sigma in (2, [0, 1.5, 0.6][-rank:] if rank > 1 else 1):
            words = {"mode": each, "cval": 0.4}
            check("n.gaussian_filter", (IMAGES[rank], sigma), words, ran, monkeypatch)
            for name in ("gaussian_laplace", "gaussian_gradient_magnitude"):
                words = {"mode": each, "cval": 0.0, "truncate": 3.0}
                check(f"n.{name}", (IMAGES[rank], sigma), words, ran, monkeypatch)
        words = {"order": [0, 1, 2][-rank:], "mode": each, "radius": 3}
        check("n.gaussian_filter", (IMAGES[rank], 1), words, ran, monkeypatch)
        if mode != "each":
            for order in (0, 1, 2, 3):
                words = {"order": order, "mode": mode, "axis": 0, "cval": 2}
                check("n.gaussian_filter1d", (IMAGES[rank], 1.2), words, ran, monkeypatch)


@pytest.mark.parametrize("mode", [*MODES[:5], "each"])
def test_differences(mode, ran, monkeypatch):
    for rank in (1, 2, 3):
        words = {"mode": MODES[:rank] if mode == "each" else mode}
        check("n.laplace", (IMAGES[rank],), {**words, "cval": 0.8}, ran, monkeypatch)
        for name in ("sobel", "prewitt"):
            for axis in range(rank):
                more = {**words, "axis": axis}
                check(f"n.{name}", (IMAGES[rank],), more, ran, monkeypatch)


@pytest.mark.parametrize("mode", [*MODES[:5], "each"])
def test_boxes(mode, ran, monkeypatch):
    for rank in (1, 2, 3):
        for size in (3, (7, 15, 6)[rank - 1], (1, 4, 5)[-rank:]):
            words = {"mode": MODES[:rank] if mode == "each" else mode, "cval": 0.6}
            check("n.uniform_filter", (IMAGES[rank], size), words, ran, monkeypatch)
            if mode != "each" and isinstance(size, int):
                for origin in {0, -(size // 2), (size - 1) // 2}:
                    more = {**words, "origin": origin}
                    check("n.uniform_filter", (IMAGES[rank], size), more, ran, monkeypatch)
        for origin in (-3, 0, 2) if mode != "each" else ():
            more = {"mode": mode, "cval": 0.6, "axis": 0, "origin": origin}
            check("n.uniform_filter1d", (IMAGES[rank], 6), more, ran, monkeypatch)


def have_axes(*names):
    """Those that have this parameter in the SciPy that is here."""
    return [n for n in names if "axes" in inspect.signature(getattr(theirs, n)).parameters]


def test_some_axes(ran, monkeypatch):
    more = {
        "gaussian_filter": (1,),
        "uniform_filter": (3,),
        "laplace": (),
        "gaussian_laplace": (1,),
    }
    for rank, axes in [(2, (0,)), (2, -1), (3, (0, 2)), (3, (2, 1)), (4, (1, 2)), (4, (-3, 0))]:
        for name in have_axes(*more):
            if rank == 4 and name == "gaussian_laplace":
                continue
            check(f"n.{name}", (IMAGES[rank], *more[name]), {"axes": axes}, ran, monkeypatch)
    words = {"correlate": {"axes": (0, 2), "origin": (1, -2)}, "convolve": {"axes": (1, 2)}}
    for name in have_axes(*words):
        image = IMAGES[3 if name == "correlate" else 4]
        check(f"n.{name}", (image, drawn((3, 4))), words[name], ran, monkeypatch)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_signals(mode, ran, monkeypatch):
    image = IMAGES[2]
    for name in ("convolve2d", "correlate2d"):
        for sizes in [(3, 3), (4, 2), (1, 6), (9, 13)]:
            for boundary in ("fill", "wrap", "symm"):
                words = {"mode": mode, "boundary": boundary}
                check(f"signal.{name}", (image, drawn(sizes)), words, ran, monkeypatch)
        words = {"mode": mode, "fillvalue": 1.5}
        check(f"signal.{name}", (image, drawn((3, 4))), words, ran, monkeypatch)
    for name in ("convolve", "correlate"):
        for rank, sizes in [(2, (3, 4)), (2, (2, 1)), (3, (2, 3, 4)), (4, (1, 3, 2, 1))]:
            for method in ["direct"] + ["auto"] * (rank == 2):
                words = {"mode": mode, "method": method}
                check(f"signal.{name}", (IMAGES[rank], drawn(sizes)), words, ran, monkeypatch)
    if mode == "valid":
        check("signal.convolve2d", (drawn((3, 4)), image), {"mode": mode}, ran, monkeypatch)


# ---- what does not apply -----------------------------------------------------------------------


@pytest.mark.parametrize("call", ORDINARY, ids=lambda call: call[0])
def test_all_else_has_the_bits_of_scipy(call, ran):
    name, arguments, words = call
    ours, original = package(name)
    result, expected = ours(*arguments, **words, precision="fast"), original(*arguments, **words)
    assert not ran
    assert result.dtype == expected.dtype
    if "fft" in words.values():
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)
    else:
        np.testing.assert_array_equal(result, expected)


def test_small_calls_are_left_to_the_passes(monkeypatch):
    monkeypatch.setattr(fast_jobs.Job, "run", None)
    small = drawn((40, 40))
    expected = theirs.gaussian_filter(small, 1)
    assert ndimage.gaussian_filter(small, 1, precision="fast").tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    "name", ["correlate1d", "gaussian_filter", "sobel", "prewitt", "convolve1d"]
)
def test_inf_and_nan_are_where_scipy_has_them(name, ran):
    ours, original = package(f"n.{name}")
    more = {"gaussian_filter": (1,), "sobel": (), "prewitt": ()}.get(name, ([1.0, 0, -1],))
    result, expected = ours(holed, *more, precision="fast"), original(holed, *more)
    assert len(ran) == 1
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


def test_zeros_in_kernels_of_finite_images(ran, monkeypatch):
    check("n.correlate", (x, cross), {}, ran, monkeypatch)
    check("n.correlate", (x, [[1e-17, 1.0], [0.5, -1e-17]]), {}, ran, monkeypatch)


# ---- errors and warnings -----------------------------------------------------------------------


@pytest.mark.parametrize("call", WRONG, ids=lambda call: call[0])
def test_errors_are_those_of_scipy(call, ran):
    name, arguments, words = call
    ours, original = package(name)
    with pytest.raises(Exception) as expected:  # noqa: PT011
        original(*arguments, **words)
    with pytest.raises(expected.type) as found:
        ours(*arguments, **words, precision="fast")
    assert worded(found.value) == str(expected.value)
    assert not ran


def test_a_read_only_output_is_refused_as_by_scipy(ran):
    locked = np.zeros_like(x)
    locked.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        theirs.gaussian_filter(x, 1, output=locked)
    with pytest.raises(ValueError, match="read-only"):
        ndimage.gaussian_filter(x, 1, output=locked, precision="fast")
    assert not ran


# ---- outputs, layouts, plans -------------------------------------------------------------------


@pytest.mark.parametrize("output", [np.float32, np.dtype("f4"), "float32", "f"])
def test_words_for_the_output(output, ran):
    result = ndimage.gaussian_filter(x, 1, output=output, precision="fast")
    assert (result.dtype, len(ran)) == (np.float32, 1)


def test_an_output_is_filled_and_returned(ran):
    expected = ndimage.gaussian_filter(x, 1, precision="fast")
    wide = np.zeros((9, 28), np.float32)
    for output in (np.zeros_like(x), np.zeros_like(x, order="F"), wide[:, ::2], x.copy()):
        image = output if output.tobytes() == x.tobytes() else x
        assert ndimage.gaussian_filter(image, 1, output=output, precision="fast") is output
        np.testing.assert_array_equal(output, expected)
    assert not wide[:, 1::2].any()
    assert len(ran) == 5


@pytest.mark.parametrize("name", ["laplace", "gaussian_laplace", "gaussian_gradient_magnitude"])
def test_sums_in_place_are_left_to_scipy(name, ran):
    ours, original = package(f"n.{name}")
    mine, other = x.copy(), x.copy()
    more = () if name == "laplace" else (1,)
    ours(mine, *more, output=mine, precision="fast")
    original(other, *more, output=other)
    assert mine.tobytes() == other.tobytes()
    assert not ran


def test_overlapping_outputs_are_left_to_scipy(ran):
    memory = np.zeros((10, 14), np.float32)
    ndimage.gaussian_filter(memory[1:], 1, output=memory[:-1], precision="fast")
    assert not ran


@pytest.mark.parametrize("layout", ["F", "steps", "reversed", "broadcast"])
def test_layouts_of_the_input(layout, ran, monkeypatch):
    image = {
        "F": np.asfortranarray(x),
        "steps": drawn((18, 28))[::2, ::2],
        "reversed": x[::-1, ::-1],
        "broadcast": np.broadcast_to(x[0], (9, 14)),
    }[layout]
    check("n.gaussian_filter", (image, 1), {}, ran, monkeypatch)
    check("n.correlate", (image, np.ones((3, 3))), {}, ran, monkeypatch)
    check("signal.convolve2d", (image, np.ones((3, 3), np.float32)), {}, ran, monkeypatch)


def test_a_plan_tells_what_runs():
    image = drawn((800, 600))
    call = (ndimage.gaussian_filter, image, 2)
    plan = fastconv.plan(*call, precision="fast")
    assert [one.spec.name for one in plan.fast] == ["separable_filter"]
    assert not plan.passes
    assert "separable_filter float32  800x600 * 17 + 17 -> 800x600" in str(plan)
    ordinary = fastconv.plan(*call)
    assert (len(ordinary.passes), ordinary.fast) == (2, ())
    few = fastconv.plan(ndimage.gaussian_gradient_magnitude, image, 2, precision="fast")
    assert len(few.fast) == 2
    out = np.zeros_like(image)
    fastconv.plan(ndimage.sobel, image, output=out, precision="fast")
    assert not out.any()


@pytest.mark.parametrize(
    ("shape", "size", "calls"),
    [((700, 700), 5, 1), ((200, 200), 5, 0), ((300, 300), 3, 0), ((90000, 8), 5, 0)],
)
def test_it_is_for_calls_that_are_worth_it(shape, size, calls):
    """Not for small images, few multiply-adds, or a short last axis."""
    weights = np.ones((size, size))
    plan = fastconv.plan(ndimage.correlate, np.zeros(shape, "f4"), weights, precision="fast")
    assert len(plan.fast) == calls


def test_threads_give_the_same_bits(ran):
    image = drawn((200, 300))
    one, two = (ndimage.gaussian_filter(image, 2, threads=n, precision="fast") for n in (1, 2))
    assert one.tobytes() == two.tobytes()
    assert len(ran) == 2


def test_no_warnings_but_those_of_scipy(ran):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ndimage.gaussian_filter(holed, 1, precision="fast")
        ndimage.correlate1d(x, [1, 1e300], precision="fast")
        ndimage.correlate(holed, cross, precision="fast")


def test_each_form_takes_the_arguments_of_its_function():
    for name, form in fast.FORMS.items():
        module, word = name.rsplit(".", 1)
        function = getattr(fastconv.ndimage if "ndimage" in module else fastconv.signal, word)
        given = inspect.signature(function.__wrapped__).parameters
        taken = inspect.signature(form).parameters
        kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        for n, (word, parameter) in enumerate(given.items()):
            if parameter.kind in kinds:
                assert taken[word].default == parameter.default
                assert list(taken).index(word) == n
