# SPDX-License-Identifier: BSD-3-Clause
"""SciPy's own functions over the kernels of fastconv, with the same bits.

    install, uninstall    for the whole process
    installed             for a block of code, in its own thread or task only
    status                what is replaced, and how many calls were served

With the patch, scipy.ndimage and scipy.signal call fastconv where they would call compiled code of
their own. This reaches all who call SciPy: also names imported long before, and other libraries,
such as scikit-image. Signatures, errors and results stay those of SciPy. Each function is compared
with SciPy's before it serves; where it would give other bits, SciPy's own is left alone. The same
happens to calls that fastconv cannot compute to the same bits.

It needs SciPy: ``pip install 'fastconv[scipy]'``. `fastconv.ndimage` and `fastconv.signal` have the
same functions without a patch.
"""

from ._scipy import patching as _patching
from ._scipy.status import EntryStatus, Status

__all__ = ["EntryStatus", "Status", "install", "installed", "status", "uninstall"]


def install() -> None:
    """Let SciPy call fastconv in the whole process, until as many calls of `uninstall`.

    Processes that are started by spawning do not inherit it.

    >>> from fastconv import patch
    >>> patch.install()
    >>> patch.status().installed
    True
    >>> patch.uninstall()
    """
    _patching.the_patch().install()


def uninstall() -> None:
    """Undo one call of `install`; after the last one, SciPy's modules are what they were.

    Raises RuntimeError if there is nothing to undo.
    """
    _patching.the_patch().uninstall()


def installed() -> _patching.installed:
    """Let SciPy call fastconv inside of ``with installed():``, in this context only.

    Threads, processes and pools of workers that it starts are not in the context; tasks of asyncio
    that it starts are, while the block runs.

    >>> import numpy as np
    >>> from scipy import ndimage
    >>> from fastconv import patch
    >>> with patch.installed():
    ...     ndimage.correlate1d(np.array([1.0, 2.0, 4.0]), [1, 1, 1])
    array([ 4.,  7., 10.])
    """
    return _patching.installed(_patching.the_patch())


def status() -> Status:
    """What is replaced, and how many calls were served or handed back to SciPy, and why.

    The counts are those of the process, of SciPy's functions with the patch as well as of
    `fastconv.ndimage` and `fastconv.signal`. Printed, it is a table; see `Status` for the data.

    >>> from fastconv import patch
    >>> sorted(patch.status().as_dict())
    ['entries', 'here', 'installed', 'scipy']
    """
    return _patching.the_patch().seam.status()
