# SPDX-License-Identifier: BSD-3-Clause
"""The compiled core: threads, loops and packing over the C kernels.

Importing it loads the extensions, with an OpenMP runtime that sleeps between calls.
"""

from __future__ import annotations

import os

# With its default, GNU's runtime lets threads spin for milliseconds after each parallel region. On
# a machine whose cores are shared that takes the time of others, and of the next region: an empty
# region entered every 20 ms took 7.9 ms (median, two virtual cores), and 0.02 ms with threads that
# sleep at once. But to wake them takes 50 microseconds, which small layers in a row would feel; so
# they spin for about as long before they sleep.
# LLVM's runtime (of clang) lets them spin for 200 ms; it counts in whole milliseconds.
SPIN = {"GOMP_SPINCOUNT": "10000", "KMP_BLOCKTIME": "1"}


def load() -> None:
    """Import the extensions; the runtime reads the environment once: GNU's while it is loaded,
    LLVM's when it is first asked for something.

    What the user has set stays, and the environment is left as it was found.
    """
    ours = not {*SPIN, "OMP_WAIT_POLICY"} & os.environ.keys()
    if ours:
        os.environ.update(SPIN)
    try:
        import fastconv._core.parallel  # noqa: F401

        from .measure import openmp_threads

        openmp_threads()
    except ImportError as error:
        if _in_subinterpreter():
            raise ImportError(
                f"fastconv: subinterpreters are not supported ({error}); import it in the main "
                "interpreter of a process, and in no other"
            ) from error
        if not (error.name or "").startswith("fastconv."):  # what they need does not load
            raise
        package = os.path.dirname(os.path.dirname(__file__))
        raise ImportError(
            f"fastconv: no compiled extensions in {package} ({error}); leave the "
            "checkout to use the installed package, or build in place: pip install -e ."
        ) from error
    finally:
        if ours:
            for name in SPIN:
                del os.environ[name]


def _in_subinterpreter() -> bool:
    """Whether this is another interpreter than the one that the process began with."""
    try:
        import _interpreters as interpreters  # from Python 3.13 on
    except ImportError:
        try:
            import _xxsubinterpreters as interpreters
        except ImportError:
            return False
    current, main = interpreters.get_current(), interpreters.get_main()
    # From Python 3.13 on each comes with who owns it.
    return (current[0] if isinstance(current, tuple) else current) != (
        main[0] if isinstance(main, tuple) else main
    )


load()
