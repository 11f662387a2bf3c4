# SPDX-License-Identifier: BSD-3-Clause
"""scipy.ndimage over the kernels of fastconv, with the same bits: a drop-in replacement.

It has all names of scipy.ndimage: filters, morphology and measurements of images and volumes.
Functions that compute sums, ranks or extremes over windows call fastconv, and take two keywords
more, `threads` and `precision`. All others are SciPy's own. Arrays of other libraries than NumPy
go to SciPy. `fastconv.patch.status` says which calls were served.

It needs SciPy: ``pip install 'fastconv[scipy]'``.
"""

from ._scipy import need_scipy as _need_scipy

_need_scipy(__name__)

from ._scipy.copies import namespace as _namespace  # noqa: E402 (the line above says what it needs)

globals().update(_namespace(__name__))
