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
from fuzz_truth import Refused, expected
from fuzzing import fuzz
from programs import linux

import fastconv

CASES = int(os.environ.get("FASTCONV_FUZZ_CASES", "2000"))
SEED = int(os.environ.get("FASTCONV_FUZZ_SEED", "1"))
SHORT = 150  # cases of every run of the tests

ONE = {
    "input": {"shape": (1, 2, 7), "dtype": "f4", "seed": 1, "kind": "normal"},
    "weight": {"shape": (3, 2, 3), "dtype": "f4", "seed": 2, "kind": "normal"},
    "out": {"shape": (1, 3, 5), "dtype": "f4", "seed": 3, "kind": "normal", "strides": (96, 32, 5),
            "start": 1, "size": 100},
    "said": {"beta": 2},
    "also": ["prepared", "threads", "algorithm", "layout", "plain", "plan", "again", "schedule"],
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
                 "algorithm", "threads"):  # fmt: skip
        assert any(name in case["said"] for case in cases)
    arrays = [case["out"] for case in cases if "out" in case]
    assert any("over" in array for array in arrays)
    assert any(s < 0 for array in arrays for s in array.get("strides", ()))
    assert any(case.get("residual") == "out" for case in cases)
    assert {len(case["weight"]["shape"]) for case in cases} == {3, 4, 5}


def test_the_outputs_of_a_case_share_no_bytes():
    for number in range(300):
        array = drawn(2, number).get("out")
        if array and 0 not in array["shape"] and "over" not in array:
            _, memory = made(array)
            size = np.prod(array["shape"]) * as_dtype(array["dtype"]).itemsize
            assert np.count_nonzero(own_bytes(array, memory)) == size


def test_the_truth_by_hand():
    x, w = np.array([[[1.0, 2.0, 4.0]]]), np.array([[[3.0, 10.0]]])
    for mode, sums in (("constant", (13, 13, 23, 46, 22)), ("edge", (13, 13, 23, 46, 52)),
                       ("wrap", (46, 22, 23, 46, 22)), ("mirror", (32, 16, 23, 46, 32)),
                       ("symmetric", (16, 13, 23, 46, 52))):  # fmt: skip
        truth = expected(x, w, padding=((2, 1),), padding_mode=mode, padding_value=1)
        assert not truth.differs(np.array([[sums]], "f8")), mode
        assert truth.differs(np.array([[sums]], "f8") + 1e-12)
    with pytest.raises(Refused):
        expected(x, w, dilation=3)
    whole = expected(np.array([[[-(2**63)]]]), np.array([[[2]]]), np.array([7]), dtype="u1")
    assert not whole.differs(np.array([[[7]]], "u1"))
    nothing = expected(x, w * np.inf, padding=1)
    assert not nothing.differs(np.full((1, 1, 4), np.inf))


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
        "fuzzing.failure = lambda case: ctypes.string_at(0) if case['weight']['seed'] == "
        f"{drawn(1, 5)['weight']['seed']} else ''\n"
        "sys.exit(fuzzing.main())\n"
    )
    monkeypatch.setattr(fuzzing, "PROGRAM", program)
    monkeypatch.setattr(fuzzing, "TRIES", 1)
    texts = []
    failed = fuzz(8, 1, show=texts.append)
    assert [number for number, _ in failed] == [5]
    assert "SIGSEGV" in texts[0]
    assert "check({" in texts[0]
