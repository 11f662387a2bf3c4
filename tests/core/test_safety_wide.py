# SPDX-License-Identifier: BSD-3-Clause
"""What is read and written, for every dtype, layout, border and epilogue; see test_safety.py."""

import numpy as np
import pytest
from arrays import BF16, numbers
from programs import guarded, linux
from truth import specified
from ways import ALGORITHMS, ISAS, WAYS, run

import fastconv
from fastconv._core import scratch


@linux
@pytest.mark.parametrize("isa", ISAS)
def test_nothing_beside_the_arrays_is_touched(isa):
    seen = guarded(isa)
    assert all(str(way) in seen for way in WAYS)


@linux
@pytest.mark.parametrize("isa", ISAS)
def test_nothing_beside_the_arrays_of_a_transposed_convolution_is_touched(isa):
    assert int(guarded(isa, program="guarded_adjoint.py")) > 100


@linux
@pytest.mark.parametrize("isa", ISAS)
def test_nothing_beside_the_arrays_of_a_locally_connected_layer_is_touched(isa):
    assert int(guarded(isa, program="guarded_local.py")) > 100


@linux
@pytest.mark.parametrize("isa", ISAS)
def test_nothing_beside_the_arrays_that_are_moved_is_touched(isa):
    assert int(guarded(isa, program="guarded_moves.py")) > 300


@linux
@pytest.mark.parametrize("isa", ISAS)
def test_nothing_beside_the_arrays_of_resampling_is_touched(isa):
    assert int(guarded(isa, program="guarded_resample.py")) > 500


@linux
@pytest.mark.parametrize("isa", ISAS)
def test_nothing_beside_the_arrays_of_pooling_is_touched(isa):
    assert int(guarded(isa, program="guarded_pools.py")) > 200


@linux
@pytest.mark.parametrize("isa", ISAS)
def test_nothing_beside_the_arrays_of_a_filter_is_touched(isa):
    assert int(guarded(isa, program="guarded_filters.py")) > 900


# (input, weight, dtype, keywords)
CASES = [
    ((2, 19, 11, 13), (21, 19, 3, 3), "f2", {"padding": 7, "padding_mode": "mirror"}),
    ((2, 11, 13, 19), (21, 19, 3, 3), "f4", {"padding": 2, "channels_last": True}),
    ((2, 19, 11, 13), (21, 19, 3, 3), "u1", {"padding": 2, "padding_value": 9, "stride": (1, 2)}),
    ((2, 19, 11, 13), (21, 19, 3, 3), "i8", {"padding": 2, "padding_mode": "wrap"}),
    ((2, 11, 13, 19), (21, 19, 3, 3), "c8", {"padding": 2, "channels_last": True}),
    ((2, 3, 301), (5, 3, 41), BF16, {"padding": 50, "padding_mode": "symmetric"}),
]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("case", CASES, ids=[f"{dtype}" for *_, dtype, _ in CASES])
def test_scratch_is_written_before_it_is_read(case, algorithm):
    shape, kernel, dtype, said = case
    x, w = numbers(shape, dtype), numbers(kernel, dtype, seed=1)
    clean = {isa: run(x, w, isa=isa, algorithm=algorithm, **said) for isa in ISAS}
    scratch.poison(True)
    try:
        for isa in ISAS:
            got = run(x, w, isa=isa, algorithm=algorithm, **said)
            np.testing.assert_array_equal(got, clean[isa])
    finally:
        scratch.poison(False)


@pytest.mark.parametrize("dtype", ["f4", "f2", "u1", "c8"])
def test_a_weight_that_is_one_number_everywhere(dtype):
    """All steps of it are 0: nothing lies behind that number."""
    x = numbers((1, 3, 7, 11), dtype)
    one = np.array(3, dtype)
    for shape in ((5, 3, 3, 3), (1, 3, 1, 1), (2, 3, 1, 4)):
        w = np.broadcast_to(one, shape)
        assert set(w.strides) == {0}
        for algorithm in ALGORITHMS:
            got = run(x, w, algorithm=algorithm)
            np.testing.assert_array_equal(got, run(x, w.copy(), algorithm=algorithm))
            np.testing.assert_array_equal(got, run(x, w, algorithm=algorithm, prepared=True))


VIEWS = {
    "contiguous": lambda a: a[..., : a.shape[-1] // 2],
    "steps": lambda a: a[..., ::2],
    "backwards": lambda a: a[..., ::-2],
    "one channel": lambda a: np.broadcast_to(a[:, :1, ::2], (*a.shape[:2], a.shape[2] // 2)),
    "turned": lambda a: np.lib.stride_tricks.as_strided(
        a, (*a.shape[:2], a.shape[2] // 2), (a.strides[0], a.itemsize, a.shape[1] * a.itemsize)
    ),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("what", ["input", "weight", "residual", "bias"])
@pytest.mark.parametrize("dtype", ["f4", "f2", "i2"])
def test_out_overlaps_what_is_read(dtype, what, view):
    """Whatever the layout of what is read; a copy of it lies elsewhere."""
    shapes = {"input": (1, 3, 31), "weight": (5, 3, 7), "bias": (1, 1, 5), "residual": (1, 5, 25)}
    for algorithm in ALGORITHMS:
        arrays = {name: numbers(shape, dtype, len(name)) for name, shape in shapes.items()}
        *leading, last = shapes[what]
        memory = numbers((4000,), dtype)
        large = memory[: 2 * int(np.prod(shapes[what]))].reshape(*leading, 2 * last)
        arrays[what] = VIEWS[view](large)
        arrays["bias"] = arrays["bias"][0, 0]
        x, w, bias, residual = (arrays[name] for name in shapes)
        copies = [array.copy() for array in (x, w, bias)]
        said = {"algorithm": algorithm, "dtype": dtype}
        expected = run(*copies, residual=residual.copy(), **said)
        out = memory[1:126].reshape(1, 5, 25)
        assert np.shares_memory(out, arrays[what])
        got = run(x, w, bias, residual=residual, out=out, **said)
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("dtype", ["f4", "f2", "u1", "i8", "c8"])
def test_nothing_that_is_read_is_changed(dtype):
    """Input, weight, bias and residual stay as they were, also where they are converted."""
    x, w = numbers((2, 3, 7, 11), dtype), numbers((5, 3, 3, 2), dtype, seed=1)
    said = {"padding": 3, "padding_mode": "wrap", "alpha": 2}
    addend = "i4" if np.dtype(dtype).kind in "iu" else dtype
    arrays = {"bias": numbers((5,), addend, 2)}
    arrays["residual"] = numbers(specified(x, w, **said).output_shape, addend, 3)
    before = [array.copy() for array in (x, w, *arrays.values())]
    for algorithm in (*ALGORITHMS, "reference"):
        fastconv.conv2d(x, w, **arrays, **said, algorithm=algorithm)
    for array, copy in zip((x, w, *arrays.values()), before, strict=True):
        np.testing.assert_array_equal(array, copy)
