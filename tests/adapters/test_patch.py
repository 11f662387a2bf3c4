# SPDX-License-Identifier: BSD-3-Clause
"""The patch of SciPy's own modules: installed, in a context, undone."""

import asyncio
import contextvars
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import numpy as np
import pytest
from engines import BY_ENGINE, Originals, look_at_all
from scipy import ndimage, signal
from scipy.ndimage import gaussian_filter

from fastconv import patch as public
from fastconv._scipy import outputs
from fastconv._scipy.entries import ENTRIES
from fastconv._scipy.patching import Patch, installed
from fastconv._scipy.seam import Seam

image = np.arange(12.0).reshape(3, 4)
GLOBALS = {(entry.module, entry.holder) for entry in ENTRIES}
GLOBALS.add(("scipy.ndimage._filters", "_ni_support"))


def values():
    """The globals of SciPy that the patch replaces."""
    return {key: getattr(import_module(key[0]), key[1], None) for key in GLOBALS}


@pytest.fixture
def engine():
    return Originals()


@pytest.fixture
def patch(engine):
    """A patch with an engine of its own; SciPy is as it was in the end."""
    before = values()
    patch = Patch(Seam(engine))
    look_at_all(patch.seam)
    yield patch
    while patch._installs:
        patch.uninstall()
    assert values() == before


def served(patch):
    return patch.seam.status().served


def is_served(patch):
    """Whether a call of SciPy is served here and now."""
    before = served(patch)
    gaussian_filter(image, 1)
    return served(patch) > before


def test_install_reaches_names_that_were_imported_before(patch, engine):
    expected = gaussian_filter(image, 1), signal.convolve2d(image, image)
    assert not engine.called
    patch.install()
    assert gaussian_filter(image, 1).tobytes() == expected[0].tobytes()
    assert signal.convolve2d(image, image).tobytes() == expected[1].tobytes()
    signal.resample_poly(image[0], 3, 2)
    ndimage.grey_erosion(image, 3)
    assert set(engine.called) == {"correlate1d", "convolve2d", "upfirdn", "min_or_max_filter1d"}
    patch.uninstall()
    engine.called.clear()
    gaussian_filter(image, 1)
    assert not engine.called


def test_uninstall_restores_the_very_same_objects(patch):
    before = values()
    patch.install()
    now = values()
    assert {key for key in now if now[key] is not before[key]} == {
        key for key in now if before[key] is not None
    }
    assert now["scipy.ndimage._filters", "_nd_image"].find_objects is not None  # all else is there
    patch.uninstall()
    after = values()
    assert all(after[key] is before[key] for key in before)


def test_outputs_hold_zeros_before_where_it_is_not_in_force(patch, monkeypatch):
    made = []
    empty = outputs.empty
    monkeypatch.setattr(outputs, "empty", lambda *words: made.append(words) or empty(*words))
    with installed(patch):
        gaussian_filter(image, 1)
        assert made
        made.clear()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(gaussian_filter, image, 1).result()
        assert not made


def test_outputs_of_the_other_byte_order_hold_zeros():
    swapped = np.dtype("f8").newbyteorder()
    assert not outputs.empty((50, 70), swapped).any()
    assert outputs.empty((2, 3), "float32").dtype == np.float32


def test_installs_are_counted(patch):
    patch.install()
    patch.install()
    patch.uninstall()
    assert is_served(patch)
    patch.uninstall()
    assert not is_served(patch)
    with pytest.raises(RuntimeError, match="uninstall: the patch is not installed"):
        patch.uninstall()


def test_a_context_is_for_this_thread_only(patch):
    with installed(patch), ThreadPoolExecutor(1) as pool:
        assert is_served(patch)
        assert not pool.submit(is_served, patch).result()
        assert patch.seam.status().here
        assert not patch.seam.status().installed
    assert not is_served(patch)


def test_contexts_nest_within_each_other_and_an_install(patch):
    context = installed(patch)
    with context:
        with context:
            assert is_served(patch)
        assert is_served(patch)
        patch.install()
    assert is_served(patch)
    with context:
        patch.uninstall()
        assert is_served(patch)
    assert not is_served(patch)


def test_an_error_ends_the_context(patch):
    with pytest.raises(RuntimeError, match="no filter weights"), installed(patch):
        ndimage.correlate1d(image, image)
    assert not is_served(patch)


def test_two_contexts_at_a_time(patch):
    inside, leave = threading.Event(), threading.Event()

    def other():
        with installed(patch):
            inside.set()
            leave.wait(10)
            return is_served(patch)

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(other)
        inside.wait(10)
        assert not is_served(patch)
        with installed(patch):
            assert is_served(patch)
        leave.set()
        assert future.result()
    assert not is_served(patch)


def test_tasks_are_in_it_while_the_block_runs(patch):
    async def task(event):
        first = is_served(patch)
        await event.wait()
        return first, is_served(patch)

    async def main():
        event = asyncio.Event()
        with installed(patch):
            running = asyncio.create_task(task(event))
            await asyncio.sleep(0)
        patch.install()  # so that the globals stay
        patch.process = False
        event.set()
        found = await running
        patch.process = True
        return found

    assert asyncio.run(main()) == (True, False)


def test_a_generator_that_is_closed_elsewhere_ends_its_context(patch):
    def generator():
        with installed(patch):
            yield

    steps = generator()
    contextvars.copy_context().run(next, steps)
    assert patch._contexts == 1
    steps.close()
    assert patch._contexts == 0
    assert not is_served(patch)


def test_a_context_that_is_left_twice_counts_once(patch):
    """As one that was copied, in which a generator is closed once more."""
    use = patch.enter()
    with installed(patch):
        patch.leave(use)
        patch.leave(use)
        assert patch._contexts == 1
        assert is_served(patch)
    assert patch._contexts == 0


def test_a_thread_inside_a_call_ends_well_while_another_uninstalls():
    inside, leave = threading.Event(), threading.Event()
    original = BY_ENGINE["correlate1d"].of(import_module("scipy.ndimage._filters"))
    waits = []

    def slow(*arguments):
        if waits:
            inside.set()
            assert leave.wait(10)
        return original(*arguments)

    patch = Patch(Seam(Originals(correlate1d=slow)))
    expected = gaussian_filter(image, 1)
    patch.install()
    filters = import_module("scipy.ndimage._filters")
    late = filters._nd_image.correlate1d  # looked up before, called after the end
    waits.append(True)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(gaussian_filter, image, 1)
        inside.wait(10)
        patch.uninstall()
        leave.set()
        assert future.result().tobytes() == expected.tobytes()
    before, out = served(patch), np.zeros_like(image)
    late(image, np.ones(1), 0, out, 4, 0.0, 0)
    assert (out == image).all()
    assert served(patch) == before


def test_threads_that_install_at_the_same_time(patch):
    def work(number):
        for _ in range(20):
            if number % 2:
                patch.install()
                gaussian_filter(image, 1)
                patch.uninstall()
            else:
                with installed(patch):
                    assert is_served(patch)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert not patch._replaced


def test_a_global_that_someone_else_replaced_stays(patch):
    filters = import_module("scipy.ndimage._filters")
    original = filters._nd_image
    patch.install()
    theirs = filters._nd_image = object()
    patch.uninstall()
    assert filters._nd_image is theirs
    filters._nd_image = original


def test_entries_left_alone_are_not_replaced(engine):
    def wrong(*arguments):
        return None

    patch = Patch(Seam(Originals(correlate1d=wrong, upfirdn=wrong)))
    before = values()
    patch.install()
    try:
        now = values()
        key = "scipy.ndimage._filters", "_nd_image"
        assert now[key].correlate1d is before[key].correlate1d
        assert now["scipy.signal._upfirdn", "_apply"] is before["scipy.signal._upfirdn", "_apply"]
        status = patch.seam.status().entries["ndimage.correlate1d"]
        assert (status.ours, status.served) == (False, 0)
    finally:
        patch.uninstall()


# ---- status ------------------------------------------------------------------------------------


def test_status_as_text_and_as_data():
    patch = Patch(Seam(Originals(correlate1d=lambda *arguments: "because")))
    assert all(e.reason == "not used so far" for e in patch.seam.status().entries.values())
    assert str(patch.seam.status()).splitlines()[2].endswith("  not used so far")
    patch.install()
    gaussian_filter(image, 1)
    ndimage.median_filter(image, 3)
    text = str(patch.seam.status())
    patch.uninstall()
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0].endswith(": installed for the process")
    assert lines[1] == "entry served handed over"
    assert lines[2:4] == ["ndimage.correlate1d 0 2 ours", "2 because"]
    assert "ndimage.rank_filter 1 0 ours" in lines
    status = patch.seam.status()
    assert repr(status) == str(status)
    assert str(status).splitlines()[0].endswith(": not installed")
    data = json.loads(json.dumps(status.as_dict()))
    assert data["entries"]["ndimage.correlate1d"]["handed_over"] == {"because": 2}
    assert (status.served, status.handed_over) == (1, 2)


def test_the_public_module():
    before = values()
    public.install()
    assert public.status().installed
    with public.installed():
        assert public.status().here
    public.uninstall()
    assert values() == before
    assert set(public.status().entries) == {entry.name for entry in ENTRIES}
