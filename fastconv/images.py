# SPDX-License-Identifier: BSD-3-Clause
"""Photographs for ``fastconv filter``: read, filter by :func:`fastconv.conv2d`, write.

A filter is a list of passes; a pass is an array ``(filters, height, width)``. Several filters in
one pass are several directions of a gradient, and their magnitude is the result.
"""

import io
import math
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float64)
SHARPEN = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], np.float64)
LARGEST_KERNEL = 10_000  # taps along one axis: more is a slip of the keyboard
MODES = {"1": "L", "CMYK": "RGB", "P": "RGB", "RGBX": "RGB", "YCbCr": "RGB", "HSV": "RGB"}
MODES |= {"La": "LA", "PA": "RGBA", "RGBa": "RGBA", "I;16B": "I;16", "I;16L": "I;16"}


@dataclass(frozen=True)
class Photo:
    """An image in memory: ``pixels`` is (channels, height, width), uint8 or uint16."""

    pixels: np.ndarray
    alpha: np.ndarray | None  # (height, width), never filtered
    icc_profile: bytes | None
    note: str | None  # what reading lost


def pillow():
    """The Pillow modules ``(Image, ImageOps)``, or a message that says how to get them."""
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise ImportError("images need Pillow: pip install 'fastconv[image]'") from None
    return Image, ImageOps


def read_photo(path: str | os.PathLike) -> Photo:
    """Read an image file, upright (EXIF orientation), as grey or RGB with optional alpha."""
    image_module, operations = pillow()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", image_module.DecompressionBombWarning)
            opened = image_module.open(path)
        with opened:
            note = None
            if ";16" in str(opened.tile) and opened.mode in ("RGB", "RGBA"):
                note = "16-bit colour, of which Pillow reads the upper 8 bits"
            image = operations.exif_transpose(opened)
    except image_module.DecompressionBombError as error:
        raise ValueError(f"{path}: {error}") from None
    except image_module.UnidentifiedImageError:
        raise ValueError(f"{path}: no image format that Pillow knows") from None
    except OSError as error:
        raise OSError(f"{path}: {error.strerror or error}") from None
    except (SyntaxError, ValueError, EOFError) as error:  # damaged files
        raise ValueError(f"{path}: {error}") from None
    profile = image.info.get("icc_profile") if image.mode not in MODES else None
    if image.mode in ("P", "RGB", "L", "1") and "transparency" in image.info:
        image = image.convert("RGBA" if image.mode in ("P", "RGB") else "LA")
    elif image.mode in MODES:
        image = image.convert(MODES[image.mode])
    if image.mode not in ("L", "LA", "RGB", "RGBA", "I;16"):
        raise ValueError(f"{path}: mode {image.mode!r}; needed: 8- or 16-bit grey, RGB or RGBA")
    pixels = np.asarray(image)
    planes = np.atleast_3d(pixels).transpose(2, 0, 1)
    if image.mode in ("LA", "RGBA"):
        return Photo(planes[:-1], planes[-1], profile, note)
    return Photo(planes, None, profile, note)


def image_format(path: str | os.PathLike) -> str:
    """Pillow's format for the ending of ``path``, when it can write it."""
    image_module, _ = pillow()
    image_module.init()
    ending = Path(path).suffix.lower()
    name = image_module.registered_extensions().get(ending)
    if name not in image_module.SAVE:
        raise ValueError(f"{path}: no image format to write ends in {ending!r}; try .png")
    return name


def write_photo(path: str | os.PathLike, photo: Photo) -> None:
    """Write an image file in the format that the ending of ``path`` names."""
    image_module, _ = pillow()
    planes = photo.pixels
    if photo.alpha is not None:
        planes = np.concatenate([planes, photo.alpha[None]])
    pixels = np.ascontiguousarray(planes.transpose(1, 2, 0))
    image = image_module.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    name, options = image_format(path), {}
    if name in ("JPEG", "WEBP"):
        options["quality"] = 95
    if photo.icc_profile:
        options["icc_profile"] = photo.icc_profile
    buffer = io.BytesIO()
    try:
        image.save(buffer, name, **options)
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"{path}: {error}; .png takes every image written here") from None
    Path(path).write_bytes(buffer.getvalue())


def make_filter(kernel: str, size: int | None = None, sigma: float | None = None) -> list:
    """The passes of a named filter or of a kernel file (text or .npy).

    >>> [taps.shape for taps in make_filter("mean", size=5)]
    [(1, 1, 5), (1, 5, 1)]
    >>> [taps.shape for taps in make_filter("sobel")]
    [(2, 3, 3)]
    """
    if size is not None and kernel not in ("mean", "gaussian"):
        raise ValueError(f"--size is for mean and gaussian, got --kernel {kernel}")
    if sigma is not None and kernel != "gaussian":
        raise ValueError(f"--sigma is for gaussian, got --kernel {kernel}")
    if size is not None and not 1 <= size <= LARGEST_KERNEL:
        raise ValueError(f"--size is {size}, needed: 1 to {LARGEST_KERNEL}")
    if kernel == "sobel":
        return [np.stack([SOBEL, SOBEL.T])]
    if kernel == "sharpen":
        return [SHARPEN[None]]
    if kernel == "mean":
        size = 3 if size is None else size
        return along_both_axes(np.full(size, 1 / size))
    if kernel == "gaussian":
        return along_both_axes(gaussian(1.0 if sigma is None else sigma, size))
    return [read_kernel(kernel)[None]]


def gaussian(sigma: float, size: int | None = None) -> np.ndarray:
    """Samples of a normal curve that sum to 1; ``size`` None is three sigma to each side."""
    if not (math.isfinite(sigma) and sigma > 0):
        raise ValueError(f"--sigma is {sigma}, needed: a finite number above 0")
    if size is None:
        size = 2 * math.ceil(3 * sigma) + 1
        if size > LARGEST_KERNEL:
            raise ValueError(
                f"--sigma is {sigma}, needed: {size} taps are at most {LARGEST_KERNEL}"
            )
    offsets = np.arange(size) - (size - 1) / 2
    taps = np.exp(-0.5 * (offsets / sigma) ** 2)
    if not taps.any():  # even size and a sigma so small that all samples vanish
        taps = (np.abs(offsets) == 0.5).astype(np.float64)
    return taps / taps.sum()


def along_both_axes(taps: np.ndarray) -> list[np.ndarray]:
    """A separable filter as two passes: along the rows, then along the columns."""
    return [taps[None, None, :], taps[None, :, None]]


def read_kernel(path: str) -> np.ndarray:
    """A 2-D kernel from .npy, or from text: rows of numbers parted by blanks or commas."""
    try:
        if path.lower().endswith(".npy"):
            kernel = np.load(path, allow_pickle=False)
        else:
            text = Path(path).read_text(encoding="utf-8").replace(",", " ")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an empty file is reported below
                kernel = np.loadtxt(io.StringIO(text), ndmin=2)
    except FileNotFoundError:
        names = "sobel, mean, gaussian, sharpen"
        raise ValueError(f"--kernel {path}: neither one of {names} nor a file") from None
    except OSError as error:
        raise OSError(f"--kernel {path}: {error.strerror or error}") from None
    except (ValueError, EOFError) as error:
        raise ValueError(f"--kernel {path}: {error}") from None
    if kernel.ndim != 2 or kernel.size == 0 or kernel.dtype.kind not in "biuf":
        got = f"{kernel.dtype} array of shape {kernel.shape}"
        raise ValueError(f"--kernel {path}: {got}, needed: a 2-D array of real numbers")
    if not np.isfinite(kernel).all():
        raise ValueError(f"--kernel {path}: holds inf or NaN, needed: finite numbers")
    return kernel.astype(np.float64)


def filter_planes(planes: np.ndarray, passes: list, threads: int | None = None) -> np.ndarray:
    """Filter (channels, height, width) in float32; edges are repeated outwards; dtype is kept.

    A kernel is applied as written (correlation); an even one has its centre before the middle.
    """
    from . import conv2d

    work = planes.astype(np.float32)[:, None]  # channels become the batch
    for taps in passes:
        weight = taps.astype(np.float32)[:, None]
        margins = [((n - 1) // 2, n // 2) for n in weight.shape[2:]]
        work = conv2d(np.pad(work, [(0, 0), (0, 0), *margins], "edge"), weight, threads=threads)
        if len(taps) > 1:
            work = np.sqrt(np.square(work).sum(axis=1, keepdims=True))
    limits = np.iinfo(planes.dtype)
    return np.clip(np.rint(work[:, 0]), limits.min, limits.max).astype(planes.dtype)
