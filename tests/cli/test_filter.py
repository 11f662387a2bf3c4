# SPDX-License-Identifier: BSD-3-Clause
"""``fastconv filter``: each named kernel, border and way to apply it, and what it refuses."""

import os
import subprocess
import sys

import numpy as np
import pytest
from photographs import HEIGHT, WIDTH, close, filtered, photograph, saturated
from programs import linux, python

import fastconv
from fastconv import kernels
from fastconv._spec import borders as boundary
from fastconv.cli import files, filtering
from fastconv.cli.filter import KERNEL_OPTIONS

NAMED = {
    "mean --size 2x5": [kernels.mean((2, 5))],
    "gaussian --sigma 1.5 --size 4": [kernels.gaussian(4, 1.5)],
    "sobel --size 5": [kernels.sobel(5, axis) for axis in (0, 1)],
    "scharr": [kernels.scharr(axis) for axis in (0, 1)],
    "prewitt --size 3": [kernels.prewitt(3, axis) for axis in (0, 1)],
    "laplacian --size 5": [kernels.laplacian(5)],
    "sharpen --size 3 --amount 0.5": [kernels.sharpen(3, 0.5)],
    "unsharp --size 5x3 --sigma 0.7 --amount 2": [kernels.unsharp((5, 3), 0.7, 2)],
    "emboss --size 3 --angle 30": [kernels.emboss(3, np.pi / 6)],
    "gaussian --sigma 0.8x1.3 --truncate 2": [kernels.gaussian(None, (0.8, 1.3), 2.0)],
    "unsharp --sigma 0.8x1.3 --truncate 2": [kernels.unsharp(None, (0.8, 1.3), 1.0, 2.0)],
    "scharr --axis 0": [kernels.scharr(0)],
    "sobel --axis 1 --size 5": [kernels.sobel(5)],
    "laplacian --diagonal": [kernels.laplacian(diagonal=True)],
    "gabor --size 7 --sigma 2.5 --theta -60 --wavelength 5 --gamma 0.8 --psi 45": [
        kernels.gabor(7, 2.5, -np.pi / 3, 5, 0.8, np.pi / 4)
    ],
}
FUNCTIONS = sorted(set(kernels.__all__) - {"separate"})
BORDERS = {"edge": "edge", "wrap": "wrap", "mirror": "reflect", "symmetric": "symmetric"}


@pytest.fixture
def image_module():
    from PIL import Image

    return Image


@pytest.mark.parametrize("separate", [(), ("--separate",)], ids=["", "separate"])
@pytest.mark.parametrize("words", NAMED)
def test_a_named_kernel(run, tmp_path, image_module, words, separate):
    gain = max(1, np.abs(NAMED[words]).sum() / len(NAMED[words]) / 2)
    picture = (photograph(3) / gain).astype(np.uint8)  # so that few pixels saturate
    image_module.fromarray(picture).save(tmp_path / "in.png")
    result = tmp_path / "out.png"
    options = ("--kernel", *words.split(), *separate, "--range", "clip")
    assert run("filter", tmp_path / "in.png", *options, "-o", result)[0] == 0
    got = np.asarray(image_module.open(result))
    for channel in range(3):
        parts = [filtered(picture[..., channel], taps) for taps in NAMED[words]]
        expected = np.hypot(*parts) if len(parts) == 2 else parts[0]
        assert close(got[..., channel], saturated(expected, np.uint8))


def test_each_named_kernel_is_tested_and_helped(run):
    names = set(kernels.__all__) - {"separate"}
    assert {words.split()[0] for words in NAMED} == names
    _, out, _ = run("filter", "--help")
    assert all(name in out for name in names)


@pytest.mark.parametrize("separate", [(), ("--separate",)], ids=["", "separate"])
@pytest.mark.parametrize("border", [*BORDERS, "constant", "constant 200"])
def test_borders(run, tmp_path, image_module, border, separate):
    """A kernel wider than the image, of full rank and of a sum other than 1."""
    picture = photograph(1)[:3, :5, 0]
    kernel = np.random.default_rng(3).uniform(-0.05, 0.1, (8, 13))
    image_module.fromarray(picture).save(tmp_path / "in.png")
    np.save(tmp_path / "kernel.npy", kernel)
    word, *value = border.split()
    words = ("--kernel", tmp_path / "kernel.npy", "-o", tmp_path / "out.png", "--border", word)
    words += ("--border-value", *value) if value else ()
    assert run("filter", tmp_path / "in.png", *words, *separate)[0] == 0
    said = {"constant_values": int(*value)} if word == "constant" else {}
    expected = filtered(picture, kernel, BORDERS.get(word, word), **said)
    got = np.asarray(image_module.open(tmp_path / "out.png"))
    assert close(got, saturated(expected, np.uint8))


@pytest.mark.parametrize(
    ("words", "shapes"),
    [
        ("unsharp --size 5", [(5, 5)]),
        ("unsharp --size 5 --separate", [(5, 1), (1, 5)]),  # rank 2
        ("gaussian --size 5", [(5, 1), (1, 5)]),
    ],
)
def test_one_dimensional_passes(run, tmp_path, image_module, monkeypatch, words, shapes):
    seen, convolve = [], fastconv.conv2d

    def watched(work, weight, **said):
        seen.append(weight.shape[2:])
        return convolve(work, weight, **said)

    monkeypatch.setattr(fastconv, "conv2d", watched)
    image_module.fromarray(photograph(1)[..., 0]).save(tmp_path / "in.png")
    options = ("--kernel", *words.split(), "-o", tmp_path / "out.png")
    assert run("filter", tmp_path / "in.png", *options)[0] == 0
    assert seen == shapes


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_mean_of_a_grey_image(run, tmp_path, image_module, dtype):
    picture = photograph(1, dtype)[..., 0]
    source, result = tmp_path / "in.png", tmp_path / "out.png"
    image_module.fromarray(picture).save(source)
    code, out, err = run("filter", source, "--kernel", "mean", "--size", 5, "-o", result)
    assert (code, err) == (0, "")
    assert f"{WIDTH}x{HEIGHT}" in out
    expected = saturated(filtered(picture, np.full((5, 5), 1 / 25)), dtype)
    assert close(np.asarray(image_module.open(result)), expected)


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_kept(run, tmp_path, image_module, channels):
    picture = photograph(channels)
    image_module.fromarray(picture).save(tmp_path / "in.png")
    words = ("filter", tmp_path / "in.png", "--kernel", "gaussian", "-o", tmp_path / "out.png")
    code, out, _ = run(*words, "--sigma", 1.5)
    assert code == 0
    assert "alpha kept" in out
    got = np.asarray(image_module.open(tmp_path / "out.png"))
    assert np.array_equal(got[..., -1], picture[..., -1])
    assert got[..., 0].std() < picture[..., 0].std()


def test_gaussian_keeps_a_flat_image(run, tmp_path, image_module):
    flat = np.full((HEIGHT, WIDTH), 200, np.uint8)
    image_module.fromarray(flat).save(tmp_path / "in.png")
    words = ("filter", tmp_path / "in.png", "--kernel", "gaussian", "-o", tmp_path / "out.png")
    assert run(*words, "--sigma", 4)[0] == 0
    assert np.array_equal(np.asarray(image_module.open(tmp_path / "out.png")), flat)


def test_sharpening_saturates(run, tmp_path, image_module):
    picture = np.zeros((HEIGHT, WIDTH), np.uint8)
    picture[7:, 11:] = 255
    image_module.fromarray(picture).save(tmp_path / "in.png")
    words = ("filter", tmp_path / "in.png", "--kernel", "sharpen", "-o", tmp_path / "out.png")
    assert run(*words)[0] == 0
    assert np.array_equal(np.asarray(image_module.open(tmp_path / "out.png")), picture)


@pytest.mark.parametrize("ending", ["txt", "csv", "npy"])
def test_a_kernel_file_is_applied_as_written(run, tmp_path, image_module, ending):
    kernel = np.array([[0, 0.25, -0.5, 0.125], [0.75, 0.5, 0, -0.25]])  # even sizes
    path = tmp_path / f"kernel.{ending}"
    if ending == "npy":
        np.save(path, kernel)
    else:
        np.savetxt(path, kernel, delimiter=", " if ending == "csv" else " ", header="a comment")
    picture = photograph(1)[..., 0]
    image_module.fromarray(picture).save(tmp_path / "in.png")
    assert run("filter", tmp_path / "in.png", "--kernel", path, "-o", tmp_path / "o.png")[0] == 0
    got = np.asarray(image_module.open(tmp_path / "o.png"))
    assert close(got, saturated(filtered(picture, kernel), np.uint8))


def test_exif_orientation_is_honoured(run, tmp_path, image_module):
    picture = image_module.fromarray(photograph(3))
    exif = picture.getexif()
    exif[0x0112] = 6  # shown turned a quarter to the right
    picture.save(tmp_path / "in.png", exif=exif)
    words = ("filter", tmp_path / "in.png", "--kernel", "mean", "-o", tmp_path / "out.png")
    assert run(*words, "--size", 1)[0] == 0
    result = image_module.open(tmp_path / "out.png")
    upright = picture.transpose(image_module.Transpose.ROTATE_270)
    assert np.array_equal(np.asarray(result), np.asarray(upright))
    assert 0x0112 not in result.getexif()


def test_palette_and_jpeg(run, tmp_path, image_module):
    image_module.fromarray(photograph(3)).convert("P").save(tmp_path / "in.gif")
    code, out, _ = run("filter", tmp_path / "in.gif", "--kernel", "mean", "-o", tmp_path / "o.jpg")
    assert code == 0
    assert "3 channels uint8" in out
    with image_module.open(tmp_path / "o.jpg") as result:
        assert result.mode == "RGB"


def test_filter_refuses(fails, tmp_path, image_module):
    source, result = tmp_path / "in.png", tmp_path / "out.png"
    image_module.fromarray(photograph(4)).save(source)
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "short.png").write_bytes(source.read_bytes()[:200])
    (tmp_path / "ragged.txt").write_text("1 2\n3\n")
    (tmp_path / "empty.txt").write_text("")
    np.save(tmp_path / "cube.npy", np.ones((2, 3, 5)))
    np.save(tmp_path / "nan.npy", np.full((3, 3), np.nan))
    folder = tmp_path / "folder.png"
    folder.mkdir()

    def refused(image=source, kernel="mean", output=result, *more):
        return fails("filter", image, "--kernel", kernel, "-o", output, *more)

    assert "missing.png" in refused(tmp_path / "missing.png")
    assert "text.png" in refused(tmp_path / "text.png")
    assert "short.png" in refused(tmp_path / "short.png")
    assert "median, but it must be one of" in refused(kernel="median")
    assert "ragged.txt" in refused(kernel=tmp_path / "ragged.txt")
    assert "it holds no numbers" in refused(kernel=tmp_path / "empty.txt")
    assert "(2, 3, 5)" in refused(kernel=tmp_path / "cube.npy")
    assert "NaN" in refused(kernel=tmp_path / "nan.npy")
    assert "out.xyz" in refused(output=tmp_path / "out.xyz")
    assert "out.jpg" in refused(output=tmp_path / "out.jpg")  # JPEG has no alpha
    assert "nowhere" in refused(output=tmp_path / "nowhere" / "out.png")
    assert "size is 0" in refused(source, "mean", result, "--size", 0)
    assert "size is 4" in refused(source, "sobel", result, "--size", 4)
    assert "--size is for emboss, gabor, " in refused(source, "scharr", result, "--size", 5)
    assert "gabor, gaussian, unsharp, but --kernel is mean" in refused(
        source, "mean", result, "--sigma", 2
    )
    assert "--diagonal is for laplacian, but" in refused(source, "mean", result, "--diagonal")
    assert "--axis is for prewitt, scharr, sobel, but" in refused(
        source, "laplacian", result, "--axis", 0
    )
    assert "one of 0, 1, magnitude" in refused(source, "sobel", result, "--axis", "x")
    assert "truncate is -1" in refused(source, "gaussian", result, "--truncate", -1)
    assert "number of degrees" in refused(source, "emboss", result, "--angle", "45rad")
    assert "--diagonal is given and size is 5" in refused(
        source, "laplacian", result, "--diagonal", "--size", 5
    )
    assert "--sigma is 1.0x2.0" in refused(source, "gabor", result, "--sigma", "1x2")
    for text in ("loud", "3:3", "5:1", "nan:1", "0:inf", "1:2:3", ":"):
        said = refused(source, "mean", result, f"--range={text}")
        assert f"--range is {text!r}, but it must be auto, clip, signed or LOW:HIGH" in said
    np.save(tmp_path / "huge.npy", np.full((3, 3), 1e300))
    assert "taps up to 1e+300" in refused(kernel=tmp_path / "huge.npy")
    assert "taps up to " in refused(source, "sharpen", result, "--amount", "1e100")
    assert "this is a folder" in refused(output=folder)
    assert "--angle is for emboss, but" in refused(source, "gabor", result, "--angle", 0)
    assert "--amount" in refused(source, tmp_path / "nan.npy", result, "--amount", 0)
    assert "sigma is nan" in refused(source, "gaussian", result, "--sigma", "nan")
    assert "sigma is -1" in refused(source, "gaussian", result, "--sigma", -1)
    assert "--border" in refused(source, "mean", result, "--border", "torus")
    assert "is for --border constant" in refused(source, "mean", result, "--border-value", 0)
    constant = ("--border", "constant", "--border-value")
    assert "finite" in refused(source, "mean", result, *constant, "nan")
    for value in (-50, 300):
        said = refused(source, "mean", result, *constant, value)
        assert f"--border-value is {value}, " in said
        assert "0 to 255" in said
    said = refused(source, "mean", result, "--border", "reflect")
    assert "mirror" in said
    assert "symmetric" in said
    assert "edge" in refused(source, "mean", result, "--border", "nearest")
    said = refused(source, "scharr", result, "--colour")
    assert said.startswith("fastconv filter: ")
    assert "fastconv filter --help" in said
    lost = tmp_path / "nowhere" / "out.png"
    assert f"{lost}: there is no folder {lost.parent}" in refused(output=lost)
    assert not result.exists()
    assert not (tmp_path / "out.jpg").exists()


def test_a_border_value_is_in_the_range_of_the_image(run, fails, tmp_path, image_module):
    image_module.fromarray(photograph(1, np.uint16)[..., 0]).save(tmp_path / "in.png")
    words = ("filter", tmp_path / "in.png", "--kernel", "mean", "-o", tmp_path / "out.png")
    words += ("--border", "constant", "--border-value")
    assert run(*words, 65535)[0] == 0
    assert "0 to 65535" in fails(*words, 65536)


def test_help_draws_each_border_and_tells_where_an_even_kernel_has_its_centre(run):
    _, out, _ = run("filter", "--help")
    text = " ".join(out.split())
    for word, drawing in boundary.DRAWINGS.items():
        assert f"{word} {drawing}" in text
        assert word in boundary.MODES
    assert set(boundary.DRAWINGS) == set(boundary.MODES)
    assert "centre" in text


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_parameter_of_a_named_kernel_has_an_option(name):
    assert set(filtering.PARAMETERS[name]) <= set(KERNEL_OPTIONS)
    assert {option for taken in filtering.PARAMETERS.values() for option in taken} == set(
        KERNEL_OPTIONS
    )


def test_damaged_images_are_one_line(run, tmp_path, image_module):
    """Bytes are overwritten and cut; a picture may still come out, but no other ending."""
    rng = np.random.default_rng(11)
    picture = image_module.fromarray(photograph(3))
    for ending in ("png", "jpg", "gif", "tif", "webp", "bmp", "ico", "ppm"):
        picture.save(tmp_path / f"in.{ending}")
        good = (tmp_path / f"in.{ending}").read_bytes()
        for _ in range(12):
            cut = rng.integers(1, 2 * len(good))  # half of them stay whole
            bad = bytearray(good[:cut])
            for place in rng.integers(0, len(bad), 8):
                bad[place] = rng.integers(256)
            (tmp_path / f"bad.{ending}").write_bytes(bad)
            words = (tmp_path / f"bad.{ending}", "--kernel", "mean", "-o", tmp_path / "out.png")
            code, _, err = run("filter", *words)
            assert code == 0 or (code == 2 and err.count("\n") == 1), (ending, err)


def test_what_pillow_and_libtiff_print_is_not_seen(tmp_path, image_module):
    """One of them logs, the other writes to the file descriptor."""
    picture = image_module.fromarray(photograph(3))
    picture.save(tmp_path / "plain.tif")
    content = bytearray((tmp_path / "plain.tif").read_bytes())
    tag = content.index(b"\x15\x01\x03\x00\x01\x00\x00\x00\x03\x00")  # 3 samples a pixel
    content[tag + 9] = 8  # 2051
    (tmp_path / "plain.tif").write_bytes(content)
    picture.save(tmp_path / "packed.tif", compression="tiff_adobe_deflate")
    content = bytearray((tmp_path / "packed.tif").read_bytes())
    content[8:40] = bytes(range(32))  # the pixels come first
    (tmp_path / "packed.tif").write_bytes(content)
    for name in ("plain", "packed"):
        words = (tmp_path / f"{name}.tif", "--kernel", "mean", "-o", tmp_path / "out.png")
        command = [sys.executable, "-P", "-m", "fastconv", "filter", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 2
        assert done.stderr.startswith(f"fastconv filter: {tmp_path / name}.tif: ")
        assert done.stderr.count("\n") == 1


def test_files_that_hold_no_kernel_are_one_line(fails, tmp_path, image_module):
    image_module.fromarray(photograph(1)[..., 0]).save(tmp_path / "in.png")
    np.savez(tmp_path / "archive.npz", taps=np.ones((3, 3)))
    (tmp_path / "archive.npz").rename(tmp_path / "archive.npy")
    (tmp_path / "header.npy").write_bytes(b"\x93NUMPY\x01\x00\x10\x00" + b"{(" * 8)
    shape = str({"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**7)})
    content = b"\x93NUMPY\x01\x00\x76\x00" + shape.ljust(117).encode() + b"\n"
    (tmp_path / "huge.npy").write_bytes(content)
    np.save(tmp_path / "objects.npy", np.array([None], object), allow_pickle=True)
    np.save(tmp_path / "words.npy", [["a", "b"]])
    (tmp_path / "bytes.txt").write_bytes(bytes(range(256)))
    (tmp_path / "folder").mkdir()
    names = ("archive.npy", "header.npy", "huge.npy", "objects.npy", "words.npy", "bytes.txt")
    for name in (*names, "folder"):
        words = ("--kernel", tmp_path / name, "-o", tmp_path / "out.png")
        assert f"--kernel {tmp_path / name}: " in fails("filter", tmp_path / "in.png", *words)


def test_a_full_disk_is_said(fails, tmp_path, image_module):
    image_module.fromarray(photograph(1)[..., 0]).save(tmp_path / "in.png")
    if os.path.exists("/dev/full"):
        (tmp_path / "out.png").symlink_to("/dev/full")
        said = fails("filter", tmp_path / "in.png", "--kernel", "mean", "-o", tmp_path / "out.png")
        assert f"{tmp_path / 'out.png'}: No space left on device" in said


SMALL_DISK = """
import resource, sys
from fastconv.cli.files import write_file
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    write_file(sys.argv[1], bytes(1000))
except OSError as error:
    print(error)
"""


@linux
def test_a_file_that_does_not_fit_leaves_what_was_there(tmp_path):
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"taken")
    assert python("-c", SMALL_DISK, photo) == f"{photo}: File too large\n"
    assert (photo.read_bytes(), os.listdir(tmp_path)) == (b"taken", ["photo.png"])


def test_a_file_that_is_written_over_keeps_its_mode_and_its_links(tmp_path):
    (tmp_path / "photo.png").write_bytes(b"taken")
    (tmp_path / "photo.png").chmod(0o604)
    (tmp_path / "link.png").symlink_to("photo.png")
    files.write_file(tmp_path / "link.png", "made")
    assert (tmp_path / "photo.png").read_bytes() == b"made"
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "photo.png").stat().st_mode & 0o777 == 0o604


def test_a_kernel_in_text_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "taps.txt").write_text("1 2\n3 4\n", encoding="utf-8-sig")
    assert filtering.read_kernel(str(tmp_path / "taps.txt")).tolist() == [[1, 2], [3, 4]]


def test_missing_pillow_is_said(fails, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "PIL", None)
    words = ("filter", "in.png", "--kernel", "mean", "-o", tmp_path / "out.png")
    assert "pip install Pillow" in fails(*words)
