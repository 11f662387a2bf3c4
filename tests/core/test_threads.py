# SPDX-License-Identifier: BSD-3-Clause
"""Threads: how many run, who decides, and what happens in regions and beside Python's threads.

Each test is a program, because threads, once made, stay; `programs.PRELUDE` begins it.
"""

import shutil
import subprocess

import pytest
from programs import UNSET, linux, measures_memory, python, run

from fastconv._core import table
from fastconv._plan.settings import default_threads

pytestmark = linux
several = pytest.mark.skipif(default_threads() < 2, reason="needs two cores")

# ---- how many ----------------------------------------------------------------------------------


def test_a_number_is_obeyed():
    run("""
for threads in (1, 2, 5, 3, 1):
    assert part(lambda: conv(threads=threads)) == threads
    assert part(lambda: fastconv.prepare(w, padding=1)(x, threads=threads)) == threads
    with fastconv.settings(threads=threads):
        assert part(conv) == threads
        assert part(lambda: conv(threads=4)) == 4
    fastconv.set_num_threads(threads)
    assert part(conv) == threads
fastconv.set_num_threads(None)
assert part(conv) == DEFAULT
""")


def test_small_work_stays_with_one_thread():
    run("""
a, b = np.ones((1, 1, 8, 8)), np.ones((1, 1, 3, 3))
assert part(lambda: fastconv.conv2d(a, b)) == 1
assert len(os.listdir("/proc/self/task")) == 1
""")


def test_the_environment_is_obeyed():
    run("assert part(conv) == 3, part(conv)", FASTCONV_NUM_THREADS="3")
    run("assert DEFAULT == part(conv) == 1; assert part(lambda: conv(threads=3)) == 3",
        OMP_NUM_THREADS="1")  # fmt: skip
    run("assert part(conv) == 3", OMP_NUM_THREADS="1", FASTCONV_NUM_THREADS="3")


THREADPOOLCTL = """
from threadpoolctl import threadpool_limits
for _ in range(2):                      # a plan that was made before the limit, or within
    if {first}:
        assert part(conv) == DEFAULT
    with threadpool_limits(1):
        assert part(conv) == fastconv.get_num_threads() == 1
        assert part(lambda: conv(threads=2)) == 2
        with fastconv.settings(threads=2):
            assert part(conv) == fastconv.get_num_threads() == 2
    assert part(conv) == fastconv.get_num_threads() == DEFAULT
"""


@several
@pytest.mark.parametrize("first", [False, True], ids=["made within", "made before"])
def test_a_limit_of_threadpoolctl_caps_the_default_only(first):
    run(THREADPOOLCTL.format(first=first))


@several
@pytest.mark.parametrize("bind", ["true", "close", "spread"])
def test_bound_threads_are_all_used(bind):
    """OpenMP narrows the main thread to one CPU, and a call still uses all."""
    free = int(run("print(DEFAULT)"))
    run(f"assert part(conv) == DEFAULT == {free}, (part(conv), DEFAULT)", OMP_PROC_BIND=bind)


# ---- Python's threads --------------------------------------------------------------------------

EIGHT = """
from fastconv._plan.kept import KEPT_BYTES, Store, keep
ballast = Store()
sizes = range(9, 31)
expected = {n: fastconv.conv2d(x[..., :n], w, threads=1) for n in sizes}
prepared = fastconv.prepare(w)
errors = []
def work(seed):
    try:
        for n in np.random.default_rng(seed).permutation(np.repeat(sizes, 4)):
            threads = (None, 1, 2)[seed % 3]
            keep(ballast, (seed,), None, KEPT_BYTES - (1 << 18))      # so that plans come and go
            assert np.array_equal(fastconv.conv2d(x[..., :n], w, threads=threads), expected[n])
            assert np.array_equal(prepared(x[..., :n]), expected[n])
    except BaseException as error:
        errors.append(error)
sys.setswitchinterval(1e-5)
threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not errors, errors
"""


def test_eight_python_threads_at_once():
    run(EIGHT)


SHARED = """
from fastconv._plan.settings import assuming_threads
stop, most = threading.Event(), 0
def work():
    while not stop.is_set():
        conv()
with assuming_threads(8):
    conv()                              # planned
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for _ in range(60):
    time.sleep(0.01)
    running = 0
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/stat") as file:
            running += file.read().rpartition(")")[2].split()[0] == "R"
    most = max(most, running)
stop.set()
for thread in threads:
    thread.join()
# Each call has the thread that made it; beyond those, all calls share the limit.
assert most <= 8 + 8 + 1, f"{most} threads compete for the cores"
"""


def test_concurrent_calls_share_the_default():
    run(SHARED, OMP_NUM_THREADS="8")


def test_the_gil_is_released():
    run("""
many = np.broadcast_to(x, (2000, *x.shape[1:]))
ticks, stop = [], threading.Event()
def tick():
    while not stop.is_set():
        ticks.append(time.monotonic())
        time.sleep(0.001)
thread = threading.Thread(target=tick)
thread.start()
begin = time.monotonic()
fastconv.conv2d(many, w, threads=1)
end = time.monotonic()
stop.set()
thread.join()
seen = [begin, *(tick for tick in ticks if begin < tick < end), end]
assert end - begin > 0.1
assert max(np.diff(seen)) < (end - begin) / 2, (end - begin, np.diff(seen).max())
""")


REGION = """
void region(void (*call)(void))
{
    _Pragma("omp parallel num_threads(2)")
    call();
}
"""

NESTED = """
import ctypes
call = ctypes.CFUNCTYPE(None)
library = ctypes.CDLL(sys.argv[1])
library.region.argtypes = [call]
results = []
check(conv(threads=2))
def inside():
    assert fastconv.get_num_threads() == 1
    results.append(conv())
    results.append(conv(threads=2))
assert part(lambda: library.region(call(inside))) == 2
assert len(results) == 4
for result in results:
    assert np.array_equal(result, conv())
assert part(conv) == DEFAULT            # a plan that was made inside does not stay serial
"""


# Of this build's kind: only its runtime knows the region.
COMPILER = table.compiler().split()[0]


@pytest.mark.skipif(shutil.which(COMPILER) is None, reason="needs a C compiler")
def test_calls_inside_a_parallel_region_are_serial(tmp_path):
    source, library = tmp_path / "region.c", tmp_path / "region.so"
    source.write_text(REGION)
    words = [COMPILER, "-shared", "-fPIC", "-fopenmp", str(source), "-o", str(library)]
    subprocess.run(words, check=True)
    run(NESTED, library)


# ---- the runtime -------------------------------------------------------------------------------

ENVIRONMENT = """
import ctypes, os, sys
import numpy
before = dict(os.environ)
getenv = ctypes.CDLL(None).getenv
getenv.restype = ctypes.c_char_p
seen = getenv(b"OMP_WAIT_POLICY")
import fastconv
assert dict(os.environ) == before
assert getenv(b"OMP_WAIT_POLICY") == seen
"""


@pytest.mark.parametrize("policy", [None, "ACTIVE", "PASSIVE"])
def test_the_environment_stays_as_it_was(policy):
    environ = {} if policy is None else {"OMP_WAIT_POLICY": policy}
    python("-c", ENVIRONMENT, unset=UNSET, **environ)


WAITING = """
conv(threads=2)
conv(threads=2)
before = on_core()
time.sleep(0.2)
after = on_core()
main = threading.get_native_id()
print(sum(after[task] - before.get(task, 0) for task in after if task != main) / 1e9)
"""


@several
def test_threads_sleep_between_calls_unless_the_user_wants_them_to_spin():
    assert float(run(WAITING)) < 0.02
    assert float(run(WAITING, OMP_WAIT_POLICY="PASSIVE")) < 0.02
    assert float(run(WAITING, OMP_WAIT_POLICY="ACTIVE")) > 0.05


FEW = """
import resource
out = np.empty((1, 48, 30, 31), np.float32)
want = conv(threads=1)
with open("/proc/self/statm") as file:
    taken = int(file.read().split()[0]) * resource.getpagesize()
soft, hard = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (taken + {room}, hard))
conv(threads={threads}, out=out)
resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
assert np.array_equal(out, want)
assert part(lambda: conv(threads=2)) == 2           # with room again
"""


@measures_memory
@pytest.mark.parametrize(("room", "threads"), [(6 << 20, 2), (36 << 20, 16)])
def test_threads_that_cannot_be_started_are_done_without(room, threads):
    run(FEW.format(room=room, threads=threads))
