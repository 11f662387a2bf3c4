# SPDX-License-Identifier: BSD-3-Clause
"""Random arguments of the filters of scipy.signal: name -> function of (random, name)."""

import scipy_draw as draw
from scipy_draw import FAULTY, chance, per_axis, some

PAIRS = ((25, "f8"), (22, "f4"), (8, "c16"), (6, "c8"), (6, "u1"), (2, "b1"), (2, "i1"), (3, "i2"),
         (2, "u2"), (3, "i4"), (2, "u4"), (4, "i8"), (2, "u8"), (2, "g"), (0.7, "f2"), (1, "O"),
         (1, ">f8"), (0.5, ">f4"), (0.5, ">c16"))  # fmt: skip
SPECTRAL = ((4, "f8"), (3, "f4"), (2, "c16"), (1, "c8"), (1, "i4"), (1, "u1"))
TAME = ((3, "normal"), (2, "whole"), (1, "flat"))


def two(random, rank, dtypes=PAIRS, values=draw.VALUES):
    """Two arrays, the second mostly smaller and mostly of the same dtype."""
    x = draw.array(random, draw.shape_of(random, rank), dtypes, values)
    short = tuple(
        random.randint(1, 5 if rank < 3 else 3) if chance(random, 0.8) else random.randint(0, 12)
        for _ in range(rank if not chance(random, FAULTY) else random.randrange(rank + 2))
    )
    if rank > 3:
        short = tuple(min(n, 3) for n in short)
    taps = draw.array(random, short, dtypes, values, None if chance(random, 0.3) else x.dtype)
    pair = (x, taps)
    return pair if not chance(random, 0.06) else pair[::-1]


def mode(random):
    return some(random, (3, "full"), (3, "same"), (3, "valid"), (0.1, "center"), (0.05, None))


def planes(random, name):
    """convolve2d and correlate2d."""
    rank = 2 if not chance(random, FAULTY / 2) else random.choice((1, 3))
    said = {}
    if chance(random, 0.8):
        said["mode"] = mode(random)
    if chance(random, 0.6):
        said["boundary"] = some(random, (2, "fill"), (2, "wrap"), (2, "symm"), (0.2, "symmetric"),
                                (0.2, "circular"), (0.2, "pad"), (0.1, "reflect"))  # fmt: skip
    if chance(random, 0.4):
        said["fillvalue"] = draw.cval(random)
    return two(random, rank), said


def general(random, name):
    """convolve and correlate, mostly by their sums."""
    method = some(random, (16, "direct"), (1, "auto"), (2, "fft"), (0.1, "fast"))
    rank = draw.rank_of(random, 0, 5)
    pair = two(random, rank, *(() if method == "direct" else (SPECTRAL, TAME)))
    said = {"method": method}
    if chance(random, 0.8):
        said["mode"] = mode(random)
    return pair, said


def transformed(random, name):
    """fftconvolve and oaconvolve."""
    rank = draw.rank_of(random, 0, 4)
    pair, said = two(random, rank, SPECTRAL, TAME), {}
    if chance(random, 0.8):
        said["mode"] = mode(random)
    if chance(random, 0.2) and rank:
        said["axes"] = random.randint(-rank, rank - 1)
    return pair, said


UP_MODES = ("constant", "wrap", "symmetric", "reflect", "edge", "smooth", "antisymmetric",
            "antireflect", "line", "zero")  # fmt: skip


def taps1d(random):
    count = some(random, (30, random.randint(1, 12)), (8, random.randint(1, 60)), (0.5, 0))
    shape = (count,) if not chance(random, FAULTY / 2) else (count, 2)
    return draw.array(random, shape, PAIRS, draw.WEIGHTS, lists=0.1)


def resampled(random, name):
    """upfirdn."""
    rank = draw.rank_of(random, 0, 4)
    x, said = draw.array(random, draw.shape_of(random, rank), PAIRS), {}
    for word in ("up", "down"):
        if chance(random, 0.7):
            said[word] = some(random, (3, 1), (4, 2), (3, 3), (2, random.randint(1, 9)), (0.1, 0),
                              (0.1, -1), (0.1, 1.5), (0.1, 2.0))  # fmt: skip
    draw.axis(random, rank, said)
    if chance(random, 0.5):
        said["mode"] = random.choice(UP_MODES)
    if chance(random, 0.3):
        said["cval"] = draw.cval(random)
    return (taps1d(random), x), said


def polyphase(random, name):
    """resample_poly."""
    rank = draw.rank_of(random, 1, 3)
    x, said = draw.array(random, draw.shape_of(random, rank), PAIRS), {}
    draw.axis(random, rank, said)
    if chance(random, 0.5):
        said["window"] = some(random, (2, "hamming"), (1, ("kaiser", 3.0)), (3, None))
        if said["window"] is None:
            said["window"] = taps1d(random)
    if chance(random, 0.5):
        said["padtype"] = random.choice(
            ("mean", "median", "minimum", "maximum", "constant", "line", *UP_MODES)
        )
    if chance(random, 0.15):
        said["cval"] = draw.cval(random)
    up, down = (some(random, (9, random.randint(1, 7)), (0.1, 0), (0.1, 1.5)) for _ in range(2))
    return (x, up, down), said


def decimated(random, name):
    """decimate with a filter of finite length."""
    rank = draw.rank_of(random, 1, 3)
    x, said = draw.array(random, draw.shape_of(random, rank), PAIRS), {"ftype": "fir"}
    draw.axis(random, rank, said)
    if chance(random, 0.3):
        said["n"] = random.randint(1, 20)
    if chance(random, 0.3):
        said["zero_phase"] = random.choice((True, False))
    return (x, random.randint(1, 5)), said


def size_of(random, rank):
    return per_axis(
        random, rank, lambda: some(random, (9, 3), (5, 5), (2, 1), (2, 7), (0.2, 2), (0.1, 0))
    )


def median(random, name):
    """medfilt and medfilt2d."""
    rank = draw.rank_of(random, 0, 3) if name == "medfilt" else 2
    if name == "medfilt2d" and chance(random, FAULTY):
        rank = random.choice((1, 3))
    x, said = draw.array(random, draw.shape_of(random, rank), draw.REAL), {}
    if chance(random, 0.85):
        said["kernel_size"] = size_of(random, rank)
    return (x,), said


def ordered(random, name):
    """order_filter."""
    rank = draw.rank_of(random, 1, 3)
    x = draw.array(random, draw.shape_of(random, rank), draw.REAL)
    shape = tuple(some(random, (9, 3), (2, 1), (4, 5), (0.2, 2)) for _ in range(rank))
    return (x, draw.footprint(random, shape), random.randint(0, min(9, 3**rank - 1))), {}


def savgol(random, name):
    rank = draw.rank_of(random, 1, 3)
    x, said = draw.array(random, draw.shape_of(random, rank), PAIRS), {}
    length = some(random, (5, 5), (4, 7), (2, 11), (2, 4), (2, 3))
    draw.axis(random, rank, said)
    if chance(random, 0.3):
        said["deriv"] = random.randint(0, 3)
    if chance(random, 0.2):
        said["delta"] = 0.5
    if chance(random, 0.75):
        said["mode"] = some(random, (1, "interp"), (1, "mirror"), (1, "constant"), (1, "nearest"),
                            (1, "wrap"), (0.05, "reflect"))  # fmt: skip
    if chance(random, 0.2):
        said["cval"] = draw.cval(random)
    return (x, length, random.randint(0, length - (not chance(random, FAULTY)))), said


def noise(random, name):
    """wiener."""
    rank = draw.rank_of(random, 1, 3)
    x, said = draw.array(random, draw.shape_of(random, rank), draw.DTYPES), {}
    if chance(random, 0.7):
        said["mysize"] = size_of(random, rank)
    if chance(random, 0.4):
        said["noise"] = random.choice((0.5, 0.0, 10))
    return (x,), said


SIGNAL = {
    "convolve2d": planes, "correlate2d": planes, "convolve": general, "correlate": general,
    "fftconvolve": transformed, "oaconvolve": transformed, "upfirdn": resampled,
    "resample_poly": polyphase, "decimate": decimated, "medfilt": median, "medfilt2d": median,
    "order_filter": ordered, "savgol_filter": savgol, "wiener": noise,
}  # fmt: skip
