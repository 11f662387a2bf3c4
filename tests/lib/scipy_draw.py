# SPDX-License-Identifier: BSD-3-Clause
"""Random arguments that filters of SciPy share, for scipy_cases.py."""

from scipy_arrays import LAYOUTS, Array, Made, Over, inf, nan

DTYPES = (
    (20, "f8"), (18, "f4"), (12, "u1"), (4, "b1"), (3, "i1"), (4, "i2"), (4, "u2"), (4, "i4"),
    (4, "u4"), (5, "i8"), (4, "u8"), (3, "c8"), (4, "c16"), (1, "f2"), (1, "g"), (0.7, "O"),
    (1, ">f8"), (1, ">f4"), (1, ">i2"), (0.5, ">c8"),
)  # fmt: skip
REAL = tuple((weight * (0.15 if "c" in name else 1), name) for weight, name in DTYPES)
WORDS = {"f8": "float64", "f4": "float32", "u1": "uint8", "b1": "bool", "i1": "int8",
         "i2": "int16", "u2": "uint16", "i4": "int32", "u4": "uint32", "i8": "int64",
         "u8": "uint64", "c8": "complex64", "c16": "complex128", "f2": "float16"}  # fmt: skip
VALUES = ((30, "normal"), (20, "whole"), (12, "large"), (10, "huge"), (5, "flat"), (10, "odd"),
          (5, "unbounded"), (4, "zeros"), (4, "tiny"))  # fmt: skip
WEIGHTS = ((20, "normal"), (18, "symmetric"), (15, "antisymmetric"), (10, "almost"),
           (6, "almost not"), (10, "holes"), (6, "ones"), (8, "whole"), (2, "odd"), (2, "zeros"),
           (2, "huge"), (1, "tiny"))  # fmt: skip
MODES = ("reflect", "constant", "nearest", "mirror", "wrap", "grid-wrap", "grid-constant",
         "grid-mirror")  # fmt: skip
LONGEST = {0: 1, 1: 70, 2: 23, 3: 9, 4: 5, 5: 4, 6: 3}  # of an axis, by rank
LARGE = {1: 3001, 2: 131, 3: 29, 4: 11}  # once in a while
FAULTY = 0.03  # how often an argument is wrong


def some(random, *weighted):
    """One of (weight, value) pairs."""
    return random.choices([v for _, v in weighted], [w for w, _ in weighted])[0]


def chance(random, part):
    return random.random() < part


def per_axis(random, rank, one):
    """One value, or one for each axis; now and then of a wrong length."""
    if chance(random, 0.5):
        return one()
    count = rank if not chance(random, FAULTY) else random.randrange(rank + 2)
    return some(random, (3, tuple), (1, list))(one() for _ in range(count))


# ---- arrays ------------------------------------------------------------------------------------


def rank_of(random, least=1, most=4):
    rank = some(random, (1, 0), (25, 1), (40, 2), (20, 3), (8, 4), (2, 5), (1, 6))
    return min(max(rank, least), most)


def shape_of(random, rank):
    longest = LONGEST[rank]
    if rank in LARGE and chance(random, 0.008):
        longest = LARGE[rank]
    return tuple(
        some(random, (1, 0), (3, 1), (2, 2), (60, random.randint(1, longest)), (9, longest))
        for _ in range(rank)
    )


def array(random, shape, dtypes=DTYPES, values=VALUES, dtype=None, lists=0.02):
    layout = "C" if chance(random, 0.45) else random.choice(LAYOUTS)
    if chance(random, lists) and len(shape) and 0 not in shape:
        layout = "list"
    return Array(
        shape, dtype or some(random, *dtypes), some(random, *values), random.randrange(600),
        layout, layout != "list" and chance(random, 0.1),
    )  # fmt: skip


WEIGHT_DTYPES = ((60, "f8"), (10, "f4"), (8, "i8"), (4, "c16"), (2, "c8"), (2, "b1"), (2, "u1"),
                 (1, ">f8"), (0.5, "g"), (0.5, "f2"), (0.5, "O"))  # fmt: skip


def taps_of(random, rank, shape=()):
    """A length of a kernel, mostly odd; some are longer than the axes."""
    if chance(random, FAULTY / 3):
        return 0
    if chance(random, 0.08) and rank < 3:
        return random.randint(1, 3 * max(shape, default=3) + 2 if rank < 2 else 30)
    return some(random, (30, 3), (20, 5), (8, 1), (10, 2), (10, 4), (8, 7), (4, 9),
                (3 if rank < 3 else 0, 15), (3 if rank < 2 else 0, 31))  # fmt: skip


def kernel(random, shape, values=WEIGHTS):
    found = array(random, shape, WEIGHT_DTYPES, values, lists=0.15)
    return found._replace(layout="C") if found.layout == "broadcast" and len(shape) < 2 else found


def footprint(random, shape):
    dtype = some(random, (6, "b1"), (1, "u1"), (1, "f8"))
    values = some(random, (8, "normal"), (3, "ones"), (0.3, "zeros"), (2, "whole"))
    return array(random, shape, dtype=dtype, values=((1, values),), lists=0.1)


def output(random, x, said):
    """Put an output into the keywords, or none."""
    if chance(random, 0.55) or not isinstance(x, Array):
        return
    if chance(random, 0.2) and x.layout != "list":
        said["output"] = Over(
            some(random, (4, "same"), (1, "reversed"), (1, "swapped"), (2, "next"))
        )
        return
    dtype = x.dtype if chance(random, 0.4) else some(random, *DTYPES)
    if chance(random, 0.7 if "c" not in x.dtype else 0.3) is False and "c" not in dtype:
        dtype = some(random, (1, "c8"), (1, "c16"), (1, "f8"))
    kind = random.random()
    if kind < 0.12 and dtype in WORDS:
        said["output"] = WORDS[dtype]
    elif kind < 0.2 and dtype in WORDS:
        said["output"] = Made(f"np.{WORDS[dtype]}".replace("np.bool", "np.bool_"))
    elif kind < 0.3:
        said["output"] = Made(f"np.dtype({dtype!r})")
    else:
        shape = x.shape if not chance(random, FAULTY) else shape_of(random, len(x.shape))
        found = array(random, shape, dtype=dtype, values=((1, "normal"), (1, "odd")), lists=0.005)
        layout = "F" if found.layout == "broadcast" else found.layout
        said["output"] = found._replace(layout=layout, fixed=chance(random, FAULTY))


# ---- words -------------------------------------------------------------------------------------


def mode(random):
    if chance(random, FAULTY / 2):
        return random.choice(("symmetric", "", "edge", None, 2, "constant "))
    return random.choice(MODES)


def cval(random):
    return some(
        random, (5, 0.0), (4, random.randint(-5, 5)), (3, round(random.gauss(0, 40), 2)), (1, nan),
        (1, inf), (0.5, -inf), (1, 300), (0.6, -1.5), (0.5, 2**31), (0.4, -(2**63)), (0.4, 1e300),
        (0.3, -0.0), (0.3, 1e-310), (0.1, "1"), (0.1, None), (0.4, 1 + 2j),
        (0.3, Made("np.float32(2.7)")), (0.2, True),
    )  # fmt: skip


def border(random, said, rank=0):
    """The mode, of each axis if there is a rank, and cval."""
    if chance(random, 0.85):
        said["mode"] = per_axis(random, rank, lambda: mode(random)) if rank and (
            chance(random, 0.3)) else mode(random)  # fmt: skip
    if chance(random, 0.7 if "constant" in str(said.get("mode")) else 0.05):
        said["cval"] = cval(random)


def origin_of(random, size):
    """An origin for a kernel of this length."""
    size = size if isinstance(size, int) else 3
    if chance(random, FAULTY):
        return random.choice((size // 2 + 1, -size, 1.5, size))
    least, most = -(size // 2), max((size - 1) // 2, -(size // 2))
    return random.randint(least, most)


def origin(random, said, sizes, each=True):
    if chance(random, 0.65):
        return
    if each and chance(random, 0.6):
        said["origin"] = some(random, (1, tuple), (2, list))(origin_of(random, n) for n in sizes)
        if chance(random, FAULTY):
            said["origin"] = said["origin"][1:]
    else:
        said["origin"] = origin_of(random, min(sizes, default=3))
    if chance(random, 0.03):
        said["origin"] = Made(f"np.array({said['origin']!r})")


def axis(random, rank, said, often=0.6):
    if chance(random, often):
        ends = (-rank - 1, rank) if chance(random, FAULTY) else (-rank, rank - 1)
        said["axis"] = random.randint(*ends) if rank else random.choice((0, -1))
        if chance(random, 0.05):
            said["axis"] = Made(f"np.int64({said['axis']})")


def axes(random, rank, said):
    """Put axes into the keywords, or none; returns their number."""
    if chance(random, 0.75) or not rank:
        return rank
    if chance(random, FAULTY):
        said["axes"] = random.choice(((0, 0), rank, (rank,), 1.5, "1", (0, -rank), (0.5,)))
        return 1
    if chance(random, 0.2):
        said["axes"] = random.randint(-rank, rank - 1)
        return 1
    found = random.sample(range(rank), random.randint(0 if chance(random, 0.1) else 1, rank))
    said["axes"] = some(random, (3, tuple), (1, list))(
        a - rank if chance(random, 0.3) else a for a in found
    )
    return len(found)
