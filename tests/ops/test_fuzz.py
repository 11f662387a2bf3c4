# SPDX-License-Identifier: BSD-3-Clause
"""Random calls of the public functions, checked by fuzzing.py against a truth of their own.

``FASTCONV_FUZZ_CASES=100000 FASTCONV_FUZZ_SEED=7 pytest -m soak tests/ops/test_fuzz.py`` looks
further.
"""

import os
from types import SimpleNamespace

import fuzzing
import numpy as np
import pytest
from fuzz_arrays import as_dtype, made, own_bytes
from fuzz_cases import drawn
from fuzz_check import Call, failure
from fuzz_families import FAMILIES, expected
from fuzz_sums import Refused
from fuzz_truth import convolution
from fuzz_unweighted import WORDS, shapes
from fuzz_ways import ways_of
from fuzzing import fuzz
from programs import linux

import fastconv
from fastconv._plan.constants import POOL_COLUMNS

CASES = int(os.environ.get("FASTCONV_FUZZ_CASES", "3000"))
SEED = int(os.environ.get("FASTCONV_FUZZ_SEED", "1"))
SHORT = 500  # cases of every run of the tests

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


def refuses(case):
    """Whether the sizes of a case do not go together."""
    return "out" not in shapes(case["op"], case["sizes"], case["said"])


def test_cases_are_of_every_kind():
    cases = [drawn(1, number) for number in range(3000)]
    for part in ("bias", "residual", "out", "forms", "decoy", "wrong", "also"):
        assert any(part in case for case in cases)
    for name in ("stride", "padding", "dilation", "groups", "padding_mode", "padding_value",
                 "channels_last", "flip", "activation", "alpha", "beta", "dtype", "overflow",
                 "algorithm", "threads", "output_padding", "output_size",
                 "depthwise_activation"):  # fmt: skip
        assert any(name in case["said"] for case in cases)
    for name in ("where", "indices", "samples", "out_indices"):
        assert any(name in case for case in cases)
    assert {"where" in case for case in cases if case["op"] == "masked_conv"} == {False, True}
    arrays = [case["out"] for case in cases if "out" in case]
    assert any("over" in array for array in arrays)
    assert any(s < 0 for array in arrays for s in array.get("strides", ()))
    assert any(case.get("residual") == "out" for case in cases)
    least = {"fractional_max_pool": 2, "filter2d": 2}
    assert {(case["op"], len(case["sizes"]["sizes"])) for case in cases} >= {
        (op, rank) for op in FAMILIES for rank in (1, 2, 3)
        if rank >= least.get(op, 1) and (op != "filter2d" or rank == 2)
    }  # fmt: skip
    lengths = [case["sizes"]["sizes"] for case in cases if case["op"].endswith("_pool")]
    assert any(max(sizes) > POOL_COLUMNS for sizes in lengths)  # rows that are made in parts
    assert any("out" not in case and case["op"] in WORDS and refuses(case) for case in cases)
    for op, family in FAMILIES.items():
        said = {word for case in cases if case["op"] == op for word in case["said"]}
        assert said >= set(family.words)


def test_only_some_families_are_run(capfd, monkeypatch):
    monkeypatch.setattr(fuzzing, "scratch", SimpleNamespace(poison=lambda on: None))
    fuzzing.work(1, 0, 40, ["fold", "max_pool"])
    ran = [int(line.split()[1]) for line in capfd.readouterr().out.splitlines() if "case" in line]
    assert ran == [n for n in range(40) if drawn(1, n)["op"] in ("fold", "max_pool")] != []


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
    ("masked_conv", {"input": X, "weight": K, "where": np.array([0, 1, 1])},
     {"padding": ((0, 2),)}, [[320 * 6 / 5, 210, 100]]),
    ("masked_conv", {"input": X * [np.nan, 1, 1], "weight": -K},
     {"padding": 1, "padding_value": np.nan, "nan_policy": "omit"}, [[-60, -384, -420]]),
    ("depthwise_conv", {"input": X, "weight": np.array([[[1.0]], [[-1.0]]])}, {},
     [[1, 10, 100], [-1, -10, -100]]),
    ("pointwise_conv", {"input": X, "weight": np.array([[3.0]])}, {}, [[3, 30, 300]]),
    ("filter_nd", {"input": X[0], "weight": K[0, 0], "bias": np.array(1.0)}, {}, [43, 322, 241]),
    ("separable_filter", {"input": X, "weight": np.array([2.0]), "second": K[0, 0]},
     {"padding_mode": "wrap"}, [[2 * 132, 2 * 321, 2 * 213]]),
]  # fmt: skip


S = np.array([[5.0, 1.0, 1.0, 7.0]])  # a signal of one channel
UNWEIGHTED_BY_HAND = [
    ("max_pool", {"input": S}, {"kernel_size": 2, "padding": 1}, [[5, 1, 7]]),
    ("max_pool", {"input": S}, {"kernel_size": 2, "stride": 1, "return_indices": True,
                                "index_convention": "nhwc"}, ([[5, 1, 7]], [[0, 1, 3]])),
    ("min_pool", {"input": S}, {"kernel_size": 3, "ceil_mode": True}, [[1, 7]]),
    ("avg_pool", {"input": S}, {"kernel_size": 2, "padding": 1, "count_include_pad": False},
     [[5, 1, 7]]),
    ("avg_pool", {"input": S, "where": S < 6}, {"kernel_size": 2, "padding_mode": "edge"},
     [[3, 1]]),
    ("lp_pool", {"input": S}, {"kernel_size": 2, "norm_type": 2}, [[26**0.5, 50**0.5]]),
    ("adaptive_max_pool", {"input": S}, {"output_size": 3}, [[5, 1, 7]]),
    ("adaptive_avg_pool", {"input": S}, {"output_size": 3}, [[3, 1, 4]]),
    ("global_max_pool", {"input": S}, {}, [[7]]),
    ("global_min_pool", {"input": S}, {"return_indices": True}, ([[1]], [[1]])),
    ("global_avg_pool", {"input": S}, {}, [[3.5]]),
    ("global_lp_pool", {"input": S}, {"norm_type": 1}, [[14]]),
    ("fractional_max_pool", {"input": S, "samples": np.array([[[0.9]]])},
     {"kernel_size": 1, "output_size": 3}, [[5, 1, 7]]),
    ("max_unpool", {"input": S, "indices": np.array([[3, 0, -1, 3]])},
     {"kernel_size": 1, "overlap": "sum"}, [[1, 0, 0, 12]]),
    ("nearest_unpool", {"input": S[:, :2]}, {"kernel_size": 2, "stride": 3}, [[5, 5, 0, 1, 1]]),
    ("bed_of_nails_unpool", {"input": S[:, :2]}, {"kernel_size": 2}, [[5, 0, 1, 0]]),
    ("unfold", {"input": S}, {"kernel_size": (2,), "stride": 2}, [[5, 1], [1, 7]]),
    ("unfold_view", {"input": S}, {"kernel_size": (2,), "stride": 2}, [[[5, 1], [1, 7]]]),
    ("fold", {"input": np.array([[1.0, 2.0], [10.0, 20.0]])},
     {"kernel_size": (2,), "output_size": (3,)}, [[1, 12, 20]]),
    ("pad", {"input": S}, {"padding": ((1, 0), (-1, 2)), "mode": ("constant", "wrap")},
     [[0] * 5, [1, 1, 7, 5, 1]]),
    ("pixel_shuffle", {"input": np.array([[1.0], [2.0]])}, {"upscale_factor": (2,)}, [[1, 2]]),
    ("pixel_unshuffle", {"input": S}, {"downscale_factor": (2,)}, [[5, 1], [1, 7]]),
    ("channel_shuffle", {"input": np.array([[1.0, 2.0, 3.0, 4.0]])}, {"groups": 2}, [[1, 3, 2, 4]]),
    ("interpolate", {"input": S[None]}, {"size": 7, "mode": "linear", "align_corners": True},
     [[[5, 3, 1, 1, 1, 4, 7]]]),
]  # fmt: skip

SIZES = {  # where those of the input are not what they seem
    "pad": {"sizes": (1, 4)}, "channel_shuffle": {"batch": (1,), "c_in": 2, "sizes": ()},
    "interpolate": {"batch": (1,), "sizes": (4,)}, "fold": {"sizes": (1,)},
    "pixel_unshuffle": {"sizes": (2,)},
}  # fmt: skip


@pytest.mark.parametrize(
    ("op", "arrays", "said", "found"), UNWEIGHTED_BY_HAND, ids=lambda v: str(v)[:20]
)
def test_the_truth_of_functions_without_weights_by_hand(op, arrays, said, found):
    plain = {"batch": (), "c_in": 1, "sizes": arrays["input"].shape[1:]}
    sizes = SIZES.get(op, {}) if op == "pad" else plain | SIZES.get(op, {})
    truth = expected({"op": op, "sizes": sizes}, arrays, said)
    pair = isinstance(found, tuple)
    values, indices = (np.array(a) for a in (found if pair else (found, 0)))
    values = values.astype("f8")
    assert not truth.differs((values, indices) if pair else values)
    assert truth.differs((values + 1e-10, indices) if pair else values + 1e-10)
    assert not pair or truth.differs((values, indices + 1))


def test_all_functions_without_weights_are_known_by_hand():
    assert {op for op, *_ in UNWEIGHTED_BY_HAND} == set(WORDS)


POOL = {
    "op": "max_pool",
    "sizes": {"batch": (2,), "c_in": 3, "sizes": (9,)},
    "input": {"shape": (2, 3, 9), "dtype": "f4", "seed": 1, "kind": "normal"},
    "out": {"shape": (2, 3, 4), "dtype": "f4", "seed": 3, "kind": "normal", "start": 1, "size": 99},
    "out_indices": {"shape": (2, 3, 4), "dtype": ">i8", "seed": 4, "kind": "normal"},
    "said": {"kernel_size": 2, "return_indices": True},
    "also": sorted(ways_of("max_pool")),
}  # fmt: skip


@pytest.mark.parametrize("at", [0, 1])
def test_a_wrong_value_or_index_is_found(monkeypatch, at):
    assert failure(POOL) == ""
    right = Call.run

    def wrong(call, way="call", **more):
        got = right(call, way, **more)
        got[at].flat[5] += 1
        return got

    monkeypatch.setattr(Call, "run", wrong)
    assert failure(POOL).startswith(("call: values: ", "call: indices: ")[at])


@pytest.mark.parametrize("also", ["threads", "algorithm", "isa", "again", "caches", "settings"])
def test_other_ways_of_a_pool_are_compared(monkeypatch, also):
    calls, right = [], Call.run

    def other(call, way="call", **more):
        got = right(call, way, **more)
        calls.append(way)
        if len(calls) > 1:
            got[1].flat[0] += 1
        return got

    monkeypatch.setattr(Call, "run", other)
    assert failure({**POOL, "also": [also]})


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
