# SPDX-License-Identifier: BSD-3-Clause
"""Text of pages under uneven light, as black and white."""

import numpy as np
from measured import main
from skimage import data, filters


def text(image):
    """Pixels that are brighter than the weighted mean around them, less 10."""
    return image > filters.threshold_local(image, 35, offset=10)


if __name__ == "__main__":
    main(text, lambda: np.tile(data.page(), (5, 3)))
