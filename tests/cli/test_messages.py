# SPDX-License-Identifier: BSD-3-Clause
"""What the command line refuses is said in its own words: options, not arguments of Python."""

import os

import pytest
from photographs import photograph

from fastconv.cli.filtering import PARAMETERS


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty one, with a photograph: in.png."""
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    Image.fromarray(photograph(1)[..., 0]).save("in.png")
    return tmp_path


MUST = "but it must be"
PLAN = {
    "0@5x5 4@3x3": f"input is '0@5x5', {MUST} [BATCHx]CHANNELS@SIZES with sizes of at least 1",
    "0x3@5x5 4@3x3": f"input is '0x3@5x5', {MUST} ",
    "3@5x5 4@0x3": f"weight is '4@0x3', {MUST} FILTERS@SIZES with sizes of at least 1",
    "3@9 4@3x3": "weight is '4@3x3' with 2 sizes, but it must have 1, as the input has",
    "3@9x9 4@11x3": "input has size 9 on axis H, but a kernel of size 11 needs 11",
    "3@9x9 4@3 --activation clip": f"--activation is 'clip', {MUST} clip:LOW:HIGH",
    "3@9x9 4@3 --activation clip:3:1": "--activation is clip:3:1, but low must be at most high",
    "3@9x9 4@3 --activation gelu --dtype int8": f"--activation is 'gelu', {MUST} none or one of "
    "'relu', 'relu6', clip:LOW:HIGH where input and weight are integers",
    "3@9x9 4@3 --padding-mode reflect": f"--padding-mode is 'reflect', {MUST} 'mirror' "
    "(dcb|abcd|cba, as in NumPy and PyTorch) or 'symmetric' (dcba|abcd|dcba, as in scipy.ndimage)",
    "3@9x9 4@3 --padding-mode edge,wrap,edge": "--padding-mode has 3 entries, but it must have 1 "
    "or 2",
    "3@9x9 4@3 --padding 1x2x3x4": "--padding has 4 entries, but it must have 1 or 2",
    "3@9x9 4@3 --padding 1:1x1": f"--padding is '1:1x1', {MUST} BEFORE:AFTER, or one per axis",
    "3@9x9 4@3 --stride 0x1": f"--stride is 0, {MUST} an integer of at least 1",
    "3@9x9 4@3 --dtype int7": f"--dtype is 'int7', {MUST} bool, ",
    "3@9x9 4@3 --threads 0": f"--threads is 0, {MUST} an integer from 1 to 1024",
    "3@9x9 4@3 --threads x": f"--threads is 'x', {MUST} an integer ",
    "3@9x9 4@3 --isa mmx": f"--isa is 'mmx', {MUST} one of 'generic'",
}


@pytest.mark.parametrize("words", PLAN)
def test_plan(fails, words):
    assert fails("plan", *words.split()).startswith(f"fastconv plan: {PLAN[words]}")


NAMES = f"one of {', '.join(PARAMETERS)} or a file"
FILTER = {
    "sobl": f"--kernel is sobl, {MUST} {NAMES}; did you mean sobel?\n",
    "Guassian": f"--kernel is Guassian, {MUST} {NAMES}; did you mean gaussian?\n",
    "median": f"--kernel is median, {MUST} {NAMES}\n",
    "ragged.txt": "--kernel ragged.txt: rows have 1 and 2 numbers, but all must have the same "
    "length\n",
    "word.txt": "--kernel word.txt: 'a' stands in a row, but all must be numbers\n",
    "gaussian --sigma x": f"--sigma is 'x', {MUST} a number, or one per axis joined by x",
    "gaussian --sigma=-1": f"--sigma is -1.0, {MUST} above 0\n",
    "gaussian --truncate x": f"--truncate is 'x', {MUST} a number ",
    "gabor --sigma 1x2": f"--sigma is 1.0x2.0, {MUST} a real number\n",
    "sobel --size 3x5": f"--size is 3x5, {MUST} an odd integer from 3 to 31\n",
    "sobel --sigma 3": "--sigma is for gabor, gaussian, unsharp, but --kernel is sobel\n",
    "laplacian --diagonal --size 5": "--diagonal is given and size is 5, but size must be 3\n",
    "mean --threads x": f"--threads is 'x', {MUST} an integer ",
    "mean --border torus": f"--border is 'torus', {MUST} one of 'constant', ",
}


@pytest.mark.parametrize("words", FILTER)
def test_filter(fails, folder, words):
    (folder / "ragged.txt").write_text("1 2  # two\n\n3\n")
    (folder / "word.txt").write_text("1 a\n")
    said = fails("filter", "in.png", "-o", "out.png", "--kernel", *words.split())
    assert said.startswith(f"fastconv filter: {FILTER[words]}")
    assert not (folder / "out.png").exists()


def test_a_photograph_is_not_replaced_unless_that_is_said(run, fails, folder):
    os.symlink("in.png", "link.png")
    before = (folder / "in.png").read_bytes()
    for name in ("in.png", "./in.png", folder / "in.png", "link.png"):
        said = fails("filter", "in.png", "--kernel", "mean", "-o", name)
        assert said == (
            f"fastconv filter: -o is {name}, the image itself, but it must be another file "
            "(or pass --overwrite)\n"
        )
    assert (folder / "in.png").read_bytes() == before
    assert run("filter", "in.png", "--kernel", "mean", "-o", "in.png", "--overwrite")[0] == 0
    assert (folder / "in.png").read_bytes() != before
    for _ in range(2):  # any other file is replaced
        assert run("filter", "in.png", "--kernel", "mean", "-o", "out.png")[0] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("paint", f"fastconv: COMMAND is 'paint', {MUST} one of "),
        ("bench --rivals cudnn", f"fastconv bench: --rivals is 'cudnn', {MUST} one of "),
    ],
)
def test_choices(fails, words, message):
    assert fails(*words.split()).startswith(message)
