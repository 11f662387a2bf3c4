# SPDX-License-Identifier: BSD-3-Clause
"""The extensions: the compiled core, and the C kernels, compiled once for each ISA."""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# Flags of src_c/isa/NAME.c; dispatch.c lists the same names.
ISA_FLAGS = {"generic": []}
X86_64_FLAGS = {
    "avx2": ["-mavx2", "-mfma", "-mf16c"],
    "avx512": ["-mavx512f", "-mavx512vl", "-mavx512bw", "-mavx512dq", "-mfma", "-mf16c"],
}

# gnu11, not c11: strict ISO C forbids to contract a * b + c into a multiply-add.
C_FLAGS = ["-std=gnu11", "-O3", "-ffp-contract=fast", "-fno-trapping-math", "-fno-math-errno"]
C_FLAGS += ["-fwrapv"]  # integers wrap, as in NumPy
# Each stub once more: sums of filters, whose products are rounded before they are added.
FILTER_FLAGS = ["-DFC_FILTERS", "-ffp-contract=off"]
C_FLAGS += ["-fvisibility=hidden", "-Wall", "-Wextra", "-Wvla"]
# There, generic kernels are for old CPUs only: less code, in half the time.
GENERIC_ON_X86_64 = ["-O2", "-fpeel-loops", "-fvect-cost-model=dynamic"]
TUNING_FLAGS = [  # (flags, files): each where the compiler knows it
    # gcc: loops that copy a few vectors are not to become `rep movs`, which takes long to begin.
    (["-fno-tree-loop-distribute-patterns"], "src_c/"),
    # clang: tiles read many rows; a pointer for each takes registers that their sums need.
    (["-mllvm", "-disable-lsr"], "src_c/isa/avx512.c"),
]
CORE_FLAGS = ["-O2", "-fvisibility=hidden"]
SANITIZE = os.environ.get("FASTCONV_SANITIZE", "")  # such as "address,undefined"
SANITIZE_FLAGS = [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer", "-g"] if SANITIZE else []
if SANITIZE:  # of instrumented tiles, gcc takes half an hour to optimize those of AVX-512
    C_FLAGS += ["-O1"]
    TUNING_FLAGS += [(["-O0"], "src_c/isa/avx512.c")]
    GENERIC_ON_X86_64 = []
else:  # Python's own flags ask for debug information, ten times the code
    C_FLAGS += ["-g0", "-fno-asynchronous-unwind-tables"]  # no exception passes through a tile
    CORE_FLAGS += ["-g0", "-fno-asynchronous-unwind-tables"]
# No names of functions, a sixth of a small module (tests look for those of the kernels), and no
# pages that are only begun.
STRIP_FLAGS = ["-Wl,--strip-all", "-Wl,-z,noseparate-code"]
if SANITIZE or sys.platform != "linux":
    STRIP_FLAGS = []

# (compiler, linker) flags of OpenMP. Apple's clang knows it, but has no library of its own.
OPENMP_FLAGS = [(["-fopenmp"], ["-fopenmp"])]
if sys.platform == "darwin":
    OPENMP_FLAGS += [
        (["-Xpreprocessor", "-fopenmp", f"-I{place}/include"], [f"-L{place}/lib", "-lomp"])
        for place in ("/opt/homebrew/opt/libomp", "/usr/local/opt/libomp", sys.prefix)
    ]

PLAIN = "int fc_probe(void) { return 0; }\n"
WITH_OPENMP = "#include <omp.h>\nint fc_probe(void) { return omp_get_max_threads(); }\n"
FOR_X86_64 = "#ifndef __x86_64__\n#error another CPU\n#endif\n" + PLAIN

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "embedsignature": True,
}
DEPENDS = [str(path) for path in sorted(Path("src_c").rglob("*.h"))] + ["setup.py"]
MODULES = ["arrays", "table", "axis", "window", "source", "weights", "epilogue", "conv", "scratch"]
MODULES += ["parallel", "stencil", "regions", "direct", "im2col_gemm", "planes", "channels"]
MODULES += ["depthwise", "grouped", "unshared", "local", "chain", "measure", "pooled"]
MODULES += ["pooling", "lines", "uneven", "unpool", "passes", "rows", "resample"]
MODULES += ["boxes", "cells", "views", "context", "filter_pass", "filter_sums", "filter_extremes"]
MODULES += ["filter_rank", "filter_signal", "filter_upfirdn"]
# Modules in which a call spends little time, half of which is code that reads arguments.
SMALL = ["axis", "window", "conv", "scratch", "measure", "chain", "uneven", "unpool", "passes"]
SMALL += ["pooling"]
WITH_KERNELS = "fastconv._core.table"


class BuildKernels(build_ext):
    """Compiles each ISA's stub with its own flags and links them where tables are looked up."""

    ONLY = ("kernels-only", None, "compile src_c and no more")
    user_options = [*build_ext.user_options, ONLY]  # noqa: RUF012
    boolean_options = [*build_ext.boolean_options, ONLY[0]]  # noqa: RUF012

    def initialize_options(self):
        super().initialize_options()
        self.kernels_only = False
        self.probed = {}

    def finalize_options(self):
        if not self.kernels_only:
            modules = cythonize(self.distribution.ext_modules, compiler_directives=DIRECTIVES)
            self.distribution.ext_modules = modules
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def build_extensions(self):
        objects = self.compile_kernels()
        if self.kernels_only:
            self.extensions = []
        compiler_flags, linker_flags = self.openmp() if self.extensions else ([], [])
        for ext in self.extensions:
            ext.extra_compile_args += compiler_flags
            ext.extra_link_args += linker_flags
            if ext.name == WITH_KERNELS:
                ext.extra_objects += objects
        super().build_extensions()

    def compile_kernels(self):
        """The objects of src_c. Of what the compiler builds for, only it knows: it may be a
        cross compiler, or one for two CPUs at a time, which share the generic kernels."""
        x86_64 = self.accepts(code=FOR_X86_64)
        sources = {f"src_c/isa/{isa}.c": flags for isa, flags in ISA_FLAGS.items()}
        if x86_64:
            if self.accepts(GENERIC_ON_X86_64):
                sources["src_c/isa/generic.c"] = GENERIC_ON_X86_64
            sources |= {f"src_c/isa/{isa}.c": flags for isa, flags in X86_64_FLAGS.items()}
        sources["src_c/dispatch.c"] = [] if x86_64 else ["-DFC_GENERIC_ONLY"]
        for flags, files in TUNING_FLAGS:
            if self.accepts(flags):
                sources |= {name: own + flags for name, own in sources.items() if files in name}

        def compiled(job):
            source, folder, flags = job
            return self.compiler.compile(
                [source],
                output_dir=os.path.join(self.build_temp, folder),
                include_dirs=["src_c"],
                extra_postargs=C_FLAGS + sources[source] + flags + SANITIZE_FLAGS,
                depends=DEPENDS,
            )

        jobs = [(source, "kernels", []) for source in reversed(sources)]  # what takes longest first
        jobs += [(source, "filters", FILTER_FLAGS) for source in sources if "/isa/" in source]
        with ThreadPoolExecutor(self.parallel) as pool:
            return list(chain.from_iterable(pool.map(compiled, jobs)))

    def openmp(self):
        """The first flags with which a program compiles and links, or none."""
        for compiler_flags, linker_flags in OPENMP_FLAGS:
            if self.accepts(compiler_flags, WITH_OPENMP, linker_flags):
                return compiler_flags, linker_flags
        print("fastconv: no OpenMP found, this build uses one thread", file=sys.stderr)
        return [], []

    def accepts(self, flags=(), code=PLAIN, linker_flags=None):
        """Whether the compiler in use takes these flags, and the linker if it is given some."""
        key = (*flags, code, *(linker_flags or ()))
        if key not in self.probed:
            with tempfile.TemporaryDirectory() as folder:
                source, built = Path(folder, "probe.c"), Path(folder, "probe.o")
                source.write_text(code, encoding="ascii")
                compiler = [*self.compiler.compiler_so, "-Werror", *flags]
                steps = [[*compiler, "-c", source, "-o", built]]
                if linker_flags is not None:
                    library = Path(folder, "probe.so")
                    steps += [[*self.compiler.linker_so, built, "-o", library, *linker_flags]]
                self.probed[key] = all(
                    subprocess.run(step, capture_output=True).returncode == 0 for step in steps
                )
        return self.probed[key]


setup(
    cmdclass={"build_ext": BuildKernels},
    ext_modules=[
        Extension(
            f"fastconv._core.{name}",
            [f"fastconv/_core/{name}.pyx"],
            include_dirs=["src_c", numpy.get_include()],
            define_macros=[
                (name, "NPY_2_0_API_VERSION")
                for name in ("NPY_NO_DEPRECATED_API", "NPY_TARGET_VERSION")
            ],
            depends=DEPENDS,
            extra_compile_args=CORE_FLAGS + ["-Os"] * (name in SMALL) + SANITIZE_FLAGS,
            extra_link_args=SANITIZE_FLAGS
            + (STRIP_FLAGS if f"fastconv._core.{name}" != WITH_KERNELS else []),
        )
        for name in MODULES
    ],
)
