# SPDX-License-Identifier: BSD-3-Clause
"""The groups of the benchmark: their cases, truths and rivals, and what bounds their speed."""

import numpy as np
import pytest
from scipy import ndimage, signal

from fastconv.benchmarks import measure, process, report, rivals
from fastconv.benchmarks import run as bench_run
from fastconv.benchmarks.case import conv, image_filter, pooling, transposed, unweighted
from fastconv.benchmarks.cases import CASES, select
from fastconv.benchmarks.dropin import scipy_case
from fastconv.benchmarks.groups import DEFAULT, EVERY_CASE, FEW, GROUPS, HEADINGS, QUICK_OF
from fastconv.benchmarks.operands import operands, truth
from fastconv.benchmarks.operations import OPERATIONS


def small_groups():
    """Each kind of case that the other groups have, on a shape of a few pixels."""
    small = {}
    for case in EVERY_CASE:
        if case.group in ("dense", "features"):
            continue
        spatial = tuple(9 + axis for axis in range(case.rank))
        kernel = tuple(min(k, 5) for k in case.kernel)
        features = {"channels_last": True} if case.channels_last else {}
        if case.group == "scipy":
            made = small_scipy(case)
            small[made.name] = made
            continue
        if case.group == "pooling":
            made = small_unweighted(case, spatial, kernel, features)
            small[made.name] = made
            continue
        if case.operation.image:
            made = image_filter(case.c_in, spatial, kernel, case.op, dtype=case.dtype)
        elif case.family == "conv_transpose":
            words = {word: case.words[word][0] for word in ("padding", "output_padding")}
            words["padding"] = min(words["padding"], 1)
            made = transposed(4, spatial, 6, kernel, stride=case.stride[0], **words, **features)
        else:
            groups, one = (4, 4) if case.channels == 1 else (2, None)
            words = {"stride": case.stride, "dilation": case.dilation, "batch": min(case.batch, 2)}
            words |= {"padding": case.padding} if "causal" in case.name else {}
            made = conv(4, spatial, one or 6, kernel, groups=groups, **words, **features)
        small[made.name] = made
    return list(small.values())


def small_unweighted(case, spatial, window, features):
    words = {word: case.words[word] for word in case.params}
    if "kernel_size" in words:
        words["kernel_size"] = window
        words["padding"] = tuple(min(p, k // 2) for p, k in zip(case.padding, window, strict=True))
    if case.family == "max_unpool":
        del words["padding"]
    sizes = {"adaptive_avg_pool": (4, 7)[: case.rank], "fold": spatial}
    if case.family in sizes:
        words["output_size"] = sizes[case.family]
    text = case.name.partition(" ")[2].removesuffix(" NHWC")
    return unweighted(case.op, 4, spatial, window, text, batch=2, **words, **features)


def small_scipy(case):
    sizes = (300,) if case.rank == 1 else tuple(9 + axis for axis in range(case.rank))
    text = case.name.partition(" ")[2]
    words = {word: value for word, value in case.words.items() if word != "axes"}
    return scipy_case(
        case.op, sizes, case.kernel, text, channels=case.c_in, dtype=case.dtype, **words
    )


def test_truths_without_weights():
    x = np.arange(12.0).reshape(1, 1, 3, 4)
    said = {"kernel_size": (2, 2), "stride": (1, 2), "padding": (0, 1)}
    shapes = ((1, 1, 3, 4), (1, 1, 2, 2))

    def computed(op, x=x, shapes=shapes, w=None, **words):
        operation = OPERATIONS[op]
        y = operation.truth(shapes, words, x, w)
        assert y.shape == operation.output_shape(shapes, words)
        return y.squeeze((0, 1) if y.ndim == 4 else 0).tolist()

    assert computed("max_pool", **said) == [[4, 6, 7], [8, 10, 11]]
    assert computed("avg_pool", **said) == [[1, 3.5, 2.5], [3, 7.5, 4.5]]
    assert computed("global_avg_pool") == [[5.5]]
    assert computed("adaptive_avg_pool", output_size=(2, 3)) == [[2.5, 3.5, 4.5], [6.5, 7.5, 8.5]]
    wide = {"kernel_size": (3, 1), "padding": (0, 1)}
    columns = computed("unfold", **wide)
    assert columns == [[0, *row, 0] for row in x[0, 0].tolist()]
    folded = ((1, 3, 6), (1, 1, 3, 1))
    image = computed("fold", np.array([columns]), folded, output_size=(3, 4), **wide)
    assert image == x[0, 0].tolist()
    index = np.array([[[[5, 0], [12, 15]]]])
    small = ((1, 1, 2, 2), (1, 1, 2, 2))
    put = computed("max_unpool", x[..., :2, :2] + 1, small, index)
    assert np.flatnonzero(put).tolist() == [0, 5, 12, 15]
    assert put[1][1] == 1
    row = ((1, 1, 1, 2), (1, 1, 2, 2))
    for mode, values in (("nearest", [0, 0, 1, 1]), ("bilinear", [0, 0.25, 0.75, 1])):
        assert (
            computed("interpolate", x[..., :1, :2], row, scale_factor=2, mode=mode) == [values] * 2
        )


def test_indices_lie_in_their_windows():
    case = unweighted("max_unpool2d", 3, (5, 7), (2, 3), "", kernel_size=(2, 3), stride=(2, 3))
    index = operands(case)[1][0, 0]
    rows, columns = np.divmod(index, 21)
    assert (rows // 2 == np.arange(5)[:, None]).all()
    assert (columns // 3 == np.arange(7)).all()
    assert len(np.unique(index)) == 35


def test_groups():
    assert list(GROUPS) == list(HEADINGS) == list(QUICK_OF)
    assert {case.name for case in DEFAULT} - {case.name for case in CASES} == set(FEW)
    assert {case.group for case in DEFAULT} == set(GROUPS) - {"features", "scipy"}
    assert all(select(GROUPS[group], globs) for group, globs in QUICK_OF.items())
    assert {case.channels_last for case in GROUPS["depthwise"]} == {True, False}
    half = len(GROUPS["depthwise"]) // 2
    first, last = GROUPS["depthwise"][:half], GROUPS["depthwise"][half:]
    assert [case.plain.shapes for case in last] == [case.shapes for case in first]


def test_names_and_sizes_of_the_groups():
    causal = conv(4, 9, 4, (4,), groups=4, padding=((3, 0),))
    assert (causal.name, causal.output_spatial, causal.pads) == (
        "4@9->4 k4 g4 causal", (9,), ((3, 0),))  # fmt: skip
    up = transposed(4, (5, 7), 6, (3, 3), stride=2, padding=1, output_padding=1)
    assert (up.name, up.output_shape) == ("4@5x7->6 3x3s2 T", (1, 6, 10, 14))
    assert up.flops == 2 * 4 * 5 * 7 * 6 * 9
    photo = image_filter(3, (4, 5), (3, 3), "filter2d", dtype="uint8")
    assert (photo.name, photo.flops, photo.nbytes) == ("3@4x5 3x3 filter u8", 2 * 60 * 9, 120)
    assert (photo.features, photo.plain.features) == ({"uint8"}, set())
    passes = image_filter(1, 8, (5, 5), "separable_filter", dtype="float64")
    assert (passes.name, passes.flops) == ("1@8 5x5 separable f64", 2 * 64 * 10)
    found = pooling("max_pool2d", 3, 8, (2, 2), stride=2, indices=True, channels_last=True)
    assert (found.name, found.flops) == ("3@8 2x2s2 max indices NHWC", 0)
    assert found.nbytes == 4 * 3 * 64 + (4 + 8) * 3 * 16
    layer = conv(2, 3, 4, (1,), dtype="float16", residual=True)
    assert layer.nbytes == 2 * (2 * 3 + 2 * 4 + 4 * 3 + 4 * 3)


def test_truth_of_padding_on_one_side_agrees_with_numpy():
    case = conv(2, 11, 2, (4,), groups=2, padding=((3, 0),), dtype="float64")
    x, w, b = operands(case)
    y = truth(case, x, w, b)
    for o in range(2):
        expected = np.convolve(x[0, o], w[o, 0, ::-1])[:11] + b[o]
        np.testing.assert_allclose(y[0, o], expected, atol=1e-13)


def test_truth_of_transposed_agrees_with_scipy():
    """A convolution in full with zeros between the elements, cropped by the padding."""
    case = transposed(3, (5, 4), 2, (4, 4), stride=2, padding=1, output_padding=1, dtype="float64")
    x, w, b = operands(case)
    y = truth(case, x, w, b)
    apart = np.zeros((3, 10, 8))  # and a row of zeros at the end, for the output padding
    apart[:, ::2, ::2] = x[0]
    for o in range(2):
        planes = [signal.convolve2d(apart[c], w[c, o])[1:12, 1:10] for c in range(3)]
        assert y.shape[2:] == planes[0].shape
        np.testing.assert_allclose(y[0, o], np.sum(planes, 0) + b[o], atol=1e-13)


@pytest.mark.parametrize("channels", [1, 3])
def test_truth_of_filters_agrees_with_scipy(channels):
    case = image_filter(channels, (9, 7), (5, 3), "filter2d", dtype="float64")
    x, w, b = operands(case)
    assert (x.shape, w.shape) == ((9, 7) if channels == 1 else (9, 7, channels), (5, 3))
    kernel = w.reshape(w.shape + (1,) * (x.ndim - 2))
    expected = ndimage.correlate(x, kernel, mode="mirror")
    np.testing.assert_allclose(truth(case, x, w, b), expected, atol=1e-13)


def test_truth_of_separable_filters_agrees_with_scipy():
    case = image_filter(1, (9, 7), (5, 5), "separable_filter", dtype="float64")
    x, w, b = operands(case)
    assert w.shape == (2, 5)
    rows = ndimage.correlate1d(x, w[1], 1, mode="mirror")
    expected = ndimage.correlate1d(rows, w[0], 0, mode="mirror")
    np.testing.assert_allclose(truth(case, x, w, b), expected, atol=1e-13)


def test_photographs_of_uint8_saturate_here_and_there():
    case = image_filter(3, 64, (5, 5), "filter2d", dtype="uint8")
    y = truth(case, *operands(case))
    assert ((y > 0) & (y < 255)).mean() > 0.5
    assert set(np.unique(y)) == set(range(256))


@pytest.mark.parametrize("library", [*rivals.OURS, *rivals.RIVALS])
def test_library_computes_each_group_that_it_offers(library, tmp_path):
    rival = rivals.EVERYONE[library]
    with process.Process(library, 1) as child:
        if not child.ready():
            assert library not in rivals.OURS
            assert "not installed" in child.reason
            return
        computed = set()
        for case in small_groups():
            measure.save_operands(case, tmp_path)
            reply = child.ask("case", case=case.to_dict(), folder=str(tmp_path))
            assert reply["ok"] or reply["lacking"], (case.name, reply)
            assert reply["ok"] <= (case.family in rival.families), case.name
            assert reply.get("error", 0.0) <= reply.get("tolerance", 0.0), case.name
            computed |= {case.family} if reply["ok"] else set()
            if library in rivals.OURS:
                assert reply["ok"] == (case.family in rival.families)
    assert rival.families - computed <= {"conv"}, "OpenCV's is of one channel"
    assert computed <= rival.families


def test_each_library_is_asked_for_what_it_has():
    passes = image_filter(1, 8, (5, 5), "separable_filter")
    photo = image_filter(3, 8, (3, 3), "filter2d", dtype="uint8")
    up, layer = transposed(4, 5, 6, (2,), stride=2), conv(4, 5, 6, (3,), groups=2)

    def asked(case):
        return [name for name in rivals.EVERYONE if bench_run.takes(name, case)]

    assert asked(passes) == ["fastconv", "opencv", "scipy"]
    assert asked(photo) == [*rivals.OURS, *rivals.PLAIN, "opencv", "scipy"]
    assert asked(up) == [*rivals.OURS, "torch", "torch-cl", "onnxruntime", "openvino"]
    found = pooling("max_pool2d", 3, 8, (2, 2))
    assert asked(found) == ["fastconv", "torch", "torch-cl", "onnxruntime", "openvino"]
    assert asked(layer) == [*rivals.OURS, *rivals.RIVALS]


def test_the_limit_is_what_takes_longer():
    case = conv(64, 8, 64, (3, 3))
    result = measure.Result(case, 2, {"prepared": measure.Timing([1.0], [1.0], 0.0)})
    with process.Process("numpy", 1) as child:
        assert child.ready()
        peak = measure.Peak(child, None)
        peak.measure_copy(case.nbytes)  # NumPy measures none
    assert peak.limit(case) is None
    assert report.percent_cell(peak, result, "prepared") == "-"
    peak.copies[case.nbytes] = 4.0 * case.nbytes
    assert peak.limit(case) == ("copy", 0.25)
    assert report.percent_cell(peak, result, "prepared") == "25c"
    peak.flops["float32"] = 2.0 * case.flops
    assert peak.limit(case) == ("FMA", 0.5)
    assert report.percent_cell(peak, result, "prepared") == "50%"
    peak.copies = {8: 5e9, 16: 4e9, 2_500_000: 7e9}
    assert report.copies_text(peak) == "5 GB/s of 8e-06 MB, 7 GB/s of 2.5 MB"
    content = report.to_json([result], {2: peak}, {}, 15)
    assert content["copies"][2] == {"threads": 2, "bytes": 2_500_000, "rate": 7e9}
    assert (content["results"][0]["limit"], content["results"][0]["group"]) == ("FMA", "dense")


def test_copies_are_measured():
    with process.Process("fastconv", 1) as child:
        assert child.ready()
        peak = measure.Peak(child, None)
        peak.measure_copy(100_000)
    assert 1e8 < peak.copies[100_000] < 1e13


def test_summary_of_the_groups():
    words = {"depthwise": 4, "transposed": 4, "filters": 8, "pooling": 4, "scipy": 12}
    for group, least in words.items():
        results = []
        for case in GROUPS[group]:
            names = {n: 2.0 for n in rivals.RIVALS if bench_run.takes(n, case)} | {"fastconv": 1.0}
            names |= {"plain": 0.5} if bench_run.takes("plain", case) else {}
            timings = {n: measure.Timing([t], [t], 0.0) for n, t in names.items()}
            results.append(measure.Result(case, 1, timings))
        rows = report.summary(results)
        assert {row["geomean"] for row in rows} == {2.0}
        assert len(rows) > least
        texts = " ".join(row["text"] for row in rows)
        assert "one channel" not in texts, "rows of dense cases"
        assert group.rstrip("s") in texts.lower()


def test_functions_of_scipy_are_drawn_by_how_far_they_are_ahead(tmp_path):
    from fastconv.benchmarks import plot

    times = {"fastconv": 2.0, "scipy": 16.0, "opencv": 1.0}
    timings = {name: measure.Timing([t], [t], 0.0) for name, t in times.items()}
    results = [measure.Result(case, 2, timings) for case in GROUPS["scipy"][:3]]
    (axes,) = plot.speedups(results, "title").axes
    assert [bar.get_width() + 1 for bar in axes.patches] == [8, 8, 8]
    assert [float(dots.get_xdata()[0]) for dots in axes.lines if len(dots.get_xdata()) == 1] == [
        0.5, 0.5, 0.5
    ]  # fmt: skip
    plot.draw(results, measure.Peak({}, {}), tmp_path / "a.png", "title")
    assert (tmp_path / "a.png").stat().st_size > 5000
