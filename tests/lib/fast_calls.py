# SPDX-License-Identifier: BSD-3-Clause
"""Calls for the tests of precision='fast': arrays, and what its forms leave to SciPy."""

import numpy as np

SHAPES = {1: (37,), 2: (9, 14), 3: (5, 6, 8), 4: (3, 4, 7, 2)}
generator = np.random.default_rng(7)


def drawn(shape):
    return generator.standard_normal(shape).astype(np.float32)


IMAGES = {rank: drawn(shape) for rank, shape in SHAPES.items()}

x = IMAGES[2]
holed = x.copy()
holed[3, 4], holed[6, 6] = np.nan, np.inf
cross = np.array([[0, 1, 0], [1, 2, 1], [0, 1, 0]])
ORDINARY = [  # (name, arguments, words): right, but not for a fast form
    ("n.gaussian_filter", (x.astype(np.float64), 1), {}),
    ("n.gaussian_filter", (x.astype(">f4"), 1), {}),
    ("n.gaussian_filter", (x.astype(np.float16).astype(np.uint8), 1), {}),
    ("n.gaussian_filter", (x + 1j, 1), {}),
    ("n.gaussian_filter", (x.tolist(), 1), {}),
    ("n.gaussian_filter", (x[:0], 1), {}),
    ("n.gaussian_filter", (x, 0), {}),
    ("n.gaussian_filter", (x, 1), {"output": np.float64}),
    ("n.gaussian_filter", (x, 1), {"output": "d"}),
    ("n.gaussian_filter", (x, 1), {"mode": "constant", "cval": np.nan}),
    ("n.gaussian_filter", (x, 1), {"mode": "constant", "cval": 1, "order": (0, 1)}),
    ("n.gaussian_filter", (drawn((2,) * 4), 1), {}),
    ("n.sobel", (x,), {"mode": "constant", "cval": 1}),
    ("n.correlate1d", (x, [1, np.inf, 1]), {"mode": "constant"}),
    ("n.correlate1d", (x, [1, 1e-50]), {}),
    ("n.correlate1d", (x, [1, 1e50]), {}),
    ("n.correlate1d", (x, [1j, 1]), {}),
    ("n.correlate", (x, np.zeros((3, 3))), {}),
    ("n.correlate", (x, np.full((3, 3), 1e-17)), {}),
    ("n.correlate", (holed, cross), {}),
    ("n.convolve", (holed, cross), {}),
    ("n.laplace", (holed,), {}),
    ("n.uniform_filter", (holed, 3), {}),
    ("n.uniform_filter1d", (holed, 3), {}),
    ("n.uniform_filter", (x, 16), {}),
    ("n.uniform_filter1d", (x, 9), {}),
    ("n.uniform_filter", (x, 1), {}),
    ("signal.convolve2d", (x, np.ones((3, 3))), {}),
    ("signal.convolve2d", (x, np.ones((9, 15), np.float32)), {}),
    ("signal.convolve", (x[0], x[1, :3]), {"method": "direct"}),
    ("signal.convolve", (x, x), {"method": "fft"}),
    ("signal.convolve", (cross.astype(np.float32), x), {"method": "direct"}),
    ("signal.correlate", (cross.astype(np.float32), x), {"method": "direct", "mode": "valid"}),
]

WRONG = [  # the same, of calls that SciPy refuses
    ("n.gaussian_filter", (x,), {}),
    ("n.gaussian_filter", (x, [1, 2, 3]), {}),
    ("n.gaussian_filter", (x, 1), {"order": -1}),
    ("n.gaussian_filter", (x, 1), {"mode": "blank"}),
    ("n.gaussian_filter", (x, 1), {"axes": (0, 0)}),
    ("n.gaussian_filter", (x, 1), {"axes": (0, 5)}),
    ("n.gaussian_filter", (x, 1), {"radius": 1.5}),
    ("n.gaussian_filter", (x, 1), {"output": np.zeros((2, 2), np.float32)}),
    ("n.gaussian_filter", (x, 1), {"output": "no dtype"}),
    ("n.gaussian_laplace", (x, 1), {"more": 1}),
    ("n.correlate", (x, [1, 2]), {}),
    ("n.correlate", (x, np.ones((3, 3))), {"origin": 2}),
    ("n.correlate", (x, np.ones((3, 3))), {"mode": ["reflect", "wrap"]}),
    ("n.correlate1d", (x, []), {}),
    ("n.correlate1d", (x, [[1.0]]), {}),
    ("n.correlate1d", (x, [1, 2, 3]), {"origin": -2}),
    ("n.correlate1d", (x, [1, 2, 3]), {"axis": 2}),
    ("n.convolve1d", (x, [1, 2, 3]), {"cval": "a"}),
    ("n.sobel", (x,), {"axis": 3}),
    ("n.uniform_filter", (x, 3), {"origin": 2}),
    ("n.uniform_filter1d", (x, 0), {}),
    ("signal.convolve2d", (x, x[0]), {}),
    ("signal.convolve2d", (x, x), {"mode": "all"}),
    ("signal.convolve2d", (x, x), {"boundary": "mirror"}),
    ("signal.convolve2d", (x[:3], x[:, :3]), {"mode": "valid"}),
    ("signal.convolve", (x, x), {"method": "best"}),
    ("signal.correlate", (x, x), {"mode": "all", "method": "direct"}),
]
