# SPDX-License-Identifier: BSD-3-Clause
"""What a newcomer gets wrong on the command line: each message says what to write."""

import sys

import numpy as np
import pytest
from PIL import Image

MUST = "but it must be"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty one, with a photograph: in.png."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.arange(11 * 13, dtype=np.uint8).reshape(11, 13)).save("in.png")
    return tmp_path


FILTER = ("filter", "in.png", "-o", "out.png", "--kernel", "mean")


@pytest.mark.parametrize("option", ["--border", "--padding-mode"])
def test_both_commands_know_both_words_for_a_border(run, folder, option):
    assert run("plan", "3@9x9", "4@3x3", "--padding", "1", option, "wrap")[1].count("border wrap")
    assert run(*FILTER, option, "wrap")[0] == 0
    wrapped = (folder / "out.png").read_bytes()
    assert run(*FILTER, "--border", "edge", "--overwrite")[0] == 0
    assert wrapped != (folder / "out.png").read_bytes()


@pytest.mark.parametrize("word", ["reflect", "zeros", "wrap"])
def test_a_border_in_the_place_of_the_padding(fails, word):
    said = fails("plan", "3@9x9", "4@3x3", "--padding", word)
    assert "; what the padding holds is said by --padding-mode\n" in said
    assert "'same', 'same_upper'" in said


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ((*FILTER, "--range", "-100:100"), "--range=-100:100"),
        (("plan", "3@9x9", "4@3x3", "--padding", "-1x2"), "--padding=-1x2"),
        (("plan", "3@9x9", "4@3x3", "--padding", "-1:2x0:1"), "--padding=-1:2x0:1"),
    ],
)
def test_a_value_that_begins_with_a_minus(fails, folder, words, option):
    said = fails(*words)
    assert said.startswith(f"fastconv {words[0]}: {option.partition('=')[0]} needs a value; ")
    assert f"write {option} (see" in said
    assert not fails(*words[:-2], option.replace("-1", "-x")).count("needs a value")


def test_a_value_that_is_missing(fails, folder):
    said = fails(*FILTER, "--range")
    assert said.startswith("fastconv filter: --range needs a value (see")


def test_an_unknown_option_comes_first(fails, folder):
    said = fails("filter", "in.png", "-o", "out.png", "--kernal", "sobel")
    assert said == (
        "fastconv filter: --kernal is no option; did you mean --kernel? "
        "(see fastconv filter --help)\n"
    )
    assert "fastconv plan: --foo is no option (see" in fails("plan", "3@9", "4@3", "--foo=3")
    assert "fastconv filter: --kernal is no option; " in fails("filter", "--kernal=sobel")
    assert "fastconv plan: -q is no option (see" in fails("plan", "3@9", "-q")


@pytest.mark.parametrize("name", ["taps.txt", "taps.npy"])
def test_an_empty_kernel(fails, folder, name):
    (folder / "taps.txt").write_text("# nothing\n\n")
    np.save("taps.npy", np.zeros((0, 3)))
    said = fails(*FILTER[:-1], name)
    assert said == f"fastconv filter: --kernel {name}: it holds no numbers\n"


def test_without_pillow(fails, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert fails(*FILTER) == "fastconv filter: images need Pillow: pip install Pillow\n"
