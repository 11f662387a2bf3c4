# SPDX-License-Identifier: BSD-3-Clause
"""The examples run, and their pictures show what their captions say."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib import cbook
from PIL import Image
from scipy import ndimage

from fastconv import kernels

ROOT = Path(__file__).resolve().parent.parent
GALLERY = ROOT / "examples" / "gallery.py"
BORDERS = {"constant": "constant", "edge": "edge", "wrap": "wrap", "mirror": "reflect"}
BORDERS |= {"symmetric": "symmetric"}


# ---- networks ----------------------------------------------------------------------------------


@pytest.fixture(params=["mobilenet", "unet"])
def network(request, monkeypatch):
    """The names of a script."""
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    return runpy.run_path(str(ROOT / "examples" / f"{request.param}.py"))


def test_a_network_gives_the_same_each_time(network):
    image = np.random.default_rng(2).random((2, 32, 64, 3), np.float32)
    weights = network["make_weights"]()
    first, second = (network["fastconv_forward"](weights)(image) for _ in range(2))
    assert np.array_equal(first, second)
    assert first.shape in ((2, 1000), (2, 32, 64, 2))
    assert np.isfinite(first).all()
    assert not np.allclose(first[0], first[1])


@pytest.mark.peers
def test_a_network_is_that_of_pytorch(network):
    image = np.random.default_rng(2).random((2, 64, 96, 3), np.float32)
    weights = network["make_weights"]()
    got, expected = (network[f"{by}_forward"](weights)(image) for by in ("fastconv", "torch"))
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_the_command_line_of_a_network(network, capfd, monkeypatch):
    script, run = network["__file__"], network["run"]
    makers = [network[name] for name in ("make_weights", "fastconv_forward", "torch_forward")]
    monkeypatch.setattr(run.__globals__["time"], "perf_counter", lambda: 1.5)
    monkeypatch.setitem(run.__globals__, "find_spec", lambda name: None)
    for words, said in (
        ([], "(1, 64, 64, 3) -> (1, "),
        (["--size", "32"], "(1, 32, 32, 3) -> (1, "),
        (["--time"], "fastconv     0.00 ms\n"),
    ):
        monkeypatch.setattr(sys, "argv", [script, *words])
        run(script, 64, *makers)
        assert capfd.readouterr().out.startswith(said)
    for words, said in (
        (["--size", "33"], "--size is 33, but it must be a positive multiple of 32\n"),
        (["--size", "0"], "--size is 0, but it must be a positive multiple of 32\n"),
        (["--by", "torch"], "--by torch needs PyTorch: pip install torch\n"),
    ):
        monkeypatch.setattr(sys, "argv", [script, *words])
        with pytest.raises(SystemExit):
            run(script, 64, *makers)
        assert capfd.readouterr().err.endswith(said)


# ---- the gallery -------------------------------------------------------------------------------


@pytest.fixture
def gallery():
    """The names of the script."""
    return runpy.run_path(str(GALLERY))


@pytest.fixture
def crop(tmp_path):
    """A file with a small part of the photograph, 37 x 41 pixels."""
    path = tmp_path / "crop.png"
    photograph = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    with Image.open(photograph) as opened:
        opened.crop((200, 150, 241, 187)).save(path)
    return path


@pytest.fixture
def draw(monkeypatch, capsys):
    """Runs the script; returns (exit code, stdout, stderr)."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", [str(GALLERY), *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            runpy.run_path(str(GALLERY), run_name="__main__")
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, captured.err

    return call


def test_the_small_pictures_of_the_documentation(draw, tmp_path):
    files = [tmp_path / name for name in ("borders.png", "picture.png", "enlarged.png")]
    code, out, err = draw("--borders", files[0], "--picture", files[1], "--enlarged", files[2])
    assert (code, err) == (0, "")
    assert out.split() == [str(path) for path in files]
    for path, most in zip(files, (100_000, 150_000, 60_000), strict=True):
        for each in (path, ROOT / "docs" / path.name):
            assert each.stat().st_size < most
            with Image.open(each) as opened:
                assert opened.width == 1080
                assert len(opened.convert("RGB").getcolors(2**24)) > 100


def test_an_image_for_the_small_pictures(draw, crop, tmp_path):
    assert draw(crop, "--picture", tmp_path / "own.png")[0] == 0
    assert (tmp_path / "own.png").stat().st_size > 1000


def test_the_landscape_and_the_tiles_show_everything(gallery):
    scene, tiles = gallery["draw_landscape"](), gallery["draw_tiles"]()
    assert (scene.shape, scene.dtype) == ((3, 240, 320), np.float32)
    assert np.array_equal(scene, gallery["draw_landscape"]())
    assert 0 <= scene.min() < 0.1
    assert 0.9 < scene.max() <= 1
    pixels = tiles.reshape(3, -1).T
    assert len(np.unique(pixels, axis=0)) == gallery["PIXELS"] ** 2


def test_errors_are_one_line(draw, crop, tmp_path):
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "file").write_text("no folder")
    lost = tmp_path / "nowhere" / "p.png"
    for words, message in (
        ((), "-o, --borders, --picture or --enlarged is needed"),
        (("--colour",), "--colour"),
        (("-o",), "expected one argument"),
        ((tmp_path / "no.png", "-o", tmp_path), "no.png: No such file"),
        ((tmp_path / "text.png", "-o", tmp_path), "text.png"),
        ((crop, "-o", tmp_path / "file"), "file"),
        (("--picture", lost), f"{lost}: No such file or directory"),
        (("--borders", tmp_path), f"{tmp_path}: Is a directory"),
    ):
        code, _, err = draw(*words)
        assert code == 2
        assert err.startswith("gallery.py: ")
        assert message in err
        assert err.count("\n") == 1
        assert err.endswith("\n")


@pytest.mark.parametrize("name", ["matplotlib", "PIL"])
def test_a_missing_package_is_said(draw, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    code, out, err = draw("-o", "nowhere")
    assert (code, out) == (2, "")
    assert name in err
    assert "matplotlib and Pillow are needed" in err
    assert err.count("\n") == 1


def test_the_command_writes_all_pages(draw, crop, tmp_path):
    folder = tmp_path / "new" / "folder"
    code, out, err = draw(crop, "-o", folder)
    pages = [folder / name for name in ("borders.png", "kernels.png", "enlarged.png")]
    assert (code, out.split(), err) == (0, [str(page) for page in pages], "")
    for page in pages:
        with Image.open(page) as opened:
            assert opened.width == 1500
            assert len(opened.convert("RGB").getcolors(2**24)) > 100


def test_a_large_photograph_is_shrunk(gallery):
    path = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    picture = gallery["read"](path)
    assert picture.shape[0] == 3
    assert max(picture.shape) == gallery["LONGEST"]
    assert picture.dtype == np.float32
    assert (picture.min(), picture.max()) == (0, 1)


def test_borders_are_those_of_numpy(gallery, crop):
    picture = gallery["read"](crop)
    panels = gallery["draw_borders"](picture).axes
    assert len(panels) == 2 * len(BORDERS)
    inner = panels[5].images[0].get_array().shape[0] - 2 * 4  # 6 pixels, 3 / 4 of them around
    assert inner == gallery["PIXELS"]
    for panel, (border, mode) in zip(panels, BORDERS.items(), strict=False):
        word, drawing = panel.get_title().split("\n")
        assert word == border
        shown = panel.images[0].get_array()
        margin = (shown.shape[0] - 37) // 2
        expected = np.pad(picture, [(0, 0), (margin, margin), (margin, margin)], mode)
        assert np.array_equal(shown, expected.transpose(1, 2, 0))
        cells = np.pad(np.array(list("abcd")), len(drawing) // 2 - 3, mode)
        assert drawing.replace("|", "") == "".join(cells)


def test_kernels_are_all_shown_and_as_they_answer(gallery, crop):
    picture = gallery["read"](crop)
    panels = gallery["draw_kernels"](picture).axes
    answers = {panel.get_title(): panel.images[0] for panel in panels}
    shown = {caption.split("(")[0] for caption in answers}
    assert shown >= set(kernels.__all__) - {"separate"}
    for caption, taps in (gallery["COLOUR"] | gallery["SIGNED"]).items():
        made = eval(caption, {"pi": np.pi} | vars(kernels))
        assert np.array_equal(made, taps), caption
    soft = [ndimage.correlate(plane, kernels.mean(9), mode="mirror") for plane in picture]
    got = answers["mean(9)"].get_array()
    np.testing.assert_allclose(got, np.stack(soft, axis=-1), atol=1e-6)
    grey = np.tensordot(gallery["GREY"], picture, 1)
    expected = ndimage.correlate(grey, kernels.scharr(0), mode="mirror")
    np.testing.assert_allclose(answers["scharr(axis=0)"].get_array(), expected, atol=1e-5)


def test_signed_answers_have_grey_in_the_middle_and_are_not_clipped(gallery, crop):
    panels = gallery["draw_kernels"](gallery["read"](crop)).axes
    answers = {panel.get_title(): panel.images[0] for panel in panels}
    for caption in gallery["SIGNED"]:
        low, high = answers[caption].get_clim()
        assert low == -high
        assert high == np.abs(answers[caption].get_array()).max()


def test_enlarged_pictures_are_as_bright_and_only_one_kernel_leaves_a_pattern(gallery, crop):
    enlarge, kinds = gallery["enlarge"], gallery["ENLARGED"]
    flat = np.ones((3, 7, 11), np.float32)
    for caption, (taps, stride) in kinds.items():
        got = enlarge(flat, taps, stride)
        assert got.shape == (3, 5 * stride, 9 * stride), caption
        terms = {1, 2, 4} if len(taps) % stride else {len(taps) ** 2 // stride**2}
        assert set(np.unique(enlarge(flat, np.ones_like(taps), stride))) == terms
        assert len(terms) > 1 or np.abs(got - 1).max() < 1e-6
    ramp = np.broadcast_to(np.arange(11, dtype=np.float32), (1, 7, 11))
    steps = np.diff(enlarge(ramp, *kinds["a triangle of 8, stride 4"]), axis=-1)
    np.testing.assert_allclose(steps, 0.25, atol=1e-5)
    picture = gallery["read"](crop)
    panels = gallery["draw_enlarged"](picture).axes
    assert [panel.get_title() for panel in panels] == ["a part of a picture", *kinds]
    part, *larger = (panel.images[0].get_array() for panel in panels)
    for got, (_, stride) in zip(larger, kinds.values(), strict=True):
        assert got.shape == (part.shape[0] * stride, part.shape[1] * stride, 3)
