# SPDX-License-Identifier: BSD-3-Clause
"""The bits of some thousand calls are those that were noted; see digest.py."""

import digest
import pytest
from ways import ALGORITHMS, ISAS


@pytest.mark.parametrize("part", range(digest.PARTS))
@pytest.mark.parametrize("isa", ISAS)
def test_bits_are_those_that_were_noted(isa, part):
    """And those of all algorithms are the same, whatever the compiler."""
    first, *others = [digest.digest(isa, algorithm, part) for algorithm in ALGORITHMS]
    assert set(others) == {first}
    known = digest.noted().get(f"{isa}, {digest.compiler()}")
    assert known is None or known[part] == first
