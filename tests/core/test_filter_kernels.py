# SPDX-License-Identifier: BSD-3-Clause
"""The C kernels of filters, called in the built extension: each bit, against loops in NumPy."""

import platform
import re
import shutil

import numpy as np
import pytest
from ctables import BYTES, objdump
from fastconv._core.table import KINDS
from filter_tables import (
    LETTERS,
    Footprint,
    Rank,
    Sums,
    find_filters,
    listed_filters,
    room,
)

pytestmark = pytest.mark.skipif(shutil.which("objdump") is None, reason="no objdump")
COUNTS = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 127, 131)


@pytest.fixture(params=list(LETTERS))
def filters(isa, request):
    return find_filters(isa, request.param)


def numbers(rng, count, dtype, scale=50):
    """Numbers, with slack behind them that holds others."""
    whole = rng.standard_normal(count + 32) * scale
    return whole.astype(dtype)


def same(got, expected):
    assert got.dtype == expected.dtype
    assert got.tobytes() == expected.tobytes()


def test_sum_row(filters):
    """Sums in the order of each form."""
    rng, dtype = np.random.default_rng(0), filters.dtype
    for count in COUNTS:
        src = numbers(rng, count + 40, dtype)
        for taps in (1, 2, 3, 5, 8, 13):
            offset = rng.integers(0, 40, taps)
            mate = rng.integers(0, 40, taps)
            weight = numbers(rng, taps, dtype, 3)[:taps]
            at = [src[o : o + count] for o in offset]
            other = [src[o : o + count] for o in mate]
            products = [a * w for a, w in zip(at, weight, strict=True)]
            zero = np.zeros(count, dtype)
            expected = {"FC_SUM": sum(products, zero)}
            if dtype.kind == "f":
                expected["FC_SUM_FIRST"] = sum(products[1:], products[0])
                for form, sign in (("FC_SUM_SYMMETRIC", 1), ("FC_SUM_ANTISYMMETRIC", -1)):
                    pairs = [(a + sign * b) * w for a, b, w in zip(at, other, weight, strict=True)]
                    expected[form] = sum(pairs[1:], products[0])
            expected["FC_SUM_FOURS"] = by_fours(products, taps, zero)
            for form, result in expected.items():
                dst, part = room(count, dtype)
                sums = Sums(form, offset, weight, every=taps, mate=mate)
                filters.call("sum_row", dst, src, sums, count)
                same(part, result)


def by_fours(products, every, zero):
    """Rows of `every` products, four at a time."""
    total = zero
    for row in range(0, len(products), every):
        terms = products[row : row + every]
        whole = len(terms) // 4 * 4
        for t in range(0, whole, 4):
            total = total + sum(terms[t : t + 4], zero)
        total = sum(terms[whole:], total)
    return total


@pytest.mark.parametrize("every", [1, 3, 4, 6])
def test_sums_of_complex_numbers(isa, every):
    rng = np.random.default_rng(1)
    for letter in ("f4", "f8"):
        filters = find_filters(isa, letter)
        for count in COUNTS:
            apart, to = count + 60, count + 40
            src = numbers(rng, 2 * apart, letter)
            offset = rng.integers(0, 20, 2 * every)
            weight = numbers(rng, 4 * every, letter, 3)[: 4 * every]
            real, imaginary = [], []
            for o, (c, d) in zip(offset, weight.reshape(-1, 2), strict=True):
                a, b = src[o : o + count], src[apart + o : apart + o + count]
                real.append(a * c - b * d)
                imaginary.append(a * d + b * c)
            zero = np.zeros(count, letter)
            for form, add in (
                ("FC_SUM_COMPLEX", lambda terms, zero: sum(terms, zero)),
                ("FC_SUM_COMPLEX_FOURS", lambda terms, zero: by_fours(terms, every, zero)),
            ):
                dst = np.zeros(2 * to + 40, letter)
                sums = Sums(form, offset, weight, every=every, apart=(apart, to))
                filters.call("sum_row", dst, src, sums, count)
                same(dst[:count], add(real, zero))
                same(dst[to : to + count], add(imaginary, zero))


def running(columns, size, rows):
    """Running means of columns [row, column], the row before the first window first."""
    dtype = columns.dtype
    total = sum(columns[1 : 1 + size], np.zeros(columns.shape[1], dtype))
    out = [total]
    for i in range(1, rows):
        total = total + (columns[i + size] - columns[i])
        out.append(total)
    return np.stack(out), total


def test_mean_rows(filters):
    """Running sums of columns, in one go and in two, in rows of whole lines of the cache."""
    rng, dtype = np.random.default_rng(2), filters.dtype
    if dtype.kind != "f":
        return
    line = 64 // dtype.itemsize
    for count in (1, 3, 8, 17, 33, 81):
        for size in (1, 2, 5):
            pitch, rows = -(-count // line) * line, 9
            src = numbers(rng, (rows + size) * pitch, dtype)
            columns = src[: (rows + size) * pitch].reshape(-1, pitch)
            sums, _ = running(columns[:, :count], size, rows)
            expected = sums / dtype.type(size)
            for first in (rows, 4):
                dst = np.zeros(rows * pitch + 64, dtype)
                total, _ = room(count, dtype)
                filters.call("mean_rows", dst, src[pitch:], pitch, first, count, size, total, 1)
                filters.call("mean_rows", dst[first * pitch :], src[(first + 1) * pitch :], pitch,
                             rows - first, count, size, total, 0)  # fmt: skip
                got = dst[: rows * pitch].reshape(rows, pitch)[:, :count]
                same(np.ascontiguousarray(got), expected)


def test_mean_line(filters):
    rng, dtype = np.random.default_rng(3), filters.dtype
    if dtype.kind != "f":
        return
    for step in (1, 3):
        for size in (1, 2, 7):
            count = 23
            src = numbers(rng, (count + size) * step, dtype)
            line = src[::step][: count + size, None]
            sums, last = running(line, size, count)
            dst = np.zeros(count * step, dtype)
            total = np.zeros(1, dtype)
            for first, n in ((0, 10), (10, 13)):
                filters.call("mean_line", dst[first * step :], src[(first + 1) * step :], step, n,
                             size, total, first == 0)  # fmt: skip
            same(dst[::step].copy(), sums[:, 0] / dtype.type(size))
            same(total, last)


def zeros_of_both_signs(rng, count, dtype):
    values = rng.integers(-2, 3, count + 32).astype(dtype)
    return values * rng.choice(np.array([1, -1], dtype), count + 32)


def test_extreme_two(filters):
    """The larger or smaller of two, and of equal ones the latter; also in place."""
    rng, dtype = np.random.default_rng(4), filters.dtype
    for count in COUNTS:
        for away in (1, 3, 8, 20):
            for minimum in (0, 1):
                src = zeros_of_both_signs(rng, count + away, dtype)
                a, b = src[:count], src[away : away + count]
                expected = np.where(a < b if minimum else a > b, a, b)
                dst, part = room(count, dtype)
                filters.call("extreme_two", dst, src, away, count, minimum)
                same(part, expected)
                filters.call("extreme_two", src, src, away, count, minimum)
                same(src[:count], expected)


def test_extreme_row(filters):
    """A later one must be better, so that the first of equals stays, and NaN if it is the first."""
    rng, dtype = np.random.default_rng(5), filters.dtype
    for count in COUNTS:
        for taps in (1, 2, 5):
            for minimum in (0, 1):
                src = zeros_of_both_signs(rng, count + 20, dtype)
                if dtype.kind == "f":
                    src[rng.integers(count)] = np.nan
                offset = rng.integers(0, 20, taps)
                best = src[offset[0] : offset[0] + count].copy()
                for o in offset[1:]:
                    value = src[o : o + count]
                    better = value < best if minimum else value > best
                    best = np.where(better, value, best)
                dst, part = room(count, dtype)
                footprint = Footprint(minimum, 0, offset, np.zeros(taps))
                filters.call("extreme_row", dst, src, footprint, count)
                np.testing.assert_array_equal(np.isnan(part), np.isnan(best))
                same(np.nan_to_num(part), np.nan_to_num(best))


@pytest.mark.parametrize("add", [1, 2, 3])
@pytest.mark.parametrize("minimum", [0, 1])
def test_heights_of_a_structure(isa, add, minimum):
    """Sums of double, rounded to float, or those of 8-bit integers; the first one of double."""
    filters, rng = find_filters(isa, "f8"), np.random.default_rng(6)
    for count in COUNTS:
        src = rng.integers(-128, 128, count + 60).astype(float)
        height = rng.integers(-128, 128, 6).astype(float)
        if add == 2:
            src, height = (src / 7).astype("f4").astype(float), (height / 3).astype("f4")
        offset = rng.integers(0, 20, 6)
        best = src[offset[0] : offset[0] + count] + float(height[0])
        for o, h in zip(offset[1:], height[1:], strict=True):
            value = src[o : o + count] + float(h)
            if add == 2:
                value = value.astype("f4").astype(float)
            if add == 3:
                value = value.astype(np.int64).astype(np.int8).astype(float)
            best = np.where(value < best if minimum else value > best, value, best)
        dst, part = room(count, "f8")
        footprint = Footprint(minimum, add, offset, height, -128, 127)
        filters.call("extreme_row", dst, src, footprint, count)
        same(part, best)


def test_rank_row(filters):
    """A rank by halves, and by a network that sorts by swapping neighbours."""
    rng, dtype = np.random.default_rng(7), filters.dtype
    for count in COUNTS:
        src = numbers(rng, count + 20, dtype, 1e6)
        for taps in (1, 2, 5, 9):
            offset = rng.integers(0, 20, taps)
            ordered = np.sort([src[o : o + count] for o in offset], axis=0)
            steps = [(i, i + 1) for end in range(taps - 1, 0, -1) for i in range(end)]
            work = np.zeros(2 * taps * filters.lanes + 32, dtype)
            for rank in range(taps):
                for told in ((rank, offset), (rank, offset, steps, rank)):
                    dst, part = room(count, dtype)
                    filters.call("rank_row", dst, src, Rank(*told), count, work)
                    same(part, ordered[rank])


def test_odd_numbers(filters):
    rng, dtype = np.random.default_rng(8), filters.dtype
    for count in COUNTS:
        src = np.abs(numbers(rng, count, dtype)) + 1
        assert filters.call("odd_numbers", src, count) == 0
        if dtype.kind == "f":
            for at in {0, count // 2, count - 1}:
                for value, bits in ((np.nan, 1), (-0.0, 2), (0.0, 0), (np.inf, 0)):
                    odd = src.copy()
                    odd[at] = value
                    assert filters.call("odd_numbers", odd, count) == bits


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="what x86-64 makes")
def test_truncate_row(filters):
    """Fractions and high bits are lost; what integers do not hold is the least of them."""
    rng, dtype = np.random.default_rng(9), filters.dtype
    real = dtype.kind == "f"
    for kind, name in BYTES.items():
        if kind in ("F16", "BF16") or (kind[0] == "F" and not real):
            continue
        to = np.dtype(name)
        magnitude = 10.0 ** rng.integers(0, 22 if real else 17, 131)
        src = (rng.standard_normal(131) * magnitude).astype(dtype)
        if real:
            src[:4] = np.nan, np.inf, -np.inf, -0.7
        expected = stored_by_x86(src, to)
        for step in (1, 2, 3):
            dst = np.zeros(131 * step, to)
            filters.call("truncate_row", dst, step * to.itemsize, src, 131, KINDS[kind])
            if to.kind == "f":
                np.testing.assert_array_equal(dst[::step], expected)
            else:
                same(dst[::step].copy(), expected)


def stored_by_x86(values, to):
    with np.errstate(invalid="ignore", over="ignore"):
        if values.dtype.kind != "f" or to.kind == "f":
            return values.astype(to)
        wide = to.itemsize == 8 or to == np.uint32
        least = -(2.0**63) if wide else -(2.0**31)
        values = values.astype(float)
        inside = (values > least - 1) & (values < -least)
        whole = np.where(inside, values, 0).astype(np.int64)
        if to == np.uint64:
            large = (values >= 2.0**63) & (values < 2.0**64)
            least = np.where(values >= 2.0**64, to.type(0), to.type(2**63))
            of_large = np.where(large, values, 2.0**63).astype(to)
            return np.where(large, of_large, np.where(inside, whole.astype(to), least))
        return np.where(inside, whole, np.int64(least)).astype(to)


def test_every_kernel_of_filters_has_its_check():
    with open(__file__, encoding="utf-8") as file:
        checked = re.findall(r"^def test_(\w+)\(filters\)", file.read(), re.MULTILINE)
    assert sorted(checked) == sorted(name for name, _ in listed_filters())


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="mnemonics of x86-64")
def test_no_product_is_added_without_being_rounded():
    """No fused multiply-add in the object code of filters, and many elsewhere."""
    names = "|".join(name for name, _ in listed_filters())
    functions = re.findall(
        r"^[0-9a-f]+ <([\w.]+)>:\n(.*?)(?:\n\n|\Z)",
        objdump("-d", "--no-show-raw-insn"),
        re.MULTILINE | re.DOTALL,
    )
    fused = {name: len(re.findall(r"\bvfn?m(?:add|sub)", code)) for name, code in functions}
    ours = {name for name in fused if re.match(rf"(?:{names})", name)}
    assert len(ours) >= len(listed_filters())
    assert not any(fused[name] for name in ours)
    assert sum(fused.values()) > 1000
