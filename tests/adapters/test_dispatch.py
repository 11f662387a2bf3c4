# SPDX-License-Identifier: BSD-3-Clause
"""A call goes to our function, or to the original, and is counted."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from fastconv._scipy import fft
from fastconv._scipy.dispatch import Counts, make_call, stand_in


def original(x, y):
    if y is None:
        raise TypeError("the original's own")
    return ("original", x, y)


def call_of(engine, **said):
    counts = Counts()
    return make_call(engine, original, counts, 2, **said), counts


def test_a_reason_hands_the_call_over():
    call, counts = call_of(lambda x, y: "odd" if x % 2 else ("ours", x, y))
    assert [call(x, 0)[0] for x in range(3)] == ["ours", "original", "ours"]
    assert (counts.served, counts.handed_over) == (2, {"odd": 1})
    assert counts.served == 2  # to look at it does not count


def test_what_ours_cannot_convert_goes_to_the_original():
    call, counts = call_of(lambda x, y: int(x) + y)
    assert call("no number", 1) == ("original", "no number", 1)
    with pytest.raises(TypeError, match="the original's own") as caught:
        call(1, None)
    assert caught.value.__context__ is None
    reasons = {"arguments that give ValueError": 1, "arguments that give TypeError": 1}
    assert counts.handed_over == reasons


def test_other_errors_are_raised():
    def engine(x, y):
        raise MemoryError

    with pytest.raises(MemoryError):
        call_of(engine)[0](1, 2)


def test_a_result_of_none_is_served():
    call, counts = call_of(lambda x, y: None)
    assert call(1, 2) is None
    assert counts.served == 1


def test_a_switch_decides_at_each_call():
    here = []
    switch = SimpleNamespace(process=False, here=lambda: here)
    call, counts = call_of(lambda x, y: ("ours", x, y), switch=switch)
    assert call(1, 2)[0] == "original"
    here.append(1)
    assert call(1, 2)[0] == "ours"
    here.clear()
    switch.process = True
    assert call(1, 2)[0] == "ours"
    assert counts.served == 2


def test_threads_lose_no_count():
    call, counts = call_of(lambda x, y: "odd" if x % 2 else None)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda x: call(x, 0), range(4000)))
    assert (counts.served, counts.handed_over) == (2000, {"odd": 2000})


def test_a_stand_in_passes_all_else_on():
    module = SimpleNamespace(one=1, two=2)
    ours = stand_in(module, {"one": "ours"})
    module.three = 3
    assert (ours.one, ours.two, ours.three) == ("ours", 2, 3)
    assert {"one", "two", "three"} <= set(dir(ours))
    with pytest.raises(AttributeError):
        _ = ours.four


@pytest.mark.parametrize(
    ("shape", "said", "expected"),
    [
        ((512, 512), {}, 2),
        ((8, 8), {}, None),
        ((300, 300), {}, 2),
        ((512, 512), {"workers": 1}, 1),
    ],
)
def test_transforms_get_workers(monkeypatch, shape, said, expected):
    monkeypatch.setattr(fft, "get_num_threads", lambda: 2)
    call = fft.with_workers(lambda *arguments: arguments[-1])
    assert call(np.zeros(shape), **said) == expected
    assert call(np.zeros((4, 4)), shape, **said) == expected
    assert call(np.zeros(shape), (4,), axes=(1,), **said) == expected  # many short lines


def test_workers_of_the_caller_stay(monkeypatch):
    from scipy import fft as theirs

    monkeypatch.setattr(fft, "get_num_threads", lambda: 2)
    with theirs.set_workers(3):
        assert fft.with_workers(lambda *arguments: arguments[-1])(np.zeros((512, 512))) is None


def test_a_transform_is_called_as_scipys_own():
    from scipy.fft import rfftn

    counts = Counts()
    call = make_call(fft.with_workers(rfftn), rfftn, counts, 0)
    x = np.arange(12.0).reshape(3, 4)
    assert (call(x, [5, 5], axes=[0, 1]) == rfftn(x, [5, 5], axes=[0, 1])).all()
    assert (call(x, norm="ortho") == rfftn(x, norm="ortho")).all()
    assert counts.served == 2
