# SPDX-License-Identifier: BSD-3-Clause
"""The harness of `fastconv bench`: its cases, its workers and its arithmetic."""

import json
import operator
import signal as signals
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from scipy import signal

import fastconv.ndimage
import fastconv.signal
from fastconv.benchmarks import measure, process, report, rivals, worker
from fastconv.benchmarks.case import ACTIVATIONS, BORDERS, KINDS, Case, conv, variant
from fastconv.benchmarks.cases import CASES, QUICK, TOLERANCE, random_cases, select
from fastconv.benchmarks.features import FEATURES
from fastconv.benchmarks.groups import EVERY_CASE, GROUPS
from fastconv.benchmarks.operands import activated, operands, truth

TINY = conv(3, (7, 5), 2, (3, 3), stride=(2, 1), dilation=(1, 2), batch=2)


def small_features():
    """Each combination of features and rank that `FEATURES` has, on a shape of a few pixels."""
    small = {}
    for case in FEATURES:
        spatial = tuple(9 + axis for axis in range(case.rank))
        channels = (1, 1) if case.c_in == 1 else (4, 6)
        shape = conv(channels[0], spatial, channels[1], (3,) * case.rank)
        special = {name: word for name, word in case.words.items() if name not in case.params}
        made = variant(shape, dtype=case.dtype, residual=case.residual, **special)
        small[made.name] = made
    return list(small.values())


@pytest.mark.parametrize("case", EVERY_CASE, ids=lambda case: case.name)
def test_case_is_well_formed(case):
    axes = [case.kernel, case.stride, case.dilation]
    axes += [case.spatial] if case.family != "fold" else []
    axes += [] if case.operation.image else [case.padding, case.pads]
    assert {len(axis) for axis in axes} == {case.rank}
    assert case.c_in % case.groups == case.c_out % case.groups == 0
    assert min(case.output_shape) >= 1
    assert case.activation in (None, *ACTIVATIONS)
    assert set(case.tags) <= {"residual"}
    assert callable(operator.attrgetter(case.op)(fastconv))
    assert case.padding_mode in BORDERS
    assert not case.plain.features
    if case.group in ("dense", "features"):
        assert (case in FEATURES) == bool(case.features)
    assert [group for group, cases in GROUPS.items() if case in cases] == [case.group]
    assert Case.from_dict(json.loads(json.dumps(case.to_dict()))) == case


def test_names_are_unique_and_selectable():
    names = [case.name for case in EVERY_CASE]
    assert len(set(names)) == len(names)
    assert {case.dtype for case in CASES} == {"float32", "float64"}
    assert set(QUICK) <= set(names)
    assert [case.name for case in select(CASES, ["64@56->64 3x3"])] == ["64@56->64 3x3"]
    assert {case.dtype for case in select(CASES, dtype="float64")} == {"float64"}
    assert len(select(CASES, ["64@56*"], "float32")) == 3


def test_known_sizes():
    first, dilated = select(CASES, ["3@224->64 7x7s2"])[0], select(CASES, ["*d12"])[0]
    assert (first.output_shape, first.padding) == ((1, 64, 112, 112), (3, 3))
    assert first.flops == 2 * 112 * 112 * 64 * 3 * 49
    assert dilated.output_spatial == (33, 33)
    assert conv(4, 9, 6, (3,), groups=2).name == "4@9->6 k3 g2"
    assert TINY.name == "3@7x5->2 3x3 s2x1 d1x2 N2"


def test_random_cases_depend_on_the_seed_only():
    cases = random_cases(5, 12)
    assert cases == random_cases(5, 12) != random_cases(6, 12)
    assert cases[:7] == random_cases(5, 7)
    assert len({case.name for case in cases}) == 12
    assert all(5e7 <= case.flops <= 2e9 for case in cases)
    assert {case.dtype for case in random_cases(5, 2, "float64")} == {"float64"}


def test_truth_agrees_with_scipy():
    case = conv(4, (5, 7, 6), 6, (3, 1, 2), groups=2, dtype="float64")
    x, w, b = operands(case)
    padded = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in case.padding)])
    y = truth(case, x, w, b)
    for o in range(6):
        part = padded[0, 2 * (o // 3) : 2 * (o // 3) + 2]
        expected = signal.correlate(part, w[o], "valid", method="direct")[0] + b[o]
        np.testing.assert_allclose(y[0, o], expected, atol=1e-13)


def test_truth_of_features_agrees_with_scipy():
    case = conv(2, (5, 6), 2, (3, 3), groups=2, channels_last=True, padding_mode="mirror",
                dtype="complex64", residual=True)  # fmt: skip
    x, w, b, residual = operands(case)
    y = truth(case, x, w, b, residual)
    assert (x.shape, y.shape, y.dtype) == ((1, 5, 6, 2), (1, 5, 6, 2), np.complex128)
    for o in range(2):
        wide, kernel = x[0, ..., o].astype(complex), w[o, 0].astype(complex)
        padded = np.pad(wide, 1, "reflect")
        expected = signal.convolve2d(padded, kernel[::-1, ::-1], "valid") + b[o]
        np.testing.assert_allclose(y[0, ..., o], expected + residual[0, ..., o], atol=1e-13)


def test_truth_of_integers_is_exact():
    case = conv(1, 3, 1, (3,), dtype="int16", padding=0)
    low = np.full((1, 1, 3), -(2**15), np.int16)
    assert truth(case, low, low, np.array([7], np.int16)).item() == 3 * 2**30 + 7
    photo = conv(1, (1, 4), 1, (1, 1), dtype="uint8")
    pixels, half = np.array([[[[1, 3, 5, 255]]]], np.uint8), np.full((1, 1, 1, 1), 0.5, "f4")
    assert truth(photo, pixels, half, np.zeros(1, "f4")).ravel().tolist() == [0, 2, 2, 128]
    assert truth(photo, pixels, half, np.full(1, 200, "f4")).max() == 255


def test_truth_of_activations():
    x = np.array([-4.0, -1.0, 0.0, 2.0])
    expected = {
        "relu": [0, 0, 0, 2],
        "gelu": [-1.2668497e-4, -0.15865525, 0, 1.95449974],
        "silu": [-0.07194484, -0.26894142, 0, 1.76159416],
        "sigmoid": [0.01798621, 0.26894142, 0.5, 0.88079708],
        "tanh": [-0.99932930, -0.76159416, 0, 0.96402758],
        "hardswish": [0, -1 / 3, 0, 5 / 3],
    }
    assert set(expected) == set(ACTIVATIONS)
    for word, values in expected.items():
        np.testing.assert_allclose(activated(word, x), values, atol=1e-8)


def test_results_of_uint8_spread_over_its_range():
    """Else a filter that saturates everything would pass for right."""
    case = conv(1, (64, 64), 1, (5, 5), dtype="uint8")
    y = truth(case, *operands(case))
    assert ((y > 0) & (y < 255)).mean() > 0.5
    assert len(np.unique(y)) > 100


def test_features_are_named():
    said = {"channels_last": True, "padding_mode": "mirror", "activation": "relu"}
    made = conv(4, 9, 6, (3, 3), residual=True, **said)
    assert made.name == "4@9->6 3x3 NHWC mirror +residual relu"
    assert made.features == {"channels_last", "mirror", "residual", "relu"}
    assert (made.residual, made.activation) == (True, "relu")
    assert variant(conv(4, 9, 6, (3,)), dtype="int8", channels_last=True).name == "4@9->6 k3 i8 NLC"
    assert {case.plain.dtype for case in FEATURES if case.dtype == "int16"} == {"float64"}
    assert {case.dtype for case in FEATURES} == set(KINDS) - {"float64"}
    assert conv(4, 9, 6, (3, 3), dtype="complex64").flops == 4 * conv(4, 9, 6, (3, 3)).flops


@pytest.mark.parametrize("library", [*rivals.OURS, *rivals.RIVALS])
def test_library_computes_each_feature_that_it_offers(library, tmp_path):
    offers = rivals.EVERYONE[library].offers
    with process.Process(library, 1) as child:
        if not child.ready():
            assert library not in rivals.OURS
            assert "not installed" in child.reason
            return
        computed = set()
        for case in small_features():
            measure.save_operands(case, tmp_path)
            reply = child.ask("case", case=case.to_dict(), folder=str(tmp_path))
            assert reply["ok"] or reply["lacking"], (case.name, reply)
            assert reply["ok"] <= (case.features <= offers), case.name
            assert reply.get("error", 0.0) <= case.kind.tolerance, case.name
            computed |= case.features if reply["ok"] else set()
    named = {word for case in FEATURES for word in case.features}
    assert computed == offers & named


def test_a_feature_is_timed_beside_the_plain_shape(tmp_path, monkeypatch):
    case = conv(3, 8, 4, (3, 3), dtype="float16", channels_last=True)
    with process.Process("fastconv", 1) as ours, process.Process("plain", 1) as plain:
        assert ours.ready()
        assert plain.ready()
        asked, ask = [], plain.ask
        monkeypatch.setattr(
            plain, "ask", lambda do, **words: asked.append(words) or ask(do, **words)
        )
        result = measure.measure(case, 1, [ours, plain], tmp_path, 2)
    assert asked[0]["case"] == case.plain.to_dict()
    assert np.load(tmp_path / "x.npy").shape == (1, 8, 8, 3)
    beside = np.load(tmp_path / "plain" / "x.npy")
    assert (beside.shape, beside.dtype) == ((1, 3, 8, 8), np.float32)
    assert all(len(timing.seconds) == 2 for timing in result.timings.values())
    assert result.ahead() is None


def test_a_wrong_dtype_of_the_result_is_wrong(tmp_path):
    case = conv(1, (9, 7), 1, (3, 3), dtype="int8")
    measure.save_operands(case, tmp_path)
    with process.Process("fastconv", 1) as child:
        assert child.ready()
        fields = case.to_dict()
        assert child.ask("case", case=fields, folder=str(tmp_path))["ok"]
        reply = child.ask("case", case=fields | {"dtype": "int16"}, folder=str(tmp_path))
    assert "output is int32, expected int64" in reply["reason"]


PEERS = [pytest.param(name, marks=pytest.mark.peers) for name in rivals.RIVALS
         if name not in ("numpy", "scipy")]  # fmt: skip


@pytest.mark.parametrize("rival", ["numpy", "scipy", *PEERS])
def test_rival_computes_the_case(rival, tmp_path):
    cases = [
        TINY,
        conv(4, 11, 6, (4,), groups=2, stride=3),
        conv(2, (3, 5, 7), 3, (3, 1, 2), dtype="float64"),
        conv(1, (9, 7), 1, (3, 5)),
    ]
    with process.Process(rival, 1) as child:
        assert child.ready(), child.reason
        for case in cases:
            measure.save_operands(case, tmp_path)
            reply = child.ask("case", case=case.to_dict(), folder=str(tmp_path))
            assert reply["ok"] or reply["lacking"], reply
            assert reply.get("error", 0.0) <= TOLERANCE[case.dtype]
        assert reply["ok"]  # one channel is everyone's


def test_every_rival_says_how_to_install_it():
    for name, rival in rivals.RIVALS.items():
        assert rival.package or name == "numpy"


def test_a_rival_that_is_not_there_says_so(tmp_path, monkeypatch):
    (tmp_path / "cv2.py").write_text("raise ModuleNotFoundError('cv2')", encoding="ascii")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with process.Process("opencv", 1) as child:
        assert not child.ready()
        assert child.reason == "not installed: cv2; pip install opencv-python-headless"


@pytest.fixture
def numpy_process():
    with process.Process("numpy", 1) as child:
        assert child.ready()
        yield child


def test_measure_with_a_worker(numpy_process, tmp_path):
    shares = []
    result = measure.measure(TINY, 1, [numpy_process], tmp_path, 3, tick=shares.append)
    timing = result.timings["numpy"]
    assert numpy_process.version == np.__version__
    assert timing.error < 1e-6
    assert len(timing.seconds) == 3
    assert 0 < timing.best <= timing.median
    assert shares[-1] == 1


def test_worker_survives_a_bad_case_and_ends_with_a_reason(numpy_process, tmp_path):
    measure.save_operands(TINY, tmp_path)
    np.save(tmp_path / "y.npy", np.zeros(TINY.output_shape) + 1)
    timing, _ = measure.check(numpy_process, TINY, tmp_path, 1.0)
    assert timing.wrong
    assert "wrong by" in timing.reason
    missing = numpy_process.ask("case", case=TINY.to_dict(), folder=str(tmp_path / "no"))
    assert not missing["ok"]
    assert "FileNotFoundError" in missing["reason"]
    times = numpy_process.ask("series", calls=4)["times"]
    assert len(times) == 4
    numpy_process.child.kill()
    assert "ended with status" in numpy_process.ask("turn", fill=0.0)["reason"]
    assert not numpy_process.ask("turn", fill=0.0)["ok"]


def test_worker_does_not_import_fastconv(tmp_path):
    command = process.BOOT.replace("main(name, int(threads))", "print('fastconv' in sys.modules)")
    folder = str(Path(process.__file__).parent)
    done = subprocess.run(
        [sys.executable, "-P", "-c", command, folder, "numpy", "1"], capture_output=True, text=True
    )
    assert done.stdout.strip() == "False", done.stderr


def test_environment_is_the_same_for_everyone(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    monkeypatch.setenv("FASTCONV_NUM_THREADS", "7")
    env = process.environment(2, "avx2")
    assert not {"OMP_WAIT_POLICY", "FASTCONV_NUM_THREADS"} & set(env)
    assert (env["OMP_NUM_THREADS"], env["FASTCONV_ISA"]) == ("2", "avx2")


def test_rounds_fit_the_budget():
    costs = {"fast": 0.01, "slow": 1.0, "other": 0.02}
    assert measure.share_rounds(costs, 15, 1e9) == dict.fromkeys(costs, 15)
    assert measure.share_rounds(costs, 15, float("inf")) == dict.fromkeys(costs, 15)
    assert measure.share_rounds(costs, 15, 4.0) == {"fast": 15, "other": 15, "slow": 3}
    assert measure.share_rounds(costs, 15, 0.0) == dict.fromkeys(costs, 1)
    for rounds in range(1, 16):
        assert sum(measure.takes_part(i, rounds, 15) for i in range(15)) == rounds
        assert measure.takes_part(0, rounds, 15)


def made_up_results():
    wide, double = conv(64, 8, 64, (3, 3)), conv(64, 8, 64, (1, 1), dtype="float64")
    made = {
        wide: {"fastconv": 2.0, "prepared": 1.0, "torch": 3.0, "onnxruntime": 1.5, "scipy": 9.0},
        double: {"fastconv": 1.0, "prepared": 2.0, "torch": 1.2},
        conv(1, 8, 1, (3, 3)): {"fastconv": 1.0, "prepared": 1.0, "opencv": 0.5},
    }
    return [
        measure.Result(
            case, 2, {n: measure.Timing([t, t + 1], [t + 1, t + 1], 0.0) for n, t in times.items()}
        )
        for case, times in made.items()
    ]


def test_summary_compares_minima():
    results = made_up_results()
    geomeans = {row["text"]: row["geomean"] for row in report.summary(results)}
    assert [round(result.ahead(), 3) for result in results] == [1.5, 1.2, 0.5]
    assert [round(value, 3) for value in geomeans.values()] == [0.965, 1.5, 1.5, 1.2, 0.5]
    heading, first, *others = report.summary_lines(results)
    assert heading == "ratio: above 1, fastconv is faster"
    assert "0.50x, 1@8->1 3x3" in first
    assert all(" against " in line for line in others), "no features, no prices"
    assert report.notes(results, 3)


def test_summary_tells_what_a_feature_costs():
    cases = [variant(conv(64, 8, 64, (3, 3)), padding_mode=mode) for mode in ("mirror", "edge")]
    seconds = {"fastconv": 3.0, "prepared": 2.0, "plain": 2.0, "plain-prepared": 1.0, "torch": 4.0}
    results = []
    for case in cases:
        timings = {n: measure.Timing([t], [t], 0.0) for n, t in seconds.items()}
        results.append(measure.Result(case, 1, timings))
        seconds["prepared"] = 8.0
    rows = {row["text"]: row for row in report.summary(results)}
    assert rows["every case: fastconv against the best other"]["geomean"] == pytest.approx(
        (4 / 2 * 4 / 3) ** 0.5
    )
    price = rows["the time of borders relative to zero padding, prepared"]
    assert (price["worst"], price["worst_case"], price["geomean"]) == (8, cases[1].name, 4)
    assert rows["the time of borders relative to zero padding, one call"]["geomean"] == 1.5
    lines = report.summary_lines(results)
    middle = lines.index("less is better: what a feature costs")
    assert lines[0] == "ratio: above 1, fastconv is faster"
    assert len(lines) == len(rows) + 2
    assert all(("the time of" in line) == (at > middle) for at, line in enumerate(lines[1:], 1)
               if at != middle)  # fmt: skip
    assert rows["borders of layers against pad and conv of torch"]["cases"] == 2
    assert not [text for text in rows if "16 channels" in text]
    assert report.best_rival(results[0]) == "torch"


def test_peak_gives_percents(numpy_process):
    peak = measure.Peak(numpy_process, None)
    peak.measure("float32")  # NumPy has none: no percents, no error
    results = made_up_results()
    assert peak.percent(results[0], "prepared") is None
    peak.flops["float32"] = 2.0 * results[0].case.flops
    assert peak.percent(results[0], "prepared") == pytest.approx(50)
    content = report.to_json(results, {2: peak}, {"numpy": "2"}, 15)
    assert json.loads(json.dumps(content))["results"][0]["percent"]["prepared"] == 50


def test_settle_returns_when_idle():
    worker.settle()


def test_ctrl_c_that_only_a_worker_saw_ends_the_run(monkeypatch):
    caught = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    monkeypatch.setattr(process, "BOOT", caught + process.BOOT)  # a shell may ignore it
    with process.Process("numpy", 1) as child:
        assert child.ready()
        child.child.send_signal(signals.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            child.ask("turn", fill=0.0)


def test_ctrl_c_while_a_timer_starts_leaves_nothing_to_wait_for(numpy_process, monkeypatch):
    start = threading.Timer.start

    def interrupted(timer):
        start(timer)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Timer, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        numpy_process.ask("series", calls=1)
    timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    assert all(timer.daemon or timer.finished.is_set() for timer in timers)
