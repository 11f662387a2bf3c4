# SPDX-License-Identifier: BSD-3-Clause
"""Smaller calls of one that differs, for fuzz_scipy.py."""

from scipy_arrays import Array


def smaller(call):
    """Calls that are simpler than this one, the simplest first."""
    for word in call.said:
        yield call._replace(said={w: v for w, v in call.said.items() if w != word})
    shapes = [v.shape for v in (*call.args, *call.said.values()) if isinstance(v, Array)]
    lengths = {n for shape in shapes for n in shape if n > 1}
    for less in (lambda n: n // 2, lambda n: n - 1):  # the same length wherever it is
        for n in sorted(lengths, reverse=True):
            yield everywhere(call, lambda v, n=n, less=less: shorter(v, n, less(n)))
    for rank in sorted({len(shape) for shape in shapes if len(shape) > 1}, reverse=True):
        yield everywhere(call, lambda v, rank=rank: flatter(v, rank))
    values = [*call.args, *call.said.values()]
    for at, value in enumerate(values):
        for less in simpler(value):
            entries = [*values[:at], less, *values[at + 1 :]]
            count = len(call.args)
            yield call._replace(
                args=tuple(entries[:count]),
                said=dict(zip(call.said, entries[count:], strict=True)),
            )


def everywhere(call, change):
    return call._replace(
        args=tuple(map(change, call.args)), said={w: change(v) for w, v in call.said.items()}
    )


def shorter(value, n, less):
    if isinstance(value, Array):
        return value._replace(shape=tuple(less if m == n else m for m in value.shape))
    return value


def flatter(value, rank):
    """Without the first axis."""
    if isinstance(value, Array):
        return value._replace(shape=value.shape[1:]) if len(value.shape) == rank else value
    if type(value) in (tuple, list) and len(value) == rank:
        return value[1:]
    return value


def simpler(value):
    """Simpler values of one argument."""
    if isinstance(value, Array):
        plain = Array(value.shape, value.dtype)
        for word in ("fixed", "layout", "values", "dtype", "seed"):
            if getattr(value, word) != getattr(plain, word):
                yield value._replace(**{word: getattr(plain, word)})
        if value.values not in ("whole", "normal"):
            yield value._replace(values="whole")
        for at, n in enumerate(value.shape):
            for less in dict.fromkeys((1, n // 2, n - 1)):
                if 0 < less < n:
                    yield value._replace(shape=(*value.shape[:at], less, *value.shape[at + 1 :]))
    elif type(value) in (tuple, list):
        if len(set(map(repr, value))) == 1:
            yield value[0]
        for at, entry in enumerate(value):
            yield from (
                type(value)([*value[:at], less, *value[at + 1 :]]) for less in simpler(entry)
            )
    elif type(value) is int and value:
        yield from dict.fromkeys(
            less for less in (0, value // 2, value - 1 if value > 0 else value + 1)
            if abs(less) < abs(value)
        )  # fmt: skip
    elif type(value) is float and value not in (0, 1):
        yield from (0.0, 1.0)
    elif isinstance(value, str) and value not in ("full", "reflect"):
        yield "reflect"
