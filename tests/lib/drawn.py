# SPDX-License-Identifier: BSD-3-Clause
"""Random arguments of convolutions, for hypothesis."""

from hypothesis import strategies as st
from ways import WORDS

from fastconv._spec.borders import MODES


def keywords(draw, rank):
    """Keywords of a convolution of this rank."""

    def per_axis(entries):
        return draw(st.lists(entries, min_size=rank, max_size=rank))

    side = st.integers(-2, 4)
    said = {
        "stride": per_axis(st.integers(1, 3)),
        "padding": draw(
            st.sampled_from(WORDS)
            | st.integers(0, 4)
            | st.lists(st.tuples(side, side), min_size=rank, max_size=rank)
        ),
        "dilation": per_axis(st.integers(1, 3)),
        "padding_mode": per_axis(st.sampled_from(sorted(MODES))),
        "flip": draw(st.booleans()),
        "channels_last": draw(st.booleans()),
        "alpha": draw(st.sampled_from([1, 2])),
    }
    said["padding_value"] = 3 if "constant" in said["padding_mode"] and draw(st.booleans()) else 0
    return said
