# SPDX-License-Identifier: BSD-3-Clause
"""Edges of a picture of the retina."""

from measured import main
from skimage import color, data, feature


def edges(image):
    """Canny edges."""
    return feature.canny(image, sigma=2, low_threshold=0.01, high_threshold=0.03)


if __name__ == "__main__":
    main(edges, lambda: color.rgb2gray(data.retina()))
