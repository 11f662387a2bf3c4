# SPDX-License-Identifier: BSD-3-Clause
"""Random arguments of the filters of scipy.ndimage: name -> function of (random, name)."""

import scipy_draw as draw
from scipy_arrays import Made, Own, nan
from scipy_draw import FAULTY, chance, kernel, per_axis, some, taps_of


def image(random, most=6, dtypes=draw.DTYPES):
    x = draw.array(random, draw.shape_of(random, draw.rank_of(random, 0, most)), dtypes)
    return x, len(x.shape)


def common(random, x, said, rank=0):
    draw.output(random, x, said)
    draw.border(random, said, rank)


def line(random, name):
    """correlate1d and convolve1d."""
    x, rank = image(random)
    taps = taps_of(random, 1, x.shape)
    shape = (taps,) if not chance(random, FAULTY / 2) else random.choice(((), (taps, 2)))
    said = {}
    draw.axis(random, rank, said)
    common(random, x, said)
    draw.origin(random, said, [taps], each=False)
    return (x, kernel(random, shape)), said


def window(random, name):
    """correlate and convolve."""
    x, rank = image(random)
    said = {}
    over = draw.axes(random, rank, said)
    if chance(random, FAULTY):
        over += 1
    if over > 3:
        shape = tuple(random.choice((1, 2, 3)) for _ in range(over))
    else:
        shape = tuple(taps_of(random, max(over, 2), x.shape) for _ in range(over))
    common(random, x, said, rank if chance(random, FAULTY) else 0)
    draw.origin(random, said, shape)
    return (x, kernel(random, shape)), said


def sigma_of(random):
    return some(
        random, (4, 1), (3, 0.5), (3, round(random.uniform(0.2, 3), 3)), (1, 0), (0.5, 5),
        (0.3, 1e-16), (0.2, -1.0), (0.1, nan), (0.3, Made("np.float32(1.1)")),
    )  # fmt: skip


def order_of(random):
    return some(random, (6, 0), (3, 1), (3, 2), (1, 3), (0.5, 5), (0.2, -1), (0.1, 1.0))


def gaussian_words(random, rank, said, each):
    def maybe(one):
        return per_axis(random, rank, one) if each else one()

    if chance(random, 0.4):
        said["order"] = maybe(lambda: order_of(random))
    if chance(random, 0.3):
        said["truncate"] = some(random, (3, 3.0), (2, 2), (1, 0.5), (1, 6.1), (0.1, -1.0))
    if chance(random, 0.25):
        said["radius"] = maybe(
            lambda: some(random, (3, 2), (1, 0), (2, 5), (1, None), (0.2, -1), (0.2, 1.5))
        )


def gaussian1d(random, name):
    x, rank = image(random)
    said = {}
    draw.axis(random, rank, said)
    gaussian_words(random, 1, said, False)
    common(random, x, said)
    return (x, sigma_of(random)), said


def gaussian(random, name):
    x, rank = image(random, 5)
    said = {}
    over = draw.axes(random, rank, said)
    if name == "gaussian_filter" or chance(random, 0.02):
        gaussian_words(random, over, said, True)
    elif chance(random, 0.2):
        said["truncate"] = random.choice((2.0, 3, 5.5))
    common(random, x, said, over)
    return (x, per_axis(random, over, lambda: sigma_of(random))), said


def derivative(random, name):
    """sobel, prewitt, laplace, and those that are given the derivative."""
    x, rank = image(random)
    said, args = {}, [x]
    if name in ("sobel", "prewitt"):
        draw.axis(random, rank, said)
        over = rank
    else:
        over = draw.axes(random, rank, said)
    if name == "generic_gradient_magnitude":
        args.append(Own(random.choice(("sobel", "prewitt"))))
    elif name == "generic_laplace":
        args.append(Own("sobel"))
    common(random, x, said, over)
    return args, said


def box1d(random, name):
    x, rank = image(random)
    said = {}
    size = taps_of(random, 1, x.shape)
    if chance(random, FAULTY):
        size = random.choice((-1, 2.5, "3", None))
    draw.axis(random, rank, said)
    common(random, x, said)
    draw.origin(random, said, [size], each=False)
    return (x, size), said


def box(random, name):
    """uniform_filter."""
    x, rank = image(random)
    said = {}
    over = draw.axes(random, rank, said)
    if chance(random, 0.85):
        said["size"] = per_axis(random, over, lambda: taps_of(random, 1, x.shape))
    common(random, x, said, over)
    size = said.get("size", 3)
    draw.origin(random, said, size if isinstance(size, (tuple, list)) else [size] * over)
    return (x,), said


def extent(random, x, over, said, structures=False):
    """Put a size, footprint or structure into the keywords; returns the lengths of the axes."""
    shape = tuple(
        random.choice((1, 2, 3)) if over > 3 else taps_of(random, max(over, 2), x.shape)
        for _ in range(over + chance(random, FAULTY))
    )
    kind = random.random()
    if kind < 0.4 or chance(random, FAULTY):
        one = chance(random, 0.5)
        said["size"] = shape[0] if one and shape else shape
        if one and shape:
            shape = (shape[0],) * over
    if kind > 0.37:
        if not structures or kind < 0.7:
            said["footprint"] = draw.footprint(random, shape)
        if structures and kind > 0.65:
            said["structure"] = draw.array(
                random, shape, ((3, "f8"), (1, "i8"), (1, "f4")),
                ((3, "whole"), (2, "normal"), (1, "zeros"), (0.3, "odd"), (0.3, "huge")), lists=0.1,
            )  # fmt: skip
    return shape


def extreme(random, name):
    """minimum_filter, maximum_filter and the morphology of greys."""
    x, rank = image(random, 5, draw.REAL)
    said = {}
    over = draw.axes(random, rank, said)
    shape = extent(random, x, over, said, name not in ("minimum_filter", "maximum_filter"))
    common(random, x, said, over if "size" in said or chance(random, FAULTY) else 0)
    draw.origin(random, said, shape)
    return (x,), said


def ranked(random, name):
    x, rank = image(random, 5, draw.REAL)
    said, args = {}, [x]
    over = draw.axes(random, rank, said)
    shape = extent(random, x, over, said)
    cells = 1
    for n in shape:
        cells *= n
    if name == "rank_filter":
        high = max(cells - 1, 0)
        args.append(some(random, (3, random.randint(0, high)), (1, 0), (1, high), (1, -1),
                         (2, -random.randint(1, high + 1)), (0.2, cells), (0.1, 1.0)))  # fmt: skip
    elif name == "percentile_filter":
        args.append(some(random, (4, random.randint(0, 100)), (1, 50), (1, 12.5), (1, 100),
                         (0.5, 0), (1, -20), (0.2, 101), (0.1, -101)))  # fmt: skip
    common(random, x, said, over if chance(random, FAULTY) else 0)
    draw.origin(random, said, shape, each=len(shape) > 1)
    return args, said


NDIMAGE = (
    dict.fromkeys(("correlate1d", "convolve1d"), line)
    | dict.fromkeys(("correlate", "convolve"), window)
    | {"gaussian_filter1d": gaussian1d, "uniform_filter": box}
    | dict.fromkeys(
        ("gaussian_filter", "gaussian_laplace", "gaussian_gradient_magnitude"), gaussian)
    | dict.fromkeys(
        ("laplace", "sobel", "prewitt", "generic_laplace", "generic_gradient_magnitude"), derivative
    )
    | dict.fromkeys(("uniform_filter1d", "minimum_filter1d", "maximum_filter1d"), box1d)
    | dict.fromkeys(
        ("minimum_filter", "maximum_filter", "grey_erosion", "grey_dilation", "grey_opening",
         "grey_closing", "morphological_gradient", "morphological_laplace", "white_tophat",
         "black_tophat"), extreme)
    | dict.fromkeys(("rank_filter", "median_filter", "percentile_filter"), ranked)
)  # fmt: skip
