# SPDX-License-Identifier: BSD-3-Clause
"""Plans: what they say is what runs, and what they book is bounded."""

import copy
import pickle
import re

import numpy as np
import pytest
from arrays import numbers
from ways import ALGORITHMS, ISAS, NAMES

import fastconv
from fastconv import conv1d, conv2d, conv3d, conv_transpose2d, plan
from fastconv._core import scratch
from fastconv._ops.operation import OPERATIONS
from fastconv._plan import machine


def refuses(kind, message):
    return pytest.raises(kind, match=f"^{re.escape(message)}$")


SRC, WEI = (1, 64, 56, 56), (64, 64, 3, 3)


@pytest.mark.parametrize(
    ("operation", "src", "wei", "out", "said"),
    [
        (conv1d, (4, 3, 101), (2, 3, 7), "4x2x101", {"padding": "same"}),
        (conv2d, (6, 11, 13), (8, 3, 3, 5), "8x5x5", {"groups": 2, "stride": 2}),
        (conv3d, (1, 3, 7, 11, 13), (2, 3, 3, 3, 3), "1x2x5x9x11", {}),
    ],
)
def test_shapes_stand_for_arrays(operation, src, wei, out, said):
    """Contiguous float32 arrays, in all but what depends on the values."""
    of_shapes = plan(operation, src, wei, **said, threads=2)
    of_arrays = plan(operation, numbers(src), numbers(wei), **said, threads=2)
    told = [
        [line for line in str(how).splitlines() if not line.startswith("depends on the values: ")]
        for how in (of_shapes, of_arrays)
    ]
    assert told[0] == told[1]
    if of_shapes.variants == of_arrays.variants:
        assert of_shapes == of_arrays
    head = f"{operation.__name__} float32  {'x'.join(map(str, src))} * {'x'.join(map(str, wei))}"
    assert str(of_shapes).splitlines()[0] == f"{head} -> {out}"


def test_fields():
    got = plan(conv2d, SRC, WEI, padding=1, threads=1)
    assert got.flops == 2 * 64 * 64 * 56 * 56 * 9
    assert got.bytes == 4 * (64 * 56 * 56 * 2 + 64 * 64 * 9)
    assert got.algorithm in ALGORITHMS
    assert got.orientation in ("pixels", "channels")
    assert got.isa in ISAS
    assert got.threads == 1
    rows, cols = got.tile
    assert rows >= 1 <= cols
    assert {name for name, _ in got.refused} == set(NAMES) - {"auto", got.algorithm}
    assert all(reason for _, reason in got.refused)
    text = str(got)
    words = [got.algorithm, got.orientation, got.isa, "  1 thread\n", "0.231 GFLOP", "MiB moved"]
    words += [f"tile {rows}x{cols}", "scratch", "copies: ", "refused: reference - "]
    words += ["\npack: input float32; weight float32\n", "\nepilogue: none\n"]
    assert all(word in text for word in words)
    assert "2 threads" in str(plan(conv2d, SRC, WEI, padding=1, threads=2))
    assert "epilogue: bias\n" in str(plan(conv2d, SRC, WEI, np.ones(64)))


def test_bytes():
    """Each array in its own dtype, a residual too."""
    outputs = 64 * 54 * 54
    x, w = numbers(SRC), numbers(WEI)
    got = plan(conv2d, SRC, WEI).bytes
    assert got == 4 * (x.size + w.size + outputs)
    assert plan(conv2d, x.astype("f8"), w.astype("f8")).bytes == 2 * got
    assert plan(conv2d, x.astype("f8"), WEI).bytes == 8 * x.size + 4 * w.size + 8 * outputs
    assert plan(conv2d, x.astype("i1"), w.astype("i1")).bytes == x.size + w.size + 4 * outputs
    assert plan(conv2d, x.astype("f2"), w.astype("f2")).bytes == 2 * (x.size + w.size + outputs)
    residual = np.ones((1, 64, 54, 54), "f4")
    assert plan(conv2d, SRC, WEI, residual=residual).bytes == got + 4 * outputs


@pytest.mark.parametrize(
    ("dtypes", "said", "pack", "epilogue"),
    [
        ("f4 f8", {}, "input float32 -> float64; weight float64", "none"),
        ("f2 f2", {}, "input float16 -> float32; weight float16 -> float32", "float32 -> float16"),
        ("i1 u1", {}, "input int8 -> float32; weight uint8 -> float32", "none"),
        ("i8 i8", {"dtype": "i1"}, "input int64; weight int64", "int64 -> int8"),
        (
            "i1 i1",
            {"dtype": "i1", "overflow": "saturate", "activation": "relu", "alpha": 2},
            "input int8 -> float32; weight int8 -> float32",
            "alpha 2, relu, int32 -> int8, saturated",
        ),
        (
            "c8 f4",
            {"bias": np.ones(3)},
            "input complex64 -> float32, real and imaginary parts apart; weight float32",
            "bias",
        ),
        (
            "f4 f4",
            {"padding_mode": "edge", "flip": True, "activation": ("clip", -1, 0.5)},
            "input float32, border edge; weight float32, flipped",
            "clip -1 0.5",
        ),
        (
            "f4 f4",
            {"padding_mode": ("wrap", "constant"), "padding_value": 2.5, "beta": 0.5,
             "out": np.ones((3, 9, 9), "f4"), "residual": np.ones((3, 9, 9), "f4")},
            "input float32, border wrap constant 2.5; weight float32",
            "beta 0.5, residual",
        ),
    ],
)  # fmt: skip
def test_pack_and_finish(dtypes, said, pack, epilogue):
    """How numbers come to the tiles, and what becomes of sums."""
    source, weight = dtypes.split()
    got = plan(conv2d, np.ones((2, 9, 9), source), np.ones((3, 2, 3, 3), weight), padding=1, **said)
    assert (got.pack, got.epilogue) == (pack, epilogue)
    assert f"\npack: {pack}\nepilogue: {epilogue}\ncopies: " in str(got)


def test_pack_of_channels_last():
    got = plan(conv2d, (9, 9, 2), (3, 2, 3, 3), channels_last=True)
    assert got.pack == "input float32, channels last; weight float32"


def test_a_plan_is_a_frozen_value():
    got = plan(conv2d, SRC, WEI)
    with pytest.raises(AttributeError, match=r"^Plan: threads cannot be set"):
        got.threads = 7
    with pytest.raises((AttributeError, TypeError)):
        del got.threads
    with pytest.raises(TypeError, match=r"^Plan: fastconv\.plan makes plans$"):
        fastconv.Plan()
    assert repr(got) == str(got)
    assert got == plan(conv2d, SRC, WEI)
    assert got != plan(conv2d, SRC, WEI, stride=2)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("algorithm", [*ALGORITHMS, "reference"])
def test_what_is_asked_for_is_planned(algorithm, isa):
    for src, wei, said in [
        (SRC, WEI, {}),
        ((2, 4, 11, 13), (6, 2, 5, 3), {"groups": 2}),
        ((1, 3, 224, 224), (64, 3, 7, 7), {"stride": 2, "padding": 3}),
    ]:
        with fastconv.settings(isa=isa):
            got = plan(conv2d, src, wei, **said, algorithm=algorithm)
        with fastconv.settings(isa=isa, algorithm=algorithm):
            assert plan(conv2d, src, wei, **said) == got
        assert got.algorithm == algorithm
        assert algorithm == "reference" or got.isa == isa


def test_auto_never_takes_the_reference():
    assert plan(conv2d, SRC, WEI).algorithm in ALGORITHMS
    for src in [(1, 1, 3), (3, 1, 5), (1, 8)]:
        assert plan(conv1d, src, (1, 1, 3)).algorithm in (*ALGORITHMS, "depthwise")


def test_copies():
    x, w = numbers(SRC), numbers(WEI)

    def copies(x=x, **said):
        return plan(conv2d, x, w, **said).copies

    assert any(line.startswith("input: ") for line in copies(padding=9))
    for said in ({}, {"padding": 1}, {"padding": 1, "stride": 2}):  # cuts leave padding out
        assert not any(line.startswith("input: ") for line in copies(**said))
    assert any(line.startswith("weight: ") for line in copies())
    # Channels 64 KiB apart would drive one another out of the caches.
    crowded = plan(conv2d, (1, 64, 128, 128), (64, 64, 3, 3), padding=1, algorithm="direct")
    assert any(line.startswith("input: ") for line in crowded.copies)
    out = np.empty((1, 64, 54, 54), "f4")
    memory = np.zeros(x.size + w.size, "f4")
    overlapping = memory[: out.size].reshape(out.shape)
    source = memory[: x.size].reshape(x.shape)
    assert "out: whole, because it overlaps input" in copies(source, out=overlapping)
    residual = memory[1 : 1 + out.size].reshape(out.shape)
    assert "out: whole, because it overlaps residual" in copies(out=overlapping, residual=residual)
    lines = copies(out=overlapping, residual=overlapping)
    assert not any(line.startswith("residual: ") for line in lines)


def test_copies_of_out():
    """None where the vectors of tiles lie side by side in it."""
    seen = set()

    def copied(got):
        seen.add(got.orientation)
        return any(line.startswith("out: ") for line in got.copies)

    for c_out in (1, 2, 13, 64, 200):
        for size in (7, 56):
            out = np.empty((1, c_out, size, size), "f4")
            said = {"weight": (c_out, 64, 3, 3), "padding": 1}
            for algorithm in ALGORITHMS:
                said["algorithm"] = algorithm
                got = plan(conv2d, (1, 64, size, size), **said, out=out)
                assert copied(got) == (got.orientation == "channels")
                got = plan(conv2d, (1, size, size, 64), **said, channels_last=True)
                assert copied(got) == (got.orientation == "pixels" and c_out > 1)
                wide = np.empty((1, c_out, size, 2 * size), "f4")
                for other in (out.astype(">f4"), wide[..., ::2]):
                    assert copied(plan(conv2d, (1, 64, size, size), **said, out=other))
                assert copied(plan(conv2d, (1, 64, size, size), **said, dtype="f2"))
    assert seen == {"pixels", "channels"}


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize(
    ("operation", "src", "wei", "said"),
    [
        (conv2d, (1, 512, 2048, 2048), (512, 512, 3, 3), {"padding": 1}),
        (conv2d, (1, 4096, 1024, 1024), (4096, 4096, 1, 1), {}),
        (conv2d, (1, 1, 300, 300), (1, 1, 150, 150), {}),
        (conv2d, (64, 3, 224, 224), (64, 3, 7, 7), {"stride": 2, "padding": 3}),
        (conv2d, (1, 256, 33, 33), (256, 256, 3, 3), {"padding": 12, "dilation": 12}),
        (conv2d, (1, 960, 112, 112), (960, 1, 5, 5), {"padding": 2, "groups": 960}),
        (conv1d, (1, 128, 10**7), (128, 128, 2), {"dilation": 64}),
        (conv1d, (1, 1, 10**6), (1, 1, 300), {"dilation": 1000}),
        (conv3d, (1, 128, 200, 200, 200), (128, 128, 3, 3, 3), {"padding": 1}),
        (conv_transpose2d, (1, 64, 10**5, 10**5), (64, 64, 3, 3), {"stride": 2}),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_scratch_is_bounded_by_the_caches(operation, src, wei, said, threads, dtype):
    """Whatever the tensor; a broadcast array stands for one that no memory could hold."""
    dtype = np.dtype(dtype)
    x, w = (np.broadcast_to(np.zeros((), dtype), shape) for shape in (src, wei))
    for algorithm in ("auto", *ALGORITHMS):
        got = plan(operation, x, w, **said, threads=threads, algorithm=algorithm)
        assert 0 < got.scratch_bytes <= threads * machine.caches()["L2"] // 2
        assert got.threads <= threads


def test_planning_allocates_nothing():
    before = scratch.kept()
    plan(conv2d, (1, 512, 2048, 2048), (512, 512, 3, 3), padding=1)
    assert scratch.kept() == before


def test_threads():
    assert plan(conv2d, SRC, WEI, threads=2).threads == 2
    assert plan(conv2d, (1, 1, 1, 1), (1, 1, 1, 1), threads=7).threads == 1, "one task"
    with fastconv.settings(threads=2):
        assert plan(conv2d, SRC, WEI).threads == 2
        assert plan(conv2d, SRC, WEI, threads=1).threads == 1
    tiny = (1, 1, 8, 8), (1, 1, 3, 3)
    assert plan(conv2d, *tiny).threads == 1, "too little work for two"


@pytest.mark.parametrize(
    "wrong", [conv1d, conv3d, np.convolve, "conv4d", "fastconv.conv1d", None, [], {}]
)
def test_operation(wrong):
    if wrong in (conv1d, conv3d):
        with pytest.raises(ValueError, match=rf"^{wrong.__name__}: input has shape "):
            plan(wrong, SRC if wrong is conv1d else (4, 4), WEI)
    else:
        names = ", ".join(repr(function.__name__) for function in OPERATIONS)
        words = f"but it must be a function of fastconv or its name, one of {names}, or a layer"
        assert "'conv1d', 'conv2d', 'conv3d', " in words
        kind = ValueError if isinstance(wrong, str) else TypeError
        with refuses(kind, f"plan: operation is {wrong!r}, {words}"):
            plan(wrong, SRC, WEI)


def test_operation_by_name():
    assert plan("conv2d", SRC, WEI) == plan(conv2d, SRC, WEI)


@pytest.mark.parametrize(
    ("kind", "word", "said"),
    [
        (ValueError, "algorithm is 'winograd'", {"algorithm": "winograd"}),
        (ValueError, "threads is 0", {"threads": 0}),
        (ValueError, "stride is 0", {"stride": 0}),
        (ValueError, "bias has shape (3,)", {"bias": np.ones(3)}),
        (ValueError, "out has shape (1,)", {"out": np.ones(1, "f4")}),
        (ValueError, "input[2] is -1", {"input": (1, 64, -1, 4)}),
        (ValueError, "input with padding of shape", {"input": (1, 64, 2**40, 2**40)}),
        (TypeError, "weight is None", {"weight": None}),
        (ValueError, "padding_mode is 'zeros'", {"padding_mode": "zeros"}),
        (ValueError, "activation is 'swish'", {"activation": "swish"}),
        (ValueError, "residual has shape (1,)", {"residual": np.ones(1, "f4")}),
    ],
)
def test_arguments_are_checked_as_in_the_call(kind, word, said):
    with pytest.raises(kind, match=f"^conv2d: {re.escape(word)}"):
        plan(conv2d, **{"input": SRC, "weight": WEI} | said)


def test_unusable_settings():
    with pytest.raises(ValueError, match=", ".join(map(repr, ISAS))):
        fastconv.settings(isa="sse9")
    words = f"algorithm is 'winograd', but it must be one of {', '.join(map(repr, NAMES))}"
    with pytest.raises(ValueError, match=words):
        fastconv.settings(algorithm="winograd")
    with fastconv.settings(algorithm="im2col_gemm"):
        assert plan(conv2d, SRC, WEI, algorithm="direct").algorithm == "direct"


def test_a_plan_can_be_pickled_and_copied():
    plans = [
        fastconv.plan(conv2d, (1, 5, 17, 19), (7, 5, 3, 3), padding=1, activation="relu"),
        fastconv.plan(conv2d, (1, 5, 17, 19), (7, 5, 3, 3), algorithm="reference"),
    ]
    for how in plans:
        for twin in (pickle.loads(pickle.dumps(how)), copy.copy(how), copy.deepcopy(how)):
            assert twin == how
            assert str(twin) == str(how)
            assert hash(twin) == hash(how)


def test_a_prepared_layer_is_planned_like_an_operation():
    x, w = np.ones((1, 5, 17, 19), "f4"), np.ones((7, 5, 3, 3), "f4")
    layer = fastconv.prepare(w, padding=1, threads=1)
    assert fastconv.plan(layer, x) == layer.plan((1, 5, 17, 19))
    assert not any("weight" in words for words in layer.plan(x).copies)
    assert layer.plan(x, threads=2, out=np.empty((1, 7, 17, 19), "f4")).spec.name == "conv2d"
    with pytest.raises(ValueError, match=r"^conv2d: input has 4 channels, but weight needs 5"):
        layer.plan((1, 4, 17, 19))
    assert (layer.padding, layer.stride, layer.threads, layer.bias) == (1, 1, 1, None)
    np.testing.assert_array_equal(fastconv.prepare(w, flip=True).weight, w)
