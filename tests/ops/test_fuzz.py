# SPDX-License-Identifier: BSD-3-Clause
"""Random calls of the public functions, checked by fuzzing.py against a truth of their own.

``FASTCONV_FUZZ_CASES=100000 FASTCONV_FUZZ_SEED=7 pytest -m soak tests/ops/test_fuzz.py`` looks
further.
"""

import os

import fuzzing
import numpy as np
import pytest
from fuzz_arrays import as_dtype, made, own_bytes
from fuzz_cases import drawn
from fuzz_check import Call, failure
from fuzz_families import FAMILIES, expected
from fuzz_sums import Refused
from fuzz_truth import convolution
from fuzzing import fuzz
from programs import linux

import fastconv

CASES = int(os.environ.get("FASTCONV_FUZZ_CASES", "2000"))
SEED = int(os.environ.get("FASTCONV_FUZZ_SEED", "1"))
SHORT = 400  # cases of every run of the tests

ONE = {
    "op": "conv",
    "sizes": {"batch": (1,), "groups": 1, "c_in": 2, "c_out": 3, "sizes": (7,), "taps": (3,)},
    "input": {"shape": (1, 2, 7), "dtype": "f4", "seed": 1, "kind": "normal"},
    "weight": {"shape": (3, 2, 3), "dtype": "f4", "seed": 2, "kind": "normal"},
    "out": {"shape": (1, 3, 5), "dtype": "f4", "seed": 3, "kind": "normal", "strides": (96, 32, 5),
            "start": 1, "size": 100},
    "said": {"beta": 2},
    "also": ["prepared", "threads", "algorithm", "layout", "plain", "plan", "again", "schedule",
             "reused", "calls"],
}  # fmt: skip


def found(cases, seed):
    texts = []
    fuzz(cases, seed, show=texts.append)
    return "\n".join(texts)


@linux
def test_some_random_calls():
    assert not found(SHORT, 0)


@linux
@pytest.mark.soak
def test_many_random_calls():
    assert not found(CASES, SEED)


# ---- the fuzzer itself -------------------------------------------------------------------------


def test_a_case_depends_on_its_seed_and_number_alone():
    assert repr(drawn(7, 11)) == repr(drawn(7, 11)) != repr(drawn(7, 12))


def test_cases_are_of_every_kind():
    cases = [drawn(1, number) for number in range(1500)]
    for part in ("bias", "residual", "out", "forms", "decoy", "wrong", "also"):
        assert any(part in case for case in cases)
    for name in ("stride", "padding", "dilation", "groups", "padding_mode", "padding_value",
                 "channels_last", "flip", "activation", "alpha", "beta", "dtype", "overflow",
                 "algorithm", "threads", "output_padding", "output_size",
                 "depthwise_activation"):  # fmt: skip
        assert any(name in case["said"] for case in cases)
    arrays = [case["out"] for case in cases if "out" in case]
    assert any("over" in array for array in arrays)
    assert any(s < 0 for array in arrays for s in array.get("strides", ()))
    assert any(case.get("residual") == "out" for case in cases)
    assert {(case["op"], len(case["sizes"]["taps"])) for case in cases} == {
        (op, rank) for op in FAMILIES for rank in (1, 2, 3) if op != "filter2d" or rank == 2
    }
    for op, family in FAMILIES.items():
        said = {word for case in cases if case["op"] == op for word in case["said"]}
        assert said >= set(family.words)


def test_the_outputs_of_a_case_share_no_bytes():
    for number in range(300):
        array = drawn(2, number).get("out")
        if array and 0 not in array["shape"] and "over" not in array:
            _, memory = made(array)
            size = np.prod(array["shape"]) * as_dtype(array["dtype"]).itemsize
            assert np.count_nonzero(own_bytes(array, memory)) == size


def test_the_truth_by_hand():
    x, w = np.array([[[1.0, 2.0, 4.0]]]), np.array([[[3.0, 10.0]]])
    pair = {"input": x, "weight": w}
    for mode, sums in (("constant", (13, 13, 23, 46, 22)), ("edge", (13, 13, 23, 46, 52)),
                       ("wrap", (46, 22, 23, 46, 22)), ("mirror", (32, 16, 23, 46, 32)),
                       ("symmetric", (16, 13, 23, 46, 52))):  # fmt: skip
        truth = convolution(pair, {"padding": ((2, 1),), "padding_mode": mode, "padding_value": 1})
        assert not truth.differs(np.array([[sums]], "f8")), mode
        assert truth.differs(np.array([[sums]], "f8") + 1e-12)
    with pytest.raises(Refused):
        convolution(pair, {"dilation": 3})
    least = {"input": np.array([[[-(2**63)]]]), "weight": np.array([[[2]]]), "bias": np.array([7])}
    whole = convolution(least, {"dtype": "u1"})
    assert not whole.differs(np.array([[[7]]], "u1"))
    nothing = convolution({"input": x, "weight": w * np.inf}, {"padding": 1})
    assert not nothing.differs(np.full((1, 1, 4), np.inf))


X, K = np.array([[1.0, 10.0, 100.0]]), np.array([[[1.0, 2.0, 3.0]]])
BY_HAND = [
    ("conv_transpose", {"input": X, "weight": K}, {"stride": 2, "padding": 1, "output_size": 6},
     [[2, 13, 20, 130, 200, 300]]),
    ("conv_transpose", {"input": X, "weight": K}, {"padding": "same", "padding_mode": "edge"},
     [[13, 123, 530]]),
    ("local_conv", {"input": X, "weight": np.array([[[[1.0, 1.0]]], [[[0.0, 5.0]]]]),
                    "bias": np.array([[0.5, 1000.0]])}, {}, [[11.5, 1500]]),
    ("depthwise_separable_conv",
     {"input": X, "weight": K, "second": np.array([[2.0], [-1.0]]), "bias": np.array([0.0, 1.0]),
      "first_bias": np.array([-321.0])}, {"depthwise_activation": "relu", "stride": 2},
     [[0], [1]]),
    ("depthwise_conv", {"input": X, "weight": np.array([[[1.0]], [[-1.0]]])}, {},
     [[1, 10, 100], [-1, -10, -100]]),
    ("pointwise_conv", {"input": X, "weight": np.array([[3.0]])}, {}, [[3, 30, 300]]),
    ("filter_nd", {"input": X[0], "weight": K[0, 0], "bias": np.array(1.0)}, {}, [43, 322, 241]),
    ("separable_filter", {"input": X, "weight": np.array([2.0]), "second": K[0, 0]},
     {"padding_mode": "wrap"}, [[2 * 132, 2 * 321, 2 * 213]]),
]  # fmt: skip


@pytest.mark.parametrize(("op", "arrays", "said", "sums"), BY_HAND, ids=lambda v: str(v)[:20])
def test_the_truth_of_each_family_by_hand(op, arrays, said, sums):
    taps = {"local_conv": (2,), "filter_nd": (3,), "separable_filter": (1, 3),
            "depthwise_conv": (1,), "pointwise_conv": (1,)}.get(op, (3,))  # fmt: skip
    sizes = {"batch": (), "groups": 1, "c_in": 1, "c_out": 1, "taps": taps, "sizes": (3,),
             "channels": (), "mixed": 2}  # fmt: skip
    truth = expected({"op": op, "sizes": sizes}, arrays, said)
    right = np.array(sums, "f8")
    assert not truth.differs(right)
    assert truth.differs(right + 1e-10)


def test_a_wrong_result_is_found(monkeypatch):
    assert failure(ONE) == ""
    right = Call.run

    def wrong(call, way="call", **more):
        got = right(call, way, **more)
        got.flat[0] += 1e-4
        return got

    monkeypatch.setattr(Call, "run", wrong)
    assert failure(ONE).startswith("call: ")
    assert failure({**ONE, "also": []}).startswith("call: ")


def test_a_case_is_made_smaller(monkeypatch):
    class Trial:
        def __call__(self, case):
            return "call: 3 at (1,)" if case["said"].get("beta") else "call: 4 differ"

        def close(self):
            pass

    monkeypatch.setattr(fuzzing, "Trial", Trial)
    case, wrong = fuzzing.shrunk(ONE, "call: 7 at (2,)")
    assert wrong == "call: 3 at (1,)"
    assert case["said"] == {"beta": 2}
    assert case["weight"]["shape"] == (1, 1, 1)
    assert not case.get("also")


def test_a_byte_beside_out_is_found(monkeypatch):
    right = Call.run

    def beside(call, way="call", **more):
        got = right(call, way, **more)
        call.memory[0][0] ^= 1
        return got

    monkeypatch.setattr(Call, "run", beside)
    assert "1 bytes beside out changed" in failure(ONE)


@pytest.mark.parametrize("also", ["prepared", "threads", "algorithm", "plan"])
def test_other_ways_are_compared(monkeypatch, also):
    right = Call.run

    def other(call, way="call", **more):
        got = right(call, way, **more)
        if way == "plan":
            return fastconv.plan(fastconv.conv1d, (1, 1, 3), (1, 1, 1))
        if way != "call" or more:
            got += np.float32(1e-5)
        return got

    monkeypatch.setattr(Call, "run", other)
    assert failure({**ONE, "also": [also]})


def test_what_is_not_refused_is_found(monkeypatch):
    case = {**ONE, "wrong": ("stride", 0)}
    assert failure(case) == ""
    monkeypatch.setattr(Call, "run", lambda call, way="call", **more: None)
    assert "not refused" in failure(case)


@linux
def test_a_crash_is_reported_with_its_case(monkeypatch, tmp_path):
    program = tmp_path / "crashing.py"
    program.write_text(
        "import ctypes, sys\n"
        f"sys.path.insert(0, {os.path.dirname(fuzzing.__file__)!r})\n"
        "import fuzzing\n"
        "right = fuzzing.failure\n"
        "fuzzing.failure = lambda case: ctypes.string_at(0) if case['input']['seed'] == "
        f"{drawn(1, 5)['input']['seed']} else ''\n"
        "sys.exit(fuzzing.main())\n"
    )
    monkeypatch.setattr(fuzzing, "PROGRAM", program)
    monkeypatch.setattr(fuzzing, "TRIES", 1)
    texts = []
    failed = fuzz(8, 1, show=texts.append)
    assert [number for number, _ in failed] == [5]
    assert "SIGSEGV" in texts[0]
    assert "check({" in texts[0]
