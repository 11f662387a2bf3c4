# SPDX-License-Identifier: BSD-3-Clause
"""Tables of kernels and threads for a filter, as the settings say."""

from fastconv._core.table cimport find, find_filters

cdef enum:
    WORK_PER_THREAD = 500 * 1000        # operations, below which waking a thread costs more
    SMALL_WORK = 20 * 1000              # ... and below which to ask for settings does

cdef object settings = None
cdef bint ask_always = False
cdef object known = None                # the ISA of the tables that are kept
cdef context_t kept


def use_settings(function):
    """Let this function say (ISA, threads, whether concurrent calls share them)."""
    global settings, known
    settings, known = function, None


def ask_for_small_work(bint always):
    """For tests: ask for settings however little there is to do. Else it is done by one thread with
    the tables of the call before, as the bits are the same."""
    global ask_always
    ask_always = always


cdef int find_context(context_t *context, Py_ssize_t work) except -1:
    """The tables and threads in force for so many operations."""
    global known
    if work < SMALL_WORK and known is not None and not ask_always:
        context[0] = kept
        context.threads, context.shared = 1, False
        return 0
    isa, threads, shared = settings()
    if isa != known:
        known = None
        for i, dtype in enumerate("fdq"):
            kept.kernels[i] = find(isa, dtype)
            kept.filters[i] = find_filters(isa, dtype)
        known = isa
    context[0] = kept
    context.threads, context.shared = threads, shared
    if shared:
        context.threads = max(1, min(<Py_ssize_t> context.threads, work // WORK_PER_THREAD))
    return 0
