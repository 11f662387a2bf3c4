# SPDX-License-Identifier: BSD-3-Clause
"""SciPy's own tests pass with the drop-in as they do without; see scipy_suite.py."""

import pytest
import scipy_suite
from scipy_suite import FEWEST, FILES, compared


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


@pytest.mark.parametrize(
    ("ours", "wrong"),
    [({"a": "passed", "b": "failed"}, []), ({"a": "failed"}, ["a"]), ({"b": "passed"}, ["a"])],
)
def test_a_test_that_passes_only_without_the_drop_in_is_told(monkeypatch, ours, wrong):
    def run(room, patched, left_out, words):
        found = ours if patched else {"a": "passed", "b": "failed", "c": "skipped"}
        return {"outcomes": found, "seconds": 1.0, "served": 5, "status": "", "said": "traceback"}

    monkeypatch.setattr(scipy_suite, "run", run)
    said = []
    passed = list(ours.values()).count("passed")
    assert compared(["signal"], show=said.append) == (wrong, passed, 5)
    assert ("traceback" in said) == bool(wrong)
