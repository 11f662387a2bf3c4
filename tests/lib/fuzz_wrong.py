# SPDX-License-Identifier: BSD-3-Clause
"""Arguments that have to be refused by name, for fuzzing.py."""

import numpy as np
from fuzz_shapes import IMAGES, KERNELS
from fuzz_unweighted import COLUMNS, WORDS

# Arguments that are wrong for the same reasons.
SAME = {
    "first_bias": "bias", "depthwise_activation": "activation", "where": "mask",
    "out_indices": "out", "value": "padding_value", "mode": "padding_mode",
    **dict.fromkeys(("upscale_factor", "downscale_factor"), "sizes"),
    **dict.fromkeys(("ceil_mode", "return_indices", "count_include_pad", "antialias"), "flip"),
    **dict.fromkeys(("nan_policy", "overlap", "index_convention"), "overflow"),
}  # fmt: skip


class Raises:
    """Nothing can be had of it."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no array")

    def __index__(self):
        raise ValueError("no integer")


def integers(*more):
    return (1.5, "2", None, True, np.bool_(True), 2**40, -(2**70), float("nan"), 1j, object(), {},
            b"1", [1.0], np.float64(1), *more)  # fmt: skip


def per_axis(rank, *more):
    return (*integers(*more), (1,) * (rank + 1), [[1]], np.ones((1, 1), int), (), "same_", {1: 2},
            {1}, b"\1" * rank, bytearray(rank), (1,) * rank + (None,), np.ones(rank))  # fmt: skip


def arrays(*more):
    return ("text", object(), [[1], [1, 2]], np.array(["a"]), np.array([None]), {}, 1 << 70,
            np.ma.masked_array(np.ones(3), [0, 1, 0]), np.zeros(3, "M8[s]"), np.zeros(2, "g"),
            np.zeros(3, "i4,f4"), b"abc", Raises(), *more)  # fmt: skip


def read_only(array):
    array.flags.writeable = False
    return array


def of_unweighted(op, argument):
    """By which name wrong arguments of a function without weights are found."""
    if argument == "input":
        return "moved" if op in ("pad", "channel_shuffle") else "input"
    if argument == "padding" and op == "pad":
        return "numpy padding"
    if argument == "stride" and op not in COLUMNS:
        return "maybe stride"
    if argument in ("kernel_size", "output_size") and op in COLUMNS:
        return "sizes"
    if argument in ("scale_factor", "output_ratio"):
        return "scale"
    if argument == "output_size" and op.startswith("fractional"):
        return "maybe stride"  # None is right beside an output_ratio
    if argument == "output_size" and op.startswith("adaptive"):
        return "kernel_size"  # any number of outputs is right
    if argument == "padding_value" and op.endswith("_pool"):
        return "maybe value"  # None is right
    if argument in ("align_corners", "recompute_scale_factor"):
        return "maybe flag"
    return "maybe stride" if argument == "size" else argument  # without None, too


def wrong(argument, number, rank, array, op="conv"):
    """Value `number` of those that are no `argument` of an operation; of operands `array` is the
    right one."""
    if op in IMAGES and argument in ("input", "bias"):
        argument = {"input": "image", "bias": "image bias"}[argument]
    if op in WORDS:
        argument = of_unweighted(op, argument)
    if op == "separable_filter" and argument in KERNELS:
        argument = "kernel"
    values = {
        "stride": lambda: (*per_axis(rank, 0, -1), (0,) * rank),
        "dilation": lambda: (*per_axis(rank, 0, -1), (1,) * (rank - 1) + (0,)),
        "padding": lambda: (*per_axis(rank), "SAME", ((1, 2, 3),) * rank, ((1,),) * rank,
                            np.ones((rank, 3), int), ((1, 1.5),) * rank),
        "groups": lambda: integers(0, -1, (1,), 10**6 + 3),
        "threads": lambda: tuple(v for v in integers(0, -1, (1,)) if v is not None),
        "padding_mode": lambda: ("reflect", "zeros", "", None, 1, b"edge", (None,) * rank, {}, (),
                                 ("edge",) * (max(rank, 1) + 1)),
        "padding_value": lambda: ("a", None, [1, 2], object(), {}, np.ones(1), Raises()),
        "channels_last": lambda: (1, 0, None, "yes", [True], np.ones(1, bool), 1.0),
        "flip": lambda: (1, 0, None, "yes", [True], np.ones(1, bool), 1.0),
        "alpha": lambda: ("1", None, 1j, [1], np.ones(1), object(), {}, Raises()),
        "beta": lambda: ("1", None, 1j, [1], np.ones(1), object(), {}, Raises()),
        "dtype": lambda: ("nonsense", "O", "U3", "?", bool, "M8[s]", 7, [], object(), "i4,f4", "g"),
        "overflow": lambda: ("clip", None, 1, True, ["wrap"], b"wrap", {}),
        "algorithm": lambda: ("winograd", None, 3, "AUTO", ["direct"], b"direct", {}),
        "activation": lambda: ("foo", 3, ("clip", 1), ("clip", 2, 1), ("relu", 1), (), {}, b"relu",
                               ("leaky_relu", "x"), ("clip", None, 1), "ReLU", ("clip", 0, 1j),
                               ("clip", [0], 1), (("relu",),), ("leaky_relu", Raises())),
        "output_padding": lambda: (*per_axis(rank, -1, 10**6 + 3), ((1, 1),) * rank),
        "output_size": lambda: (*(v for v in per_axis(rank, 0, -1) if v is not None),
                                (1, 2) * rank + (3,), 10**6 + 3),
        "kernel_size": lambda: (*per_axis(rank, 0, -1), (0,) * rank),
        "maybe stride": lambda: tuple(v for v in per_axis(rank, 0, -1) if v is not None),
        "sizes": lambda: (*integers(-1), (), (1,) * 4, "ab", (-1,), (None,), [[1]], {}),
        "numpy padding": lambda: (*integers(), (1, 2, 3), ((1, 2),) * (rank + 2), ((1,),), "same",
                                  ((1, 2, 3),), (1, (2, 3)), {}, *([()] if rank else ())),
        "scale": lambda: ("a", 0, -1.5, float("nan"), float("inf"), 1j, (1.5,) * (rank + 1), {},
                          (), ("a",) * rank, Raises()),
        "maybe value": lambda: ("a", [1, 2], object(), {}, np.ones(1), Raises()),
        "maybe flag": lambda: (1, 0, "yes", [True], np.ones(1, bool), 1.0),
        "divisor_override": lambda: (0, -1, 1.5, "2", True, float("nan"), (1,), 1j, {}, 1 << 70),
        "norm_type": lambda: (0, -2, float("nan"), "2", None, 1j, [1], {}, Raises()),
        "index_dtype": lambda: ("i2", "f8", "u8", "nonsense", 7, "O", object(), "U3", bool),
        "mask": lambda: arrays(np.ones((2,) * 6), np.zeros(array.shape, "c8"),
                               np.ones((3, *array.shape), bool)),
        "indices": lambda: arrays(None, 1, array[None], array.astype("f4"), array[..., :0],
                                  array.astype(bool), np.full(array.shape, 2**40),
                                  np.full(array.shape, -2)),
        "samples": lambda: arrays(1, array[..., :-1], array.astype(int), array[None],
                                  array.astype("c8"), array + 1.5, array * np.nan, array - 3e8),
        "moved": lambda: arrays(None, np.zeros(array.shape, "O")),
        "kernels_1d": lambda: ("text", None, 1, (), ([1],) * 4, object(), {}, {1: [1]}, 1.5, b"1",
                               ([],) * rank, ("a",) * rank, ([[1]],) * rank, (Raises(),) * rank),
        "kernel": lambda: arrays(1, array[:0], array[None], np.zeros(array.shape, "O")),
        "image": lambda: arrays(None, np.zeros((0,) * 4), np.zeros(array.shape, "O"),
                                *([np.float32(1)] if rank else ()), array[..., None][..., :0]),
        "image bias": lambda: arrays(np.ones((2, 3, 4, 5)), np.zeros(array.shape, "O")),
        "input": lambda: arrays(None, 1, array[..., None, None, None],
                                np.ones((2,) * 7), np.zeros(array.shape, "O")),
        "weight": lambda: arrays(None, 1, array[:0], array[..., :0],
                                 np.zeros(array.shape, "O")),
        "second": lambda: arrays(None, 1, array[:, :0], array[..., None, None, None, None],
                                 np.zeros(array.shape, "O")),
        "bias": lambda: arrays(1, array[:, None], np.append(array, array[:1]),
                               np.zeros(array.shape, "O")),
        "residual": lambda: arrays(1, array[None], array[..., None], array[..., :0],
                                   np.zeros(array.shape, "O")),
        "out": lambda: (1, "out", array.tolist(), array[None], array.ravel()[:0], object(),
                        read_only(array.copy()), np.ma.masked_array(array),
                        np.zeros(array.shape, "i4" if array.dtype == bool else "?"),
                        np.zeros(array.shape, "O"), np.zeros(array.shape, "U2"), memoryview(b"abc"),
                        *([np.broadcast_to(array[..., :1], array.shape)]
                          if array.ndim and array.shape[-1] > 1 else ())),
    }[SAME.get(argument, argument)]  # fmt: skip
    with np.errstate(all="ignore"):  # a cast may overflow, and NaN may become an integer
        values = values()
    return values[number % len(values)]
