# SPDX-License-Identifier: BSD-3-Clause
"""Vessels of the retina."""

from measured import main
from skimage import color, data, filters


def vessels(image):
    """How much each pixel lies in a vessel, after Frangi."""
    return filters.frangi(image, sigmas=(2, 4, 6))


if __name__ == "__main__":
    main(vessels, lambda: color.rgb2gray(data.retina()))
