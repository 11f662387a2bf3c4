# SPDX-License-Identifier: BSD-3-Clause
"""Max unpooling: values go to where their indices say, by the rule for several of one place."""

import numpy as np
import pytest
from arrays import BF16, numbers
from hypothesis import given, settings
from hypothesis import strategies as st
from pools import CONVENTIONS, arrays, assert_right, laid_out

import fastconv

pytestmark = pytest.mark.usefixtures("poisoned")


@st.composite
def unpoolings(draw):
    """(name, arguments, keywords), with indices that may be any."""
    rank = draw(st.integers(1, 3))
    x, last = draw(arrays(rank, channels=(1, 2, 3, 13, 17, 31)))
    convention = draw(st.sampled_from(CONVENTIONS))
    kernel = draw(st.integers(1, 3))
    sizes = [n * kernel for n in (x.shape[-1 - rank : -1] if last else x.shape[-rank:])]
    channels = x.shape[-1] if last else x.shape[x.ndim - rank - 1]
    batch = x.shape[0] if x.ndim == rank + 2 else 1
    most = int(np.prod(sizes)) * (1 if convention == "plane" else channels)
    most *= batch if convention not in ("plane", "nhwc") else 1
    random = np.random.default_rng(draw(st.integers(0, 99)))
    indices = random.integers(-1, most, x.shape) if most else np.zeros(x.shape, np.int64)
    said = {
        "channels_last": last,
        "index_convention": convention,
        "overlap": draw(st.sampled_from(["last", "max", "sum"])),
    }
    if x.dtype.itemsize == 2 and said["overlap"] == "sum":
        said["overlap"] = "last"  # sums are rounded once here, by NumPy each time
    if draw(st.booleans()):
        indices = indices.astype(np.int32)
    if draw(st.booleans()):  # within planes, if not all
        indices = np.where(indices < 0, -1, own_places(x.shape, sizes, last, convention, random))
    return f"max_unpool{rank}d", (x, laid_out(draw, indices), kernel), said


def own_places(shape, sizes, last, convention, random):
    """Indices of any places of a value's own plane."""
    rank, cells = len(sizes), int(np.prod(sizes))
    batch = shape[0] if len(shape) == rank + 2 else 1
    channels = shape[-1] if last else shape[len(shape) - rank - 1]
    place = random.integers(0, max(cells, 1), (batch, channels, *(shape[-1 - rank : -1] if last
                            else shape[-rank:])))  # fmt: skip
    n, c = (np.indices(place.shape[:2])[i].reshape(batch, channels, *(1,) * rank) for i in (0, 1))
    if convention == "flat_column_major":
        cell = np.arange(cells).reshape(sizes[::-1]).T.ravel() if cells else np.arange(0)
        place = cell[place] if place.size else place
    index = {
        "plane": lambda: place,
        "nhwc": lambda: place * channels + c,
        "nhwc_batch": lambda: (n * cells + place) * channels + c,
    }.get(convention, lambda: (n * channels + c) * cells + place)()
    return (np.moveaxis(index, 1, -1) if last else index).reshape(shape)


@settings(max_examples=400, deadline=None)
@given(unpoolings(), st.integers(1, 3))
def test_any_unpooling_is_that_of_the_reference(problem, threads):
    name, arguments, said = problem
    unpool = getattr(fastconv, name)
    with np.errstate(all="ignore"):
        wanted = unpool(*arguments, **said, algorithm="reference")
        got = unpool(*arguments, **said, threads=threads)
    assert_right(got, wanted, exact=said["overlap"] != "sum" or arguments[0].dtype.kind in "biu")


@pytest.mark.parametrize("overlap", ["last", "max", "sum"])
@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize(
    "shape", [(1, 13, 67, 29), (2, 17, 31, 23), (1, 1, 97, 41), (1, 521, 5, 3)]
)
def test_bands_of_an_image_for_any_threads(shape, convention, overlap):
    """Also where `out` is not contiguous, indices are narrow, and point into other planes."""
    rng, sizes = np.random.default_rng(1), (shape[2] * 2, shape[3] * 2)
    said = {"index_convention": convention, "overlap": overlap}
    for last in (False, True):
        x = numbers((shape[0], *shape[2:], shape[1]) if last else shape, "i4")
        index = own_places(x.shape, sizes, last, convention, rng)
        for indices in (index, index.astype("u4"), rng.permutation(index.ravel()).reshape(x.shape)):
            wanted = fastconv.max_unpool2d(
                x, indices, 2, channels_last=last, **said, algorithm="reference"
            )
            out = np.zeros([2 * n for n in wanted.shape], x.dtype)
            outs = (
                np.ones_like(wanted), np.ones(wanted.shape[::-1], x.dtype).T,
                np.moveaxis(np.ones([wanted.shape[i] for i in (0, 2, 3, 1)], x.dtype), -1, 1),
                out[tuple(slice(n, 2 * n) for n in wanted.shape)],
                out[tuple(slice(0, 2 * n, 2) for n in wanted.shape)], np.ones_like(wanted)[:, ::-1],
            )  # fmt: skip
            for threads in (1, 2, 3):
                for one in outs:
                    fastconv.max_unpool2d(
                        x, indices, 2, channels_last=last, **said, threads=threads, out=one
                    )
                    np.testing.assert_array_equal(one, wanted)


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from(CONVENTIONS), st.integers(1, 3))
def test_unpooling_inverts_pooling(data, convention, rank):
    x, last = data.draw(arrays(rank, dtypes=("f4", "f8", "i4")))
    if x.dtype.kind == "f":
        x = np.nan_to_num(x, nan=2, posinf=1, neginf=-1)
    x = np.where(x == 0, x.dtype.type(3), x)  # zeros could not be told from what is left out
    pool = getattr(fastconv, f"max_pool{rank}d")
    said = {"channels_last": last, "index_convention": convention}
    values, indices = pool(x, 2, return_indices=True, ceil_mode=True, **said)
    sizes = x.shape[-1 - rank : -1] if last else x.shape[-rank:]
    back = getattr(fastconv, f"max_unpool{rank}d")(values, indices, 2, output_size=sizes, **said)
    assert back.shape == x.shape
    kept = back != 0
    np.testing.assert_array_equal(back[kept], x[kept])
    assert np.isin(values, back).all()


def test_of_several_values_the_rule_decides():
    x, where = np.array([[3.0, 7.0, 5.0]]), np.array([[1, 1, 1]])
    for overlap, wanted in (("last", 5), ("max", 7), ("sum", 15)):
        got = fastconv.max_unpool1d(x, where, 1, overlap=overlap)
        np.testing.assert_array_equal(got, [[0, wanted, 0]])


def test_an_index_that_points_nowhere_is_named_and_nothing_is_written():
    x = numbers((1, 2, 3, 5), "f4")
    values, indices = fastconv.max_pool2d(np.repeat(x, 2, 3), (1, 2), return_indices=True)
    for bad in (30, -2, 10**12):
        indices[0, 1, 2, 3] = bad
        indices[0, 1, 2, 4] = 77
        out = np.full((1, 2, 3, 10), 7, np.float32)
        with pytest.raises(ValueError, match=rf"indices\[0, 1, 2, 3\] is {bad}, but it must be "):
            fastconv.max_unpool2d(values, indices, (1, 2), out=out)
        assert (out == 7).all()


def test_flat_indices_may_point_into_other_planes():
    x, where = np.array([[[1.0, 2.0]], [[3.0, 4.0]]]), np.array([[[3, 0]], [[2, -1]]])
    got = fastconv.max_unpool1d(x, where, 1, index_convention="flat")
    np.testing.assert_array_equal(got, [[[2, 0]], [[3, 1]]])


@pytest.mark.parametrize("algorithm", ["direct", "reference"])
@pytest.mark.parametrize("dtype", ["f2", BF16])
def test_sums_of_narrow_numbers_are_rounded_once_wherever_indices_point(dtype, algorithm):
    most = {"f2": 2048}.get(dtype, 256)  # from which on not all integers are held
    x = np.array([[[most, 1, 1, 1]], [[0, 0, 0, 0]]]).astype(dtype)
    for moved in (0, 1):  # into the other plane: then NumPy does all of them
        where = np.array([[[0, 0, 0, 0]], [[4 - moved, 5, 6, 7]]])
        said = {"index_convention": "flat", "overlap": "sum", "algorithm": algorithm}
        got = fastconv.max_unpool1d(x, where, 1, **said)
        assert got[0, 0, 0] == np.float32(most + 3).astype(dtype)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"overlap": "first"}, "overlap is 'first', but it must be one of 'last', 'max', 'sum'"),
        ({"output_size": 9}, "output_size is 9 on axis L, but it must be from 3 to 5"),
        (
            {"output_size": (1, 2, 3, 4)},
            "output_size has 4 entries, but it must be None, or have 1",
        ),
        ({"index_convention": "torch"}, "index_convention is 'torch', but it must be one of "),
        ({"padding": "same"}, "padding is 'same', but it must be an integer"),
    ],
)
def test_what_is_wrong_is_named(said, message):
    x, where = np.ones((1, 2)), np.zeros((1, 2), int)
    with pytest.raises((TypeError, ValueError), match="max_unpool1d: ") as caught:
        fastconv.max_unpool1d(x, where, 2, **said)
    assert message in str(caught.value)


def test_indices_must_be_integers_of_the_shape_of_the_input():
    x = np.ones((1, 2))
    with pytest.raises(ValueError, match="indices has shape"):
        fastconv.max_unpool1d(x, np.zeros((1, 3), int), 2)
    with pytest.raises(TypeError, match="indices has dtype float64, but it must hold integers"):
        fastconv.max_unpool1d(x, np.zeros((1, 2)), 2)
    with pytest.raises(TypeError, match="indices is None"):
        fastconv.max_unpool1d(x, None, 2)


@pytest.mark.peers
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_unpooling_is_that_of_torch(rank):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    x = numbers((2, 3, *(13, 11, 7)[:rank]), "f4")
    for k, s, p in ((2, None, 0), (3, 3, 1), (2, 3, 0)):
        values, indices = getattr(functional, f"max_pool{rank}d")(
            torch.from_numpy(x), k, s, p, return_indices=True
        )
        size = x.shape[2:]
        wanted = getattr(functional, f"max_unpool{rank}d")(values, indices, k, s, p, size)
        got = getattr(fastconv, f"max_unpool{rank}d")(
            values.numpy(), indices.numpy(), k, s, p, size
        )
        np.testing.assert_array_equal(got, wanted.numpy())


@pytest.mark.parametrize("dtype", ["i4", "u2", ">i8"])
@pytest.mark.parametrize("size", [(2, 2), (5, 7)])
@pytest.mark.parametrize("convention", ["flat", "nhwc_batch"])
def test_indices_that_are_copied_are_checked_like_others(dtype, size, convention):
    """Of these the core makes places; one of another plane is seen before any is written."""
    x = numbers((2, 3, *size))
    indices = np.arange(x.size).reshape(x.shape)
    if convention == "nhwc_batch":
        indices = np.moveaxis(indices.reshape(2, *size, 3), -1, 1)
    said = {"index_convention": convention}
    indices = indices.astype(dtype)
    assert np.array_equal(fastconv.max_unpool2d(x, indices, 1, **said), x)
    swapped = indices.copy()
    swapped[0, :, 0, 1] = np.flip(indices[0, :, 0, 1])
    wanted = x.copy()
    wanted[0, :, 0, 1] = np.flip(x[0, :, 0, 1])
    assert np.array_equal(fastconv.max_unpool2d(x, swapped, 1, **said), wanted)
    indices[1, 2, 1, 0] = x.size
    out = numbers(x.shape, seed=1)
    with pytest.raises(ValueError, match=rf"indices\[1, 2, 1, 0\] is {x.size}"):
        fastconv.max_unpool2d(x, indices, 1, **said, out=out)
    assert np.array_equal(out, numbers(x.shape, seed=1))


@pytest.mark.parametrize("convention", ["plane", "flat"])
@pytest.mark.parametrize("other", [False, True])
def test_sums_of_bool_are_whether_any_is_true(convention, other):
    for n in (2, 255, 256, 257):
        x, indices = np.ones((1, 2, n), bool), np.zeros((1, 2, n), int)
        if convention == "flat":
            indices[:, 1] = n
        if other and convention == "flat":  # of the other plane
            indices = indices[:, ::-1]
        got = fastconv.max_unpool1d(x, indices, 1, index_convention=convention, overlap="sum")
        assert got.view(np.uint8).tolist() == [[[1] + [0] * (n - 1)] * 2]


@pytest.mark.parametrize("padding", ["same", "same_lower"])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (2, 3), (5, 4), (1, 2)])
def test_undoing_a_pool_with_same(padding, kernel, stride):
    x = 1 + np.random.default_rng(0).permutation(11 * 13).reshape(1, 1, 11, 13)
    values, indices = fastconv.max_pool2d(x, kernel, stride, padding, return_indices=True)
    got = fastconv.max_unpool2d(values, indices, stride, output_size=x.shape)
    kept = indices[indices >= 0]
    wanted = np.zeros_like(x)
    wanted.flat[kept] = x.flat[kept]
    np.testing.assert_array_equal(got, wanted)
