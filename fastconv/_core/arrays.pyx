# SPDX-License-Identifier: BSD-3-Clause
"""New arrays that begin a line of the cache.

Those of NumPy begin 16 bytes after one, so that every vector of AVX-512 that is stored in them is
a part of two lines: a depthwise convolution, which does little else, takes up to 1.4 times as long.
An array owns its memory, as any other does: NumPy frees and resizes it by the functions below.

The last few that were freed are kept, as the next call wants the like. malloc may give their pages
back to the system, and that takes longer to hand out new ones than most layers take.
"""
import numpy as np

from cpython.pycapsule cimport PyCapsule_New
from numpy cimport import_array

cdef extern from *:
    """
    #include <stdint.h>
    #include <stdlib.h>
    #include <string.h>
    #ifdef __linux__
    #include <sys/mman.h>
    #endif

    enum { FC_LINE = 64, FC_PAGE = 4096, FC_HUGE = 1 << 22 };
    #ifdef __SANITIZE_ADDRESS__
    enum { FC_KEPT = 0 }; /* what is freed is not to be used */
    #else
    enum { FC_KEPT = 4 }; /* of less than FC_HUGE bytes each */
    #endif

    /* What stands right before an array. (The aligned memory of some C libraries is not used again
       once it is freed.) */
    typedef struct {
        void *raw;
        size_t size;
    } fc_head;

    static void *fc_line(void *raw, size_t size)
    {
        char *line;
        if (raw == NULL)
            return NULL;
        line = (char *)(((uintptr_t)raw + sizeof(fc_head) + FC_LINE - 1) / FC_LINE * FC_LINE);
        ((fc_head *)line)[-1] = (fc_head){raw, size};
    #if defined(__linux__) && defined(MADV_HUGEPAGE)
        if (size >= FC_HUGE) { /* as NumPy does */
            const uintptr_t first = ((uintptr_t)line + FC_PAGE - 1) / FC_PAGE * FC_PAGE;
            madvise((void *)first, size - (first - (uintptr_t)line), MADV_HUGEPAGE);
        }
    #endif
        return line;
    }

    static size_t fc_with_head(size_t size)
    {
        return size > SIZE_MAX - 2 * FC_LINE ? SIZE_MAX : size + 2 * FC_LINE;
    }

    static void *fc_kept[FC_KEPT + 1]; /* the oldest first */
    static int fc_kept_count;
    static char fc_kept_lock; /* who finds it locked does without */

    /* One that was freed, of this size or up to a quarter more; or NULL. */
    static void *fc_found(size_t size)
    {
        void *found = NULL;
        if (__atomic_test_and_set(&fc_kept_lock, __ATOMIC_ACQUIRE))
            return NULL;
        for (int i = fc_kept_count - 1; i >= 0 && found == NULL; i--) {
            const size_t has = ((fc_head *)fc_kept[i])[-1].size;
            if (size <= has && has - size <= size / 4) {
                found = fc_kept[i];
                fc_kept_count--;
                memmove(fc_kept + i, fc_kept + i + 1, (fc_kept_count - i) * sizeof(void *));
            }
        }
        __atomic_clear(&fc_kept_lock, __ATOMIC_RELEASE);
        return found;
    }

    /* Keep one; returns one that has to go instead, or NULL. */
    static void *fc_keep(void *memory)
    {
        void *oldest = memory;
        if (((fc_head *)memory)[-1].size >= FC_HUGE
            || __atomic_test_and_set(&fc_kept_lock, __ATOMIC_ACQUIRE))
            return memory;
        fc_kept[fc_kept_count++] = memory;
        oldest = NULL;
        if (fc_kept_count > FC_KEPT) {
            oldest = fc_kept[0];
            memmove(fc_kept, fc_kept + 1, --fc_kept_count * sizeof(void *));
        }
        __atomic_clear(&fc_kept_lock, __ATOMIC_RELEASE);
        return oldest;
    }

    static void *fc_new(void *context, size_t size)
    {
        void *found = fc_found(size);
        (void)context;
        return found ? found : fc_line(malloc(fc_with_head(size)), size);
    }

    static void *fc_zeroed(void *context, size_t count, size_t size)
    {
        (void)context;
        if (size && count > SIZE_MAX / size)
            return NULL;
        return fc_line(calloc(1, fc_with_head(count * size)), count * size);
    }

    static void fc_freed(void *context, void *memory, size_t size)
    {
        (void)context, (void)size;
        if (memory != NULL)
            memory = fc_keep(memory);
        if (memory != NULL)
            free(((fc_head *)memory)[-1].raw);
    }

    static void *fc_resized(void *context, void *memory, size_t size)
    {
        void *made = fc_new(context, size);
        if (made != NULL && memory != NULL) {
            const size_t kept = ((fc_head *)memory)[-1].size;
            memcpy(made, memory, kept < size ? kept : size);
            fc_freed(context, memory, kept);
        }
        return made;
    }

    static PyDataMem_Handler fc_handler = {
        "fastconv", 1, {NULL, fc_new, fc_zeroed, fc_resized, fc_freed}};
    """
    void *fc_handler_address "&fc_handler"
    object PyDataMem_SetHandler(object handler)

cdef enum:
    SMALL = 1 << 15             # bytes that are not worth it

import_array()
cdef object handler = PyCapsule_New(fc_handler_address, "mem_handler", NULL)
cdef object new = np.empty


def empty(tuple shape, dtype):
    """An array of any elements."""
    cdef Py_ssize_t size = dtype.itemsize
    cdef object before
    for n in shape:
        size *= <Py_ssize_t> n
    if size < SMALL:
        return new(shape, dtype)
    before = PyDataMem_SetHandler(handler)
    try:
        return new(shape, dtype)
    finally:
        PyDataMem_SetHandler(before)
