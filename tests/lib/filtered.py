# SPDX-License-Identifier: BSD-3-Clause
"""What a filter of an image has to give."""

import numpy as np
from truth import assert_right

NDIMAGE = {
    "symmetric": ("reflect", "grid-mirror"),
    "edge": ("nearest",),
    "mirror": ("mirror",),
    "wrap": ("wrap", "grid-wrap"),
    "constant": ("constant", "grid-constant"),
}
CHANNELS = [(), (3,), (1,), (2, 3), (1, 5)]
CHANNELS = [(), (3,), (1,), (2, 3), (1, 5)]
DEFAULTS = {"padding": "same", "padding_mode": "mirror", "overflow": "saturate"}


def assert_filtered(got, image, kernel, bias=None, residual=None, out=None, **said):
    """Each channel by itself, as the reference of convolutions has it."""
    rank = kernel.ndim
    said = DEFAULTS | {"dtype": image.dtype.newbyteorder("=")} | said
    assert got.shape[rank:] == image.shape[rank:]
    for at in np.ndindex(image.shape[rank:]):
        x, added, before, result = (
            None if a is None else a[(..., *at)][None] for a in (image, residual, out, got)
        )
        one = None if bias is None else np.broadcast_to(bias, image.shape[rank:])[at].reshape(1)
        assert_right(result, x, kernel[None, None], one, added, before, **said)
