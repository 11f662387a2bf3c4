# SPDX-License-Identifier: BSD-3-Clause
"""What plans say: of values, of an empty output, of the reference, in help."""

import pydoc
import re
from dataclasses import replace

import numpy as np
import pytest
from arrays import numbers
from ways import ALGORITHMS, NAMES, with_rows

import fastconv
from fastconv import conv2d, plan
from fastconv._plan import algorithms

SRC, WEI = (1, 64, 56, 56), (64, 64, 3, 3)


def test_a_plan_of_shapes_says_what_depends_on_the_values():
    line = "\ndepends on the values: another plan runs if "
    assert plan(conv2d, SRC, WEI).variants == ()
    got = plan(conv2d, SRC, WEI, padding=1)
    assert got.variants == ("weight holds inf or NaN",)
    assert f"{line}weight holds inf or NaN\n" in str(got)
    assert plan(conv2d, SRC, numbers(WEI), padding=1).variants == (), "the weights are known"
    wide = np.ones(WEI, "i8")
    small = "all integers are small enough for float64"
    layer = fastconv.prepare(wide, padding=1)
    for got in (plan(conv2d, SRC, wide.astype("f4")), plan(layer, numbers(SRC))):
        assert got.variants == ()
    assert layer.plan(SRC).variants == (small,)
    assert f"{line}{small}\n" in str(layer.plan(SRC))


def test_a_plan_of_arrays_is_the_one_that_runs():
    x, w = numbers(SRC), numbers(WEI)
    for value in (np.inf, -np.inf, np.nan):
        w[3, 5, 1, 2] = value
        got = plan(conv2d, x, w, padding=1)
        assert got.chosen == "weight holds inf or NaN"
        assert "\nchosen: because weight holds inf or NaN\n" in str(got)
        assert "weight: whole, with 0 for inf and NaN" in got.copies
        assert (got.epilogue, got.variants) == ("none", ())
        assert got.spec == plan(conv2d, SRC, WEI, padding=1).spec
        assert fastconv.prepare(w, padding=1).plan(SRC).chosen == got.chosen
        assert plan(conv2d, x, w).chosen == "", "there is no padding"
    x, w = np.ones(SRC, "i8"), np.ones(WEI, "i8")
    layer = fastconv.prepare(w)
    for most, chosen in ((9, "all integers are small enough for float64"), (2**60, "")):
        x[0, 1, 2, 3] = most
        for got in (plan(conv2d, x, w), layer.plan(x), plan(layer, x)):
            assert (got.chosen, got.variants) == (chosen, ())


@pytest.mark.parametrize("algorithm", ["auto", *ALGORITHMS, "reference"])
def test_a_plan_of_nothing(algorithm):
    got = plan(conv2d, (0, 3, 9, 7), (2, 3, 3, 3), algorithm=algorithm)
    assert got.algorithm == (ALGORITHMS[0] if algorithm == "auto" else algorithm)
    assert not re.search(r"\bnone in|tile|task", str(got))
    assert {name for name, _ in got.refused} == set(NAMES) - {"auto", got.algorithm}
    x, w = np.ones((0, 3, 9, 7)), numbers((2, 3, 3, 3))
    w[0, 1, 2, 1] = np.nan
    for padding in (0, 1):
        said = {"algorithm": algorithm, "padding": padding}
        for arrays in ((x, w), (x.shape, w.shape)):
            got = plan(conv2d, *arrays, **said)
            assert (got.variants, got.chosen) == ((), "")
        for function in (conv2d, lambda x, w, **said: fastconv.prepare(w, [1, 2], **said)(x)):
            assert function(x, w, **said).shape == (0, 2, 7 + 2 * padding, 5 + 2 * padding)


def test_a_plan_of_the_reference_has_no_tiles():
    got = plan(conv2d, SRC, WEI, algorithm="reference", padding=1)
    assert str(got).splitlines()[1:3] == [
        "reference  numpy  1 thread",
        "0.231 GFLOP  1.7 MiB moved",
    ]
    refused = dict(got.refused)
    assert refused.keys() == set(NAMES) - {"auto", "reference"}
    rows = [row for row in algorithms.ALGORITHMS if row.family is type(got.spec)]
    offered = [row.name for row in rows if not row.only_named]
    assert {refused[name] for name in offered} == {"algorithm='reference' was asked for"}
    assert got.variants == ()


def test_one_task_is_singular():
    assert "  1 task  scratch" in str(plan(conv2d, (1, 1, 8, 8), (1, 1, 3, 3)))


def test_help_shows_what_users_read():
    for made in (fastconv.Plan, fastconv.PreparedConv):
        text = pydoc.plain(pydoc.render_doc(made))
        assert f"{made.__name__}(" not in text.splitlines()[3]
        assert not re.search(r"\b(_engine|problem|runner)\b", text)
    text = pydoc.plain(pydoc.render_doc(fastconv.Plan))
    for name in ("algorithm", "threads", "copies", "refused", "variants"):
        assert re.search(rf"^ \|  {name}\n \|      [A-Z]", text, flags=re.MULTILINE)
    with pytest.raises(TypeError, match=r"^PreparedConv: fastconv\.prepare makes layers$"):
        fastconv.PreparedConv()


def test_an_algorithm_that_refuses_says_why():
    first, *others = algorithms.ALGORITHMS
    picky = replace(first, refuses=lambda spec: "it is for strides other than 1")
    message = (
        f"^conv2d: algorithm is '{first.name}'%s, but it must be another one here: it is "
        "for strides other than 1; possible are 'auto', 'im2col_gemm', 'grouped', 'fft' and "
        "'reference'$"
    )
    of_settings = message % ", as settings or FASTCONV_ALGORITHM say"
    x, w = numbers((3, 9, 7)), numbers((2, 3, 3, 3))
    layer = fastconv.prepare(w, algorithm=first.name)
    with with_rows([picky, *others]):
        got = plan(conv2d, x, w)
        assert got.algorithm in ("im2col_gemm", "grouped")  # which is faster depends on the ISA
        assert (first.name, "it is for strides other than 1") in got.refused
        with pytest.raises(ValueError, match=message % ""):
            conv2d(x, w, algorithm=first.name)
        with pytest.raises(ValueError, match=message % ""):
            layer(x)
        with fastconv.settings(algorithm=first.name), pytest.raises(ValueError, match=of_settings):
            conv2d(x, w)
        with (
            fastconv.settings(algorithm="reference"),
            pytest.raises(ValueError, match=message % ""),
        ):
            conv2d(x, w, algorithm=first.name)


def test_an_algorithm_of_a_filter_is_refused_in_the_words_of_its_convolution():
    message = (
        "filter2d: algorithm is 'grouped', but it must be another one here: a group has one input "
        "and one output channel, which depthwise is for; possible are 'auto', 'direct', "
        "'im2col_gemm', 'depthwise', 'fft' and 'reference'"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        fastconv.filter2d(numbers((7, 5)), numbers((3, 3)), algorithm="grouped")


@pytest.mark.parametrize(
    ("dtype", "said", "epilogue"),
    [
        ("i1", {"bias": np.ones(5, "i4")}, "bias, saturated"),
        ("i1", {"alpha": 3}, "alpha 3, saturated"),
        ("i1", {"activation": ("clip", 0, 2**40)}, "clip 0 1.09951e+12, saturated"),
        ("i1", {"activation": "relu"}, "relu"),
        ("i1", {}, "none"),
        ("i1", {"dtype": "u1"}, "int32 -> uint8, saturated"),
        ("i8", {"bias": np.ones(5, "i8")}, "bias"),
        ("i8", {"dtype": "u8"}, "int64 -> uint64, saturated"),
        ("f4", {"dtype": "i2"}, "float32 -> int16, saturated"),
        ("f4", {"bias": np.ones(5)}, "bias"),
    ],
)
def test_where_saturation_acts(dtype, said, epilogue):
    x, w = np.ones((3, 9, 7), dtype), np.ones((5, 3, 3, 2), dtype)
    assert plan(conv2d, x, w, **said, overflow="saturate").epilogue == epilogue
    assert "saturated" not in plan(conv2d, x, w, **(said | {"dtype": None})).epilogue


def test_words_of_copies():
    got = plan(conv2d, np.ones((3, 9, 7), "f2"), np.ones((5, 3, 3, 2), "f2"))
    assert "out: through a buffer that fits into the cache" in got.copies
    assert "weight: a panel at a time" in got.copies


def test_copies_of_some_phases_say_how_many():
    said = {"stride": 2, "padding": 1, "padding_mode": "edge", "algorithm": "direct"}
    got = plan("conv_transpose2d", (1, 1, 9, 9), (1, 3, 3, 3), **said)
    assert "weight: a panel at a time" in got.copies, "all of them"
    assert "input: strips of the cache's size (3 of 4 convolutions)" in got.copies


def test_a_specification_prints_in_one_line():
    spec = plan(conv2d, (3, 9, 7), (5, 3, 3, 2)).spec
    assert repr(spec) == "ConvSpec(conv2d, (3, 9, 7) * (5, 3, 3, 2), dtype=float32)"
    x, w = np.ones((2, 9, 11, 6), "i1"), np.ones((4, 3, 3, 2), "i1")
    said = {"stride": (2, 1), "dilation": (1, 2), "padding": ((1, 2), (0, 3)), "groups": 2}
    said |= {"padding_mode": ("edge", "constant"), "padding_value": 7, "channels_last": True}
    said |= {"flip": True, "bias": np.ones(4, "i4"), "activation": "relu", "overflow": "saturate"}
    assert repr(plan(conv2d, x, w, **said).spec) == (
        "ConvSpec(conv2d, (2, 9, 11, 6) * (4, 3, 3, 2), stride=(2, 1), dilation=(1, 2), "
        "padding=((1, 2), (0, 3)), groups=2, padding_mode=('edge', 'constant'), padding_value=7, "
        "channels_last=True, flip=True, epilogue='bias, relu', overflow='saturate', dtype=int32)"
    )
