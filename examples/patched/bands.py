# SPDX-License-Identifier: BSD-3-Clause
"""What lies between two scales, in a picture of galaxies."""

from measured import main
from skimage import data, filters


def band(image):
    """The difference of two Gaussians, of each color."""
    return filters.difference_of_gaussians(image, 1, 12, channel_axis=-1)


if __name__ == "__main__":
    main(band, data.hubble_deep_field)
