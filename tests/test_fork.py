# SPDX-License-Identifier: BSD-3-Clause
"""Forked children convolve on one thread: OpenMP's threads do not come along."""

import pytest
from programs import linux, run

pytestmark = linux

CHILDREN = """
import signal
from fastconv.kernels import scratch

def child():
    signal.alarm(20)                    # a child that hangs ends with a signal
    assert scratch.kept() == 0
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
