# SPDX-License-Identifier: BSD-3-Clause
"""The process-wide pool of scratch memory.

A call takes one block for all its threads and gives it back.  The pool keeps blocks for
the next call, at most `limit()` bytes of them, and forgets them in a forked child.
"""
import os
import threading

from libc.stdint cimport uint32_t, uintptr_t
from libc.stdlib cimport free, malloc

cdef enum:
    ALIGNMENT = 4096
    KEPT = 8                    # blocks

# What stands right before a block.
cdef struct Header:
    void *raw                   # what malloc gave
    Py_ssize_t size

cdef char *kept_block[KEPT]
cdef Py_ssize_t kept_size[KEPT]
cdef int kept_count = 0
cdef Py_ssize_t kept_bytes = 0
cdef Py_ssize_t kept_limit = 1 << 20
cdef bint poisoned = False
cdef uint32_t poison_bits
lock = threading.Lock()


cdef inline Header *header(char *block) noexcept:
    return <Header *> (block - sizeof(Header))


cdef char *acquire(Py_ssize_t size) except NULL:
    """A block of at least `size` bytes, aligned to pages; MemoryError when there is none."""
    global kept_count, kept_bytes
    cdef char *block = NULL
    cdef void *raw
    cdef Py_ssize_t i
    with lock:
        for i in range(kept_count):
            if kept_size[i] >= size:
                block = kept_block[i]
                kept_count -= 1
                kept_bytes -= kept_size[i]
                kept_block[i], kept_size[i] = kept_block[kept_count], kept_size[kept_count]
                break
    if block == NULL:
        raw = malloc(size + 2 * ALIGNMENT)
        if raw == NULL:
            raise MemoryError(f"fastconv: no memory for {size} bytes of scratch")
        block = <char *> ((<uintptr_t> raw + 2 * ALIGNMENT) & ~<uintptr_t> (ALIGNMENT - 1))
        header(block).raw, header(block).size = raw, size
    if poisoned:
        for i in range(size // <Py_ssize_t> sizeof(uint32_t)):
            (<uint32_t *> block)[i] = poison_bits
    return block


cdef void release(char *block) noexcept:
    global kept_count, kept_bytes
    cdef Py_ssize_t whole = header(block).size
    with lock:
        if kept_count < KEPT and kept_bytes + whole <= kept_limit:
            kept_block[kept_count], kept_size[kept_count] = block, whole
            kept_count += 1
            kept_bytes += whole
            return
    free(header(block).raw)


def limit(Py_ssize_t size):
    """Keep at most `size` bytes between calls."""
    global kept_limit
    kept_limit = max(kept_limit, size)


def kept():
    """Bytes held for the next call."""
    return kept_bytes


def poison(bint on, uint32_t bits=0xFFFFFFFF):
    """Fill every block with NaN, or other bits, before use, so that tests see what is read
    unwritten."""
    global poisoned, poison_bits
    poisoned, poison_bits = on, bits


def drop():
    """Free what the pool holds."""
    global kept_count, kept_bytes
    with lock:
        while kept_count:
            kept_count -= 1
            free(header(kept_block[kept_count]).raw)
        kept_bytes = 0


def _after_fork():
    """In a child another thread may have held the lock: a new one, and fresh pages."""
    global lock
    lock = threading.Lock()
    drop()


os.register_at_fork(after_in_child=_after_fork)
