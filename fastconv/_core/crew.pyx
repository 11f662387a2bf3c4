# SPDX-License-Identifier: BSD-3-Clause
"""Tables of kernels and threads for a filter, as the settings say."""

from fastconv._core.table cimport find, find_filters

cdef enum:
    WORK_PER_THREAD = 500 * 1000        # operations, below which waking a thread costs more

cdef object settings = None
cdef object known = None                # what `crew` was made for
cdef crew_t crew_kept


def use_settings(function):
    """Let this function say (ISA, threads, whether concurrent calls share them)."""
    global settings
    settings = function


cdef int find_crew(crew_t *crew, Py_ssize_t work) except -1:
    """The tables and threads in force for so many operations."""
    global known
    isa, threads, shared = settings()
    if isa is not known and isa != known:
        known = None
        for i, dtype in enumerate("fdq"):
            crew_kept.kernels[i] = find(isa, dtype)
            crew_kept.filters[i] = find_filters(isa, dtype)
        known = isa
    crew[0] = crew_kept
    crew.shared = shared
    crew.threads = threads
    if shared:
        crew.threads = max(1, min(<Py_ssize_t> crew.threads, work // WORK_PER_THREAD))
    return 0
