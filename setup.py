# SPDX-License-Identifier: BSD-3-Clause
"""The extensions: one for each walk, and the C kernels, compiled once for each ISA."""

import os
import platform
import sys
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

X86_64 = platform.machine().lower() in ("x86_64", "amd64")

# Flags of src_c/isa/NAME.c; dispatch.c lists the same names.
ISA_FLAGS = {"generic": []}
if X86_64:
    ISA_FLAGS |= {
        "avx2": ["-mavx2", "-mfma", "-mf16c"],
        "avx512": ["-mavx512f", "-mavx512vl", "-mavx512bw", "-mavx512dq", "-mfma", "-mf16c"],
    }

# gnu11, not c11: strict ISO C forbids to contract a * b + c into a multiply-add.
C_FLAGS = ["-std=gnu11", "-O3", "-ffp-contract=fast", "-fno-trapping-math", "-fno-math-errno"]
C_FLAGS += ["-fwrapv"]  # integers wrap, as in NumPy
# Loops that copy a few vectors are not to become `rep movs`, which takes long to begin.
C_FLAGS += ["-fno-tree-loop-distribute-patterns"]
C_FLAGS += ["-fvisibility=hidden", "-Wall", "-Wextra"]
WALK_FLAGS = ["-O2", "-fvisibility=hidden"]
SANITIZE = os.environ.get("FASTCONV_SANITIZE", "")  # such as "address,undefined"
SANITIZE_FLAGS = [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer", "-g"] if SANITIZE else []
if SANITIZE:  # at -O3 the compiler takes minutes for instrumented tiles
    C_FLAGS += ["-O1"]
else:  # Python's own flags ask for debug information, ten times the code
    C_FLAGS += ["-g0"]
    WALK_FLAGS += ["-g0"]

# Apple's clang has no OpenMP runtime: there the walks are serial.
OPENMP = [] if sys.platform == "darwin" else ["-fopenmp"]

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "embedsignature": True,
}
DEPENDS = [str(path) for path in sorted(Path("src_c").rglob("*.h"))] + ["setup.py"]
MODULES = ["table", "spans", "problem", "source", "weights", "scratch", "walk", "finish"]
MODULES += ["stencil", "pieces", "direct", "im2col_gemm", "measure"]
WITH_KERNELS = "fastconv.kernels.table"


class BuildKernels(build_ext):
    """Compiles each ISA's stub with its own flags and links them where tables are looked up."""

    def build_extension(self, ext):
        if ext.name == WITH_KERNELS:
            sources = {f"src_c/isa/{isa}.c": flags for isa, flags in ISA_FLAGS.items()}
            sources["src_c/dispatch.c"] = []
            for source, flags in sources.items():
                ext.extra_objects += self.compiler.compile(
                    [source],
                    output_dir=self.build_temp,
                    include_dirs=["src_c"],
                    extra_postargs=C_FLAGS + flags + SANITIZE_FLAGS,
                    depends=DEPENDS,
                )
        super().build_extension(ext)


setup(
    cmdclass={"build_ext": BuildKernels},
    ext_modules=cythonize(
        [
            Extension(
                f"fastconv.kernels.{name}",
                [f"fastconv/kernels/{name}.pyx"],
                include_dirs=["src_c", numpy.get_include()],
                define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
                depends=DEPENDS,
                extra_compile_args=WALK_FLAGS + OPENMP + SANITIZE_FLAGS,
                extra_link_args=OPENMP + SANITIZE_FLAGS,
            )
            for name in MODULES
        ],
        compiler_directives=DIRECTIVES,
    ),
)
