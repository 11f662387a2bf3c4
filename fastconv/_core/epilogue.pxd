# SPDX-License-Identifier: BSD-3-Clause
from fastconv._core.axis cimport Span
from fastconv._core.table cimport fc_epilogue, fc_kernels, fc_store
from fastconv._core.window cimport operands_t, view_t

# What becomes of the sums of a box, and where they go.
cdef struct epilogue_t:
    const fc_kernels *sums      # of the dtype of tiles, whose sums have its size
    Py_ssize_t itemsize         # of a sum
    const fc_kernels *arithmetic        # of the dtype that the epilogue computes in
    fc_epilogue how
    view_t dst, residual
    Py_ssize_t channels         # of a group of the output
    bint in_place_store         # tiles write the output itself, in whole vectors
    # Sums that do not: [channel][pixel], or [pixel][channel], `pitch` elements from row to row.
    bint channels_first
    Py_ssize_t pitch
    Py_ssize_t width            # channels that are transposed at a time
    bint simple                 # a bias, a residual like the output, a clamp: fc_store says it all
    bint moved                  # sums are stored, perhaps converted, and nothing else
    bint tile_bias              # tiles add the bias
    bint dst_steps              # sums as they are, aligned, whole elements apart
    bint dst_native             # sums as they are, aligned, pixels or channels side by side
    const fc_kernels *pairs     # whose elements are as large as complex ones of the output, or NULL
    int tile_flags              # of fc_store: for every block of k
    int last_flags              # ... and for the last one, if the epilogue is `simple`

cdef inline void set_bias(const epilogue_t *e, const operands_t *operands, Py_ssize_t group,
                          Py_ssize_t channel, fc_store *store) noexcept nogil:
    """The bias that tiles add, from an output channel on."""
    if operands.bias != NULL:
        store.bias = operands.bias + (group * e.channels + channel) * e.itemsize

cdef enum:
    TRANSPOSED = 128            # pixels that are transposed at a time

cdef set_how(epilogue_t *e, how, isa)
cdef char *output(const epilogue_t *e, const operands_t *operands, const Span **box,
                  Py_ssize_t group, Py_ssize_t channel) noexcept nogil
cdef void begin_store(const epilogue_t *e, const operands_t *operands, bint first, bint last,
                      bint in_place, int bias, fc_store *store) noexcept nogil
cdef void store_sums(const epilogue_t *e, const operands_t *operands, const Span **box,
                     Py_ssize_t group, Py_ssize_t o0, Py_ssize_t o1, bint in_place,
                     const char *sums, char *transposed) noexcept nogil
