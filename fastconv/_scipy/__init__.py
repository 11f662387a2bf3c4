# SPDX-License-Identifier: BSD-3-Clause
"""SciPy's functions over our kernels.

The public functions of scipy.ndimage and scipy.signal are Python. They check their arguments and
then call a few compiled functions, each through a global of its module. `entries` lists these
functions, `dispatch` has what is called in their place, `selftest` compares both, and `seam` keeps
what came of it. `copies` makes copies of SciPy's modules that call ours, for `fastconv.ndimage` and
`fastconv.signal`; `patching` lets SciPy's own modules call ours, for `fastconv.patch`. `fast` has
what runs in place of a function of a copy with precision='fast'.
"""

import re

OLDEST = (1, 13)  # the first SciPy for NumPy 2


def need_scipy(name: str) -> None:
    """Raise ImportError unless SciPy is here and new enough; `name` is what needs it."""
    cure = "pip install 'fastconv[scipy]'"
    try:
        import scipy
    except ImportError as error:
        raise ImportError(f"{name} needs SciPy: {cure}") from error
    numbers = re.match(r"(\d+)\.(\d+)", scipy.__version__)
    if numbers is not None and (int(numbers[1]), int(numbers[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ImportError(f"{name} needs SciPy {oldest} or newer, not {scipy.__version__}: {cure}")
