# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of C kernels share: each table of each ISA that this CPU can run."""

import pytest
from ctables import LETTERS, find
from ways import ISAS


@pytest.fixture(params=ISAS)
def isa(request):
    return request.param


@pytest.fixture(params=list(LETTERS))
def table(isa, request):
    return find(isa, request.param)


@pytest.fixture
def dtype(table):
    return table.dtype
