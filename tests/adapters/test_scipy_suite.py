# SPDX-License-Identifier: BSD-3-Clause
"""SciPy's own tests pass with the drop-in as they do without; see scipy_suite.py."""

from collections import namedtuple

import pytest
import scipy_suite
from scipy_suite import FEWEST, FILES, compared, counted, differing


@pytest.mark.parametrize("room", FILES)
def test_the_tests_of_scipy_that_take_little_time(room, capsys):
    wrong, passed, served = compared([room])
    assert not wrong, capsys.readouterr().out
    assert passed > FEWEST[room]
    assert served > 100


@pytest.mark.soak
def test_all_tests_of_scipy(capsys):
    wrong, _, served = compared(left_out=(), jobs=2)
    assert not wrong, capsys.readouterr().out
    assert served


def test_what_ends_in_another_way_is_told():
    plain = {"a": "passed", "b": "failed", "c": "passed", "d": "skipped"}
    assert differing(plain, plain) == []
    assert differing(plain, {"a": "passed", "b": "passed", "d": "skipped", "e": "passed"}) == [
        "b: passed, not failed", "c: not run, not passed", "e: passed, not not run",
    ]  # fmt: skip


def test_what_was_served_is_counted():
    entry = namedtuple("entry", "served handed")
    assert counted({"correlate": entry(3, 1), "apply": entry(4, 1)}, "served") == 7
    assert counted({"correlate": {"served": 3, "handed": 2}, "x": [{"served": 2}]}, "served") == 5
    assert counted(entry({"a": entry(2, 0)}, 1), "served") == 2
    assert counted("nothing", "served") == 0


def test_a_run_without_the_drop_in():
    found = scipy_suite.run("signal", False, words=["-k", "sg_filter"])
    assert len(found["outcomes"]) >= 3
    assert set(found["outcomes"].values()) == {"passed"}
