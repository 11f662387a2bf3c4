# SPDX-License-Identifier: BSD-3-Clause
"""What ``import fastconv`` costs, told by the modules that it loads and not by a clock."""

import json
import shutil
from pathlib import Path

from programs import linux, python

import fastconv

# Modules of the standard library that the package may load, with what they load themselves.
STANDARD = ("__future__", "contextvars", "copy", "dataclasses", "functools", "inspect", "pathlib",
            "platform", "threading", "typing")  # fmt: skip
# The package's own that wait until they are used.
LATER = {"_scipy", "benchmarks", "cli", "ndimage", "patch", "signal", "__main__"}

SEEN = """
import json, sys
import numpy, {standard}
before = set(sys.modules)
import fastconv
{after}
print(json.dumps(sorted(set(sys.modules) - before)))
"""
A_CALL = "fastconv.conv2d(numpy.ones((1, 1, 8, 8)), numpy.ones((1, 1, 3, 3)), padding='same')"


def loaded(after=""):
    words = SEEN.format(standard=", ".join(STANDARD), after=after)
    return json.loads(python("-c", words))


def test_import_loads_the_package_and_nothing_large():
    own = {name for name in loaded() if name.split(".")[0] == "fastconv"}
    others = set(loaded()) - own
    # Cython keeps what its modules share in modules of its own.
    assert all(name.startswith(("_cython_", "cython_runtime")) for name in others), others
    assert not LATER & {name.split(".")[1] for name in own if "." in name}


def test_a_call_loads_nothing_more():
    assert loaded(A_CALL) == loaded()


def test_each_module_waits_or_is_loaded():
    names = {path.stem for path in Path(fastconv.__file__).parent.glob("*.py")} - {"__init__"}
    names |= {path.parent.name for path in Path(fastconv.__file__).parent.glob("*/__init__.py")}
    now = {name.split(".")[1] for name in loaded() if name.startswith("fastconv.")}
    assert names - now == LATER & names


# ---- what does not load ------------------------------------------------------------------------

SUBINTERPRETERS = """
try:
    import _interpreters as interpreters        # from Python 3.13 on
except ImportError:
    import _xxsubinterpreters as interpreters
import fastconv
code = '''
try:
    import fastconv
except ImportError as error:
    print(error, type(error.__cause__).__name__, sep=chr(10), flush=True)
'''
interpreters.run_string(interpreters.create(), code)
"""


@linux
def test_a_subinterpreter_is_told_that_it_is_not_supported():
    message, cause = python("-c", SUBINTERPRETERS).splitlines()
    assert message.startswith("fastconv: subinterpreters are not supported (")
    assert cause == "ImportError"
    assert "compiled" not in message


IMPORT = """
import sys
sys.path.insert(0, sys.argv[1])
{before}
try:
    import fastconv
except ImportError as error:
    print(error)
"""


def test_what_is_missing_is_named(tmp_path):
    """No compiled extensions, or no NumPy."""
    package = Path(fastconv.__file__).parent
    bare = tmp_path / "fastconv"
    shutil.copytree(package, bare, ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))
    said = python("-P", "-c", IMPORT.format(before=""), tmp_path)
    assert said.startswith(f"fastconv: no compiled extensions in {bare} (")
    no_numpy = IMPORT.format(before='sys.modules["numpy"] = None')
    assert "compiled" not in python("-P", "-c", no_numpy, package.parent)


# ---- NumPy is enough ---------------------------------------------------------------------------

# Every public name with a call, where only NumPy can be imported.
ALONE = """
import sys
import numpy as np

OTHERS = set(sys.argv[1:])

class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in OTHERS:
            raise ImportError(name + " is not here")

sys.meta_path.insert(0, Refused())
import fastconv
from fastconv._spec import epilogue
from fastconv import kernels

x = {rank: np.ones((1, 2, *(7, 5, 3)[:rank])) for rank in (1, 2, 3)}
w = {rank: np.ones((3, 2, *(3, 2, 1)[:rank])) for rank in (1, 2, 3)}

def convolve(rank):
    words = {"leaky_relu": ("leaky_relu", 0.1), "clip": ("clip", 0, 6)}
    for name in epilogue.NAMED:
        for algorithm in ("direct", "im2col_gemm", "reference"):
            conv = getattr(fastconv, f"conv{rank}d")
            conv(x[rank], w[rank], activation=words.get(name, name), algorithm=algorithm)

def transpose(rank):
    transposed = getattr(fastconv, f"conv_transpose{rank}d")
    for algorithm in ("phases", "direct", "im2col_gemm", "reference"):
        said = {"stride": 2, "padding_mode": "edge", "padding": 1, "algorithm": algorithm}
        transposed(x[rank], w[rank].swapaxes(0, 1), **said)

def local(rank):
    function = getattr(fastconv, f"local_conv{rank}d")
    weight = np.broadcast_to(w[rank], (*x[rank].shape[2:], *w[rank].shape))
    for algorithm in ("local", "reference"):
        function(x[rank], weight, padding="same", algorithm=algorithm)


def separable(rank):
    operation = getattr(fastconv, f"depthwise_separable_conv{rank}d")
    for algorithm in ("bands", "direct", "im2col_gemm", "reference"):
        operation(x[rank], w[rank][:2, :1], np.ones((3, 2)), algorithm=algorithm)
    fastconv.prepare(operation, w[rank][:2, :1], np.ones((3, 2)))(x[rank])

def interpolate():
    for mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "area"):
        for algorithm in ("resample", "reference"):
            fastconv.interpolate(x[2], 9, mode=mode, algorithm=algorithm)

def named():
    for name in set(kernels.__all__) - {"separate"}:
        kernels.separate(getattr(kernels, name)())
    kernels.separate(np.arange(27.0).reshape(3, 3, 3) ** 2, rank=2)

def pool(name, rank):
    words = {"lp_": (2, 2), "ada": (1,), "fra": (1, 1)}
    arguments = words.get(name[:3], () if name.startswith("global") else (2,))
    if name.startswith("global_lp"):
        arguments = (2,)
    said = {} if "avg" in name or "lp" in name else {"return_indices": True}
    for algorithm in ("direct", "reference"):
        said["algorithm"] = algorithm
        found = getattr(fastconv, f"{name}{rank}d")(x[rank], *arguments, **said)
    return found

def unpool(rank):
    values, indices = pool("max_pool", rank)
    for algorithm in ("direct", "reference"):
        said = {"output_size": x[rank].shape[2:], "algorithm": algorithm}
        getattr(fastconv, f"max_unpool{rank}d")(values, indices, 2, **said)

POOLS = [f"{kind}_pool" for kind in (
    "max", "min", "avg", "lp", "adaptive_max", "adaptive_avg", "fractional_max", "global_max",
    "global_min", "global_avg", "global_lp",
)]
CALLS = {
    f"{name}{rank}d": lambda name=name, rank=rank: pool(name, rank)
    for name in POOLS for rank in (1, 2, 3) if rank > 1 or name != "fractional_max_pool"
} | {
    f"max_unpool{rank}d": lambda rank=rank: unpool(rank) for rank in (1, 2, 3)
} | {
    "Plan": lambda: str(fastconv.plan(fastconv.conv2d, x[2].shape, w[2].shape)),
    "PreparedConv": lambda: fastconv.prepare(w[2])(x[2]),
    "__version__": lambda: fastconv.__version__,
    "channel_shuffle": lambda: fastconv.channel_shuffle(x[2], 2),
    "bed_of_nails_unpool1d": lambda: fastconv.bed_of_nails_unpool1d(x[1], 2),
    "bed_of_nails_unpool2d": lambda: fastconv.bed_of_nails_unpool2d(x[2], 2),
    "bed_of_nails_unpool3d": lambda: fastconv.bed_of_nails_unpool3d(x[3], 2),
    "conv1d": lambda: convolve(1),
    "conv2d": lambda: convolve(2),
    "conv3d": lambda: convolve(3),
    "conv_transpose1d": lambda: transpose(1),
    "conv_transpose2d": lambda: transpose(2),
    "conv_transpose3d": lambda: transpose(3),
    "depthwise_conv1d": lambda: fastconv.depthwise_conv1d(x[1], w[1][:2, :1]),
    "depthwise_conv2d": lambda: fastconv.prepare("depthwise_conv2d", w[2][:2, :1])(x[2]),
    "depthwise_conv3d": lambda: fastconv.depthwise_conv3d(x[3], w[3][:2, :1]),
    "depthwise_separable_conv1d": lambda: separable(1),
    "depthwise_separable_conv2d": lambda: separable(2),
    "depthwise_separable_conv3d": lambda: separable(3),
    "filter2d": lambda: fastconv.filter2d(x[2][0], w[2][0, 0]),
    "filter_nd": lambda: fastconv.prepare("filter_nd", w[3][0, 0])(x[3][0]),
    "fold": lambda: fastconv.fold(fastconv.unfold(x[2], 2), x[2].shape[2:], 2),
    "get_num_threads": fastconv.get_num_threads,
    "interpolate": interpolate,
    "kernels": named,
    "local_conv1d": lambda: local(1),
    "local_conv2d": lambda: local(2),
    "local_conv3d": lambda: local(3),
    "pad": lambda: fastconv.pad(x[3], 1, "symmetric"),
    "pixel_shuffle": lambda: fastconv.pixel_shuffle(x[1], (2,)),
    "pixel_unshuffle": lambda: fastconv.pixel_unshuffle(x[2], (7, 1)),
    "nearest_unpool1d": lambda: fastconv.nearest_unpool1d(x[1], 2),
    "nearest_unpool2d": lambda: fastconv.nearest_unpool2d(x[2], 2),
    "nearest_unpool3d": lambda: fastconv.nearest_unpool3d(x[3], 2),
    "plan": lambda: fastconv.plan(fastconv.conv2d, x[2], w[2]),
    "pointwise_conv1d": lambda: fastconv.pointwise_conv1d(x[1], w[1][..., 0]),
    "pointwise_conv2d": lambda: fastconv.prepare("pointwise_conv2d", w[2][..., 0, 0])(x[2]),
    "pointwise_conv3d": lambda: fastconv.pointwise_conv3d(x[3], w[3][..., 0, 0, 0]),
    "prepare": lambda: fastconv.prepare(w[2])(x[2]),
    "separable_filter": lambda: fastconv.separable_filter(x[2][0], [[1, 2, 1], None]),
    "set_num_threads": lambda: fastconv.set_num_threads(1),
    "settings": lambda: fastconv.settings(threads=1).__enter__(),
    "unfold": lambda: fastconv.unfold(x[3], (3, 2, 1), padding=1, padding_mode="mirror"),
    "unfold_view": lambda: fastconv.unfold_view(x[2], 2),
}
assert CALLS.keys() == set(fastconv.__all__), CALLS.keys() ^ set(fastconv.__all__)
for call in CALLS.values():
    call()
assert not OTHERS & {name.split(".")[0] for name in sys.modules}
"""
OTHERS = ("scipy", "PIL", "matplotlib", "rich", "torch", "onnx", "onnxruntime", "openvino", "cv2")


def test_every_public_function_runs_with_numpy_alone():
    python("-c", ALONE, *OTHERS)


def test_only_public_names_show():
    assert dir(fastconv) == sorted(fastconv.__all__)
    assert ">>>" in fastconv.__doc__
