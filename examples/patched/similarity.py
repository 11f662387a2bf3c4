# SPDX-License-Identifier: BSD-3-Clause
"""Where noise shows most in a picture."""

import numpy as np
from measured import main
from skimage import color, data, metrics


def similarity(image):
    """The structural similarity of a picture and the same with noise, at each pixel."""
    noise = np.random.default_rng(0).standard_normal(image.shape) * 0.05
    said = {"data_range": 1, "gaussian_weights": True, "full": True}
    return metrics.structural_similarity(image, image + noise, **said)[1]


if __name__ == "__main__":
    main(similarity, lambda: color.rgb2gray(data.retina()))
