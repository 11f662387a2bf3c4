# SPDX-License-Identifier: BSD-3-Clause
"""Forked children convolve on one thread: OpenMP's threads do not come along."""

import pytest
from programs import linux, run

pytestmark = linux

CHILDREN = """
import signal
from fastconv._core import measure, scratch

def child():
    signal.alarm(20)                    # a child that hangs ends with a signal
    assert scratch.kept() == 0
    assert measure.openmp_threads() == 1
    check(conv())
    check(conv(threads=2))
    assert len(os.listdir("/proc/self/task")) == 1

def fork(function):
    pid = os.fork()
    if pid:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    else:
        status = 1
        try:
            function()
            status = 0
        finally:
            os._exit(status)

check(conv(threads=2))
assert scratch.kept() > 0
fork(child)
fork(lambda: fork(child))
check(conv(threads=2))

stop = threading.Event()                # in the midst of the calls of other threads
def busy():
    while not stop.is_set():
        conv(threads=2)
threads = [threading.Thread(target=busy) for _ in range(3)]
for thread in threads:
    thread.start()
try:
    for _ in range(25):
        fork(child)
finally:
    stop.set()
for thread in threads:
    thread.join()
assert part(lambda: conv(threads=2)) == 2
"""

# A fork while another thread is in the midst of what only one can do, or does once.
BUSY = """
import signal
held, done = threading.Event(), threading.Event()
def hold():
    held.set()
    done.wait()
layer = fastconv.prepare(w, padding=1)
work = lambda: layer(x)
WORK
holder = threading.Thread(target=work)
holder.start()
held.wait()
pid = os.fork()
if not pid:
    signal.alarm(20)
    status = 1
    try:
        status = 0 if np.array_equal(layer(x), conv()) else 2
    finally:
        os._exit(status)
done.set()
holder.join()
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""

LOCKS = """
from fastconv._plan.weights import locked
def work():                             # as a thread that packs weights or keeps a plan does
    with locked():
        hold()
"""

VALUES = """
from fastconv._plan import weights
is_finite = weights.is_finite
def slow(array):                        # a long look at many weights
    if threading.current_thread() is holder:
        hold()
    return is_finite(array)
weights.is_finite = slow
"""

HANDLER = """
import signal
from fastconv._plan import constants as costs
costs.OPERATIONS_PER_CHUNK = 100_000_000
many = np.broadcast_to(x, (200, *x.shape[1:]))
parent, children = os.getpid(), []
def fork(*_):
    if os.getpid() == parent and not children:
        pid = os.fork()
        if pid:
            children.append(pid)
        else:
            signal.alarm(40)
signal.signal(signal.SIGUSR1, fork)
whole = fastconv.conv2d(many, w, threads=THREADS)
timer = threading.Timer(0.02, os.kill, (parent, signal.SIGUSR1))
timer.start()
while not children and os.getpid() == parent:   # in the midst of a call, or between two
    got = fastconv.conv2d(many, w, threads=THREADS)
status = 1
try:
    got = fastconv.conv2d(many, w)              # the child goes on from here, too
    status = 0 if np.array_equal(got, whole) else 2
finally:
    if os.getpid() != parent:
        os._exit(status)
assert status == 0
assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0
"""

POOL = """
import multiprocessing
check(conv(threads=2))
def work(number):
    check(conv(threads=2))
    return number
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map(work, range(20)) == list(range(20))
check(conv(threads=2))
"""


@pytest.mark.parametrize("program", [CHILDREN, POOL], ids=["fork", "multiprocessing"])
def test_forked_children(program):
    run(program, timeout=60)


@pytest.mark.parametrize("work", [LOCKS, VALUES], ids=["locks", "values"])
def test_what_other_threads_are_at(work):
    run(BUSY.replace("WORK", work))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_fork_in_a_signal_handler(threads):
    run(HANDLER.replace("THREADS", str(threads)))
