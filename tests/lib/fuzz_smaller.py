# SPDX-License-Identifier: BSD-3-Clause
"""Smaller cases of one that fails, for fuzzing.py."""

from fuzz_arrays import FORMS_OF
from fuzz_shapes import shapes
from fuzz_sums import Refused


def without(case, *path):
    """The case without one of its words."""
    *above, last = path
    case = dict(case)
    if above:
        case[above[0]] = without(case[above[0]], last)
    else:
        del case[last]
    return case


def smaller(case):
    """Cases that are simpler than this one, the simplest first."""
    for name in ("also", "decoy", "forms", "residual", "bias", "first_bias", "where", "out",
                 "isa"):  # fmt: skip
        if case.get(name) and not (name == "out" and case["said"].get("beta")):
            yield without(case, name)
    for name in case.get("also", ()):
        yield {**case, "also": [name]}
    for part in ("said", "forms"):
        for name in case.get(part, ()):
            if name not in ("groups", "channels_last", "overflow", "dtype", "output_size"):
                less = without(case, part, name)
                yield less
                if part == "said":
                    yield from reshaped(less, case["sizes"], less["said"])
    yield from smaller_shapes(case)
    for name, value in case["said"].items():
        if name not in ("groups", "threads", "alpha", "beta"):
            for less in smaller_numbers(value):
                yield from reshaped(case, case["sizes"], case["said"] | {name: less})
    for name in FORMS_OF:
        array = case.get(name)
        if array and array != "out":
            plain = {word: array[word] for word in ("shape", "dtype", "seed", "kind")}
            if "over" not in array and not any(
                isinstance(a, dict) and a.get("over") == name for a in case.values()
            ):
                for more in ((), ("page",), ("strides", "start", "size")):
                    simple = plain | {w: array[w] for w in more if w in array}
                    if simple.keys() != array.keys():
                        yield {**case, name: simple}
            if array["kind"] != "small":
                yield {**case, name: {**array, "kind": "small"}}


def smaller_numbers(value):
    """The same with one smaller integer."""
    if isinstance(value, tuple):
        for at, entry in enumerate(value):
            yield from ((*value[:at], less, *value[at + 1 :]) for less in smaller_numbers(entry))
    elif type(value) is int and value > 1:
        yield from dict.fromkeys((value // 2, value - 1))


def smaller_shapes(case):
    """Cases of smaller sizes, in the same strides."""
    sizes, found = case["sizes"], []
    for name in ("batch", "channels", "sizes", "taps"):
        for at, n in enumerate(sizes.get(name, ())):
            for less in {n // 2, n - 1}:
                if less > 0 and not (name == "taps" and case["op"] == "pointwise_conv"):
                    row = sizes[name]
                    found.append({**sizes, name: (*row[:at], less, *row[at + 1 :])})
    for name in ("groups", "c_in", "c_out", "mixed"):
        for less in {sizes.get(name, 1) // 2, sizes.get(name, 1) - 1}:
            if less > 0:
                found.append({**sizes, name: less})
    for smaller in found:
        said = dict(case["said"])
        if "groups" in said:
            said["groups"] = smaller["groups"]
        yield from reshaped(case, smaller, said)


def reshaped(case, sizes, said):
    """The case with these sizes, if they go together."""
    try:
        made = shapes(case["op"], sizes, said)
    except (Refused, KeyError):  # sizes that do not go together, or one that is needed
        return
    if min(made.get("out", ()), default=1) > 0:
        arrays = {name: {**case[name], "shape": shape} for name, shape in made.items()
                  if isinstance(case.get(name), dict)}  # fmt: skip
        yield {**case, "said": said, "sizes": sizes, **arrays}
