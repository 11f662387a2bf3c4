# SPDX-License-Identifier: BSD-3-Clause
"""The constants behind every choice; the only place with measured numbers.

The unit of cost is a cycle. The numbers were measured on an AMD EPYC (Zen 4) by fitting whole
calls; they decide between ways that all give the same bits, so on another machine a wrong one
costs time, never correctness.
"""

# Pixels of a box worth trying; the least is what a strip of a large kernel may leave room for.
PIXELS = (1, 32, 128, 256, 512, 1024, 4096, 16384)

# Boxes beyond which smaller ones are tried only if nothing larger fits: a plan must be quick.
BOXES_WORTH = 1024

# Shares of the second-level cache that the scratch of one thread may take.
SCRATCH_SHARE = 0.5

# Bytes that the smallest box needs: a block of k of strips and panels, in float64.
SCRATCH_LEAST = 256 * 1024

# Tasks a thread to aim for: the others take over from one that was interrupted.
TASKS_PER_THREAD = 4

# The share of the longest task that the other threads wait for at the end of a call.
WAITING_SHARE = 0.25

# Below this many operations a thread, or bytes that it moves, waking it costs more than it does.
OPERATIONS_PER_THREAD = 1_000_000
BYTES_PER_THREAD = 256 * 1024

# Multiply-adds in int64, of a thread, for each byte of input and weight, from which on it is worth
# a look whether float64 would do, by the tile: "l" multiplies 32 bits by 32, nearly as fast. Bytes
# that stand for beginning to look; elements that are looked at first.
LOOK_WORTH = {"q": 2, "l": 8}
LOOK_BYTES = 256 * 1024
CORNER = 1024

# Operations between two looks at signals (Ctrl-C): a fraction of a second on the plainest ISA. To
# read, convert and store an element, with an activation, takes as long as so many multiply-adds.
OPERATIONS_PER_CHUNK = 2_000_000_000
OPERATIONS_PER_ELEMENT = 256

# An axis is cut where taps begin or end to be valid when that saves this share of its taps.
SKIPPED_SHARE = 0.1

# Locally connected layers, of a thread: bytes of windows that are gathered together; rows of
# weights that are converted together; bytes of weights of a task, and of its groups at one
# position; rows of a task; bytes of its sums; positions that it has even if that is more, as the
# epilogue of a row of them takes long to begin.
LOCAL_WINDOW_BYTES = 64 * 1024
LOCAL_ROWS = 8
LOCAL_TASK_BYTES = 1024 * 1024
LOCAL_GROUP_BYTES = 64 * 1024
LOCAL_TASK_ROWS = 1024
LOCAL_SUM_BYTES = 512 * 1024
LOCAL_RUN = 16

# Resampling: bytes of a task, elements of a part of a row, and inputs that a vector of outputs may
# be made of, before parts are shorter than that.
RESAMPLE_TASK_BYTES = 128 * 1024
RESAMPLE_WIDTH = 4096
RESAMPLE_REACH = 4096

# Caches: bytes of a line and the distance at which lines share a set of the first level, as all
# CPUs that we know have them; the lines that a set of the second level holds, at least.
LINE_BYTES = 64
ALIAS_BYTES = 4096
WAYS = 8

# Bytes of sums of a tile that takes as long for a step as the second level for a line, or as the
# way from one run to the next.
PATIENT_BYTES = 1024

# Channels side by side from which on a strip of them is transposed.
ACROSS = 4

# Steps of a run that is worth dissolving into single ones: see _core/source.pyx.
SHORT_RUN = 8

# Bytes of elements in a multiply-add that takes a cycle; shorter vectors go in pairs.
CYCLE_BYTES = 64

COPY_ROW = 22.0  # begin a row of a strip
COPY_VECTOR = 3.5  # copy a vector of it
STRIDED = 0.9  # read or write an element whose neighbours are strided ...
SCATTERED = 2.7  # ... and in other lines of the cache
COPY_PAIR = 0.6  # copy an element of a row of which every second one is read
COPY_ACROSS = 9.0  # read a line of the cache, of several channels, into squares of them
COPY_ROW_ACROSS = 10.0  # ... begin a row of a channel
COPY_CONVERT = 2.0  # make a vector of it of elements of another dtype
COPY_FAR = 8.0  # the same from beyond the second-level cache
TOUCH_FAR = 2.0  # read a vector in place from there
GATHER_SEGMENT = 0.2  # begin a segment of a panel, for one k
GATHER_VECTOR = 4.8  # copy a vector of it
LOAD_VECTOR = 2.1  # load a vector that begins within a line of the cache
STRIP_VECTOR = 0.3  # bring a vector of a strip near a tile
PANEL_VECTOR = 0.5  # bring a vector of a panel near a tile: they follow one another
LATE = 0.1  # share of time that the least number of sums in flight waits all the same
EDGE_ROW = 13.0  # write a row of sums, or a pixel of channels, that is no whole vector
TILE = 15.0  # begin and end a tile
WEIGHT_VECTOR = 4.0  # bring a vector of weights from memory, once a task
SUM_VECTOR = 3.0  # write a vector of sums, or add to it
PACK_ELEMENT = 0.5  # pack one weight
PACK_STRIDED = 2.5  # the same, of weights that do not lie as tiles want them
AHEAD_BYTES = 1 << 21  # of such weights that a call may pack before its first task ...
AHEAD_WORTH = 1.05  # ... where that is so many times better
BUFFER_ROW = 46.0  # store a row of sums, or a pixel of channels, that went through a buffer ...
BUFFER_VECTOR = 7.0  # ... and a vector of it
TRANSPOSE_ELEMENT = 0.4  # store one sum through scratch
TRANSPOSE_FAR = 0.6  # the same to beyond the second-level cache
TRANSPOSE_PLANE = 0.5  # transpose one element of a plane, with some other channels
EPILOGUE_ELEMENT = 0.4  # epilogue one sum that tiles leave; twice that where sums are transposed
EPILOGUE_STRIDED = 2.2  # the same, and store it where its neighbours are strided
STORE_FAR = 1.5  # what a vector that tiles store there costs more
TASK = 500.0  # begin a task
TAP = 30.0  # ... find a tap of its kernel
PIECE = 20000.0  # begin one of several convolutions in a row
GROUPED_STEP = 1.0  # of grouped: multiply-add a vector
GROUPED_TAP = 1.5  # ... begin a step of a column of pixels
GROUPED_VECTOR = 15.0  # ... begin and end a vector of sums
GROUPED_PLANE = 300.0  # ... begin and end a plane
GROUPED_TRANSPOSED = 0.75  # ... store a sum where channels do not lie side by side
SPREAD_VECTOR = 2.8  # bring a channel of a pixel to its lanes, and store that
SPREAD_STRIDED = 3.8  # the same of pixels that are read with a stride
FAR_CACHES = 8  # second-level caches that a third one is worth, at least
PLANE_SHARE = 1 / 8  # of the second level, for a plane that is brought near while another is made
PLANE_ROWS = 8  # of larger ones, up to which a CPU finds by itself what follows in each row
PLANE_VECTORS = 32  # of a row of them, from which on its columns are brought near in parts
BOX_OUTPUTS = 1 << 17  # of an axis of a box, whose tables grow with them
MASK_BYTES = 4  # of a vector
EDGES_WORTH = 4  # vectors between the ends of a row from which on these have strips of their own
READ_AGAIN = 4  # positions that a box reads for each that it moves on, at most ...
LONG_OUTPUTS = 64  # ... or it has so many outputs of a long kernel
ROWS_WORTH = 4  # rows of a box for each that it shares with the next one, at least
BAND_SHARE = 0.5  # of the second level, for what lies between two convolutions ...
BAND_BYTES = 1 << 19  # ... and no more than this
PASS_TAPS = 36  # multiply-adds an output that a further pass of a separable kernel is worth
REGION = 20_000.0  # begin and end a parallel region

# Of depthwise. Kernels of so many rows and columns have functions of their own.
OWN_KERNELS = (3, 5, 7)
STACK_KERNEL = 3  # ... and of which several planes, of one vector a row, are made together, ...
STACK_PLANES = 4  # ... if there are more than so many, ...
STACKED = 0.7  # ... in this share of the time
BYTES_KERNELS = (3, 5)  # those that have others for uint8
PLANE_STEP = 0.8  # multiply-add a vector of pixels
PLANE_LOAD = 1.2  # ... load it
PLANE_VECTOR = 4.5  # ... begin and end it, for kernels of one row
PLANE_VECTOR_ANY = 8.5  # ... the same, for others without a function of their own
PLANE_PAIRS = 5.0  # ... what it takes more of every second pixel
PLANE = 45.0  # begin and end a plane
PLANE_ROW = 27.0  # ... find a row of taps
PLANE_TAP = 6.0  # ... and a tap
PLANE_LINE = 9.0  # ... begin a row of the output
PIXEL_STEP = 1.3  # multiply-add a vector of channels
PIXEL_STEP_STRIDED = 2.3  # ... where pixels are read with a stride
PIXEL_VECTOR = 2.5  # ... begin and end it
PIXEL_VECTOR_ANY = 9.0  # ... what that takes more without a function of its own ...
PIXEL_RUN = 12.0  # ... of which so many rows share the search for pixels that lie evenly
RUN_ROWS = 16
PLANE_COLUMN = 3.0  # make the table of a vector of a row, once a task
PLANE_CHANNELS = 300.0  # begin and end planes of channels in vectors
PIXEL_ROW = 9.0  # ... find a row of taps, for a row of the output
PIXEL_TAP = 14.0  # ... find a tap
COPY_PLANE_ROW = 64.0  # begin a row of a strip, with pixels in vectors
END_ROW = 250.0  # the end of a row of uint8 that has a strip of its own
COPY_PIXEL_ROW = 215.0  # begin a row of a strip, with channels in vectors
COPY_PIXEL = 20.0  # copy a vector of a pixel

# Pooling, of a task: columns of a row, and channels where these are lanes, at most, or in parts of
# so many; comparisons at least; rows of a strip, and its bytes.
POOL_COLUMNS = 4096
POOL_CHANNELS = 1024
POOL_PART = 64
POOL_OPERATIONS = 100_000
POOL_ROWS = 256
POOL_STRIP_BYTES = 64 * 1024
# Strides of which vectors of columns are read where they lie: as many vectors, shuffled.
POOL_STRIDES = (1, 2, 4)
# Elements of a plane that is one task, at most; and of a part of a larger one.
POOL_PLANE = 1 << 22
POOL_PLANE_PART = 1 << 20

# The same one axis after the other, in comparisons of a cell: to copy it, and for a step along an
# axis. Cells of a strip for each that its outputs are apart, at most; channels of a strip, if they
# lie side by side. Bytes of a strip of one channel, at most, where cells are added.
PASS_COPY = 2
PASS_STEP = 2.5
PASS_MOST = 16
PASS_CHANNELS = 16
PASS_BYTES = 1 << 19

# Operations that only move elements, or add them. Bytes of a task, at most and at least; between
# two looks at signals. Bytes of neighbours that lines of a task share.
MOVE_TASK_BYTES = 1 << 17
MOVE_LEAST_BYTES = 1 << 14
MOVE_CHUNK_BYTES = 1 << 28
ACROSS_BYTES = 256
# fold: bytes of sums of a task, at most, with a stride of 1 and of more; sums at least; bytes where
# it stores several channels together.
FOLD_TASK_BYTES = 1 << 14
FOLD_MOST_BYTES = 1 << 17
FOLD_LEAST = 256
FOLD_ACROSS_BYTES = 1 << 16

# Of a convolution with a mask: bytes of what lies between its parts, for some images at a time.
MASKED_BYTES = 4 * 1024 * 1024

# Fourier transforms: bytes of blocks that are transformed together, points of a block at most
# (more only where a kernel needs them), points for each thread, at least; the factor to the next
# transform that is compared. The cost of a point: log2 of all points, and what does not depend on
# them; so much more for each doubling of a block beyond these bytes. Those of a product of two
# spectra, and of the beginning of a block, in the same unit.
FFT_BYTES = 2 << 20
FFT_MOST = 1 << 22
FFT_POINTS_PER_THREAD = 1 << 15
FFT_STEP = 1.2
FFT_MORE = 12.0
FFT_NEAR = 1 << 20
FFT_FAR = 0.35
FFT_MULTIPLY = 4.0
FFT_BLOCK = 60_000.0

# method='fastest' of fastconv.signal: see _scipy/convolve_cost.py. What each further thread adds to
# the speed of one; nanoseconds from which on several are woken; taps up to which NumPy sums signals
# without a call for each output.
CONVOLVE_THREAD = 0.7
CONVOLVE_SEVERAL = 400_000.0
CONVOLVE_SMALL = 11
CONVOLVE = {
    "float32": {
        "1": {
            "direct": [6520, 14.4, 0.0518],
            "fft": [130_000, 1.58],
            "overlap_add": [234_000, 94.3, 0.858],
        },
        "2": {
            "direct": [31_000, 0.82, 0.0419],
            "fft": [144_000, 0.645],
            "overlap_add": [210_000, 1170, 1.13],
        },
        "3": {
            "direct": [34_200, 1.3, 0.0646],
            "fft": [148_000, 1.04],
            "overlap_add": [345_000, 1450, 1.51],
        },
    },
    "float64": {
        "1": {
            "direct": [6530, 10.3, 0.114],
            "fft": [121_000, 2.03],
            "overlap_add": [241_000, 131, 1.32],
        },
        "2": {
            "direct": [30_300, 1.58, 0.08],
            "fft": [132_000, 1.6],
            "overlap_add": [137_000, 1840, 1.46],
        },
        "3": {
            "direct": [33_700, 2.52, 0.0939],
            "fft": [141_000, 1.95],
            "overlap_add": [160_000, 0, 3.93],
        },
    },
    "complex64": {
        "1": {
            "direct": [7570, 16.1, 0.137],
            "fft": [124_000, 2.12],
            "overlap_add": [225_000, 92, 1.33],
        },
        "2": {
            "direct": [47_600, 4.24, 0.211],
            "fft": [126_000, 1.8],
            "overlap_add": [116_000, 2200, 2.02],
        },
        "3": {
            "direct": [53_600, 7.77, 0.209],
            "fft": [134_000, 2.62],
            "overlap_add": [227_000, 1350, 3.1],
        },
    },
    "complex128": {
        "1": {
            "direct": [8500, 18.6, 0.297],
            "fft": [120_000, 3],
            "overlap_add": [225_000, 126, 2.32],
        },
        "2": {
            "direct": [49_200, 5.25, 0.466],
            "fft": [121_000, 2.82],
            "overlap_add": [75_700, 2160, 2.85],
        },
        "3": {
            "direct": [51_300, 5.83, 0.619],
            "fft": [132_000, 4.36],
            "overlap_add": [0, 3130, 5.84],
        },
    },
}
