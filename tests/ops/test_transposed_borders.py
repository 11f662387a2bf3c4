# SPDX-License-Identifier: BSD-3-Clause
"""Transposed convolutions with a border that copies: the order in which cells get their padding."""

import numpy as np
import pytest
from arrays import numbers
from truth import assert_same_bits

from fastconv import conv_transpose1d
from fastconv._plan import bordered
from fastconv._spec.borders import MODES, reach


@pytest.mark.parametrize("mode", ["edge", "wrap", "mirror", "symmetric"])
@pytest.mark.parametrize("cells", [1, 2, 5, 31])
@pytest.mark.parametrize("room", [bordered.ADDED_BYTES, 61])
def test_padding_is_added_in_its_order(monkeypatch, mode, cells, room):
    """Also if it is many times as wide as the output."""
    monkeypatch.setattr(bordered, "ADDED_BYTES", room)
    x, w = numbers((2, 3, 67)), numbers((3, 1, 23), seed=1)
    whole = conv_transpose1d(x, w)
    before = (whole.shape[2] - cells) // 3
    padding = (before, whole.shape[2] - cells - before)
    positions = np.array([*range(-before, 0), *range(cells, cells + padding[1])])
    expected = whole[:, :, before : before + cells].copy()
    for at, to in zip(positions, reach(MODES[mode], positions, cells), strict=True):
        expected[:, :, to] += whole[:, :, at + before]
    said = {"padding": (padding,), "padding_mode": mode}
    assert_same_bits(conv_transpose1d(x, w, **said), expected)
    assert_same_bits(conv_transpose1d(x[1:], w, **said), expected[1:])
    last = conv_transpose1d(np.moveaxis(x, 1, 2), w, **said, channels_last=True)
    assert_same_bits(np.moveaxis(last, 2, 1), expected)
