# SPDX-License-Identifier: BSD-3-Clause
"""Photographs for ``fastconv filter``: read, filter by :func:`fastconv.conv2d`, write.

A filter is an array of kernels ``(directions, height, width)``. Two are the directions of a
gradient, whose magnitude is the result.
"""

import inspect
import io
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import kernels

# What each named kernel takes, its own parameters; one with an axis is a gradient.
PARAMETERS = {
    name: tuple(inspect.signature(getattr(kernels, name)).parameters)
    for name in kernels.__all__
    if name != "separate"
}
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


def check_output(path: str | os.PathLike) -> None:
    """Raise unless an image can be written there."""
    image_format(path)
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise ValueError(f"{path}: there is no folder {folder}")


def check_border_value(photo: Photo, value: float) -> None:
    """Raise unless a pixel of the photograph could have this value."""
    limits = np.iinfo(photo.pixels.dtype)
    if not limits.min <= value <= limits.max:
        needed = f"{limits.min} to {limits.max} is needed for an image of {photo.pixels.dtype}"
        raise ValueError(f"--border-value is {value:g}, {needed}")


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


def make_filter(kernel: str, options: dict[str, Any] | None = None) -> np.ndarray:
    """The kernels of a filter, (directions, height, width), by name or from a file (text or .npy).

    >>> make_filter("mean", {"size": 5}).shape, make_filter("sobel").shape
    ((1, 5, 5), (2, 3, 3))
    """
    options = options or {}
    for option in options:
        if option not in PARAMETERS.get(kernel, ()):
            takers = ", ".join(name for name, taken in PARAMETERS.items() if option in taken)
            raise ValueError(f"--{option} is for {takers}, got --kernel {kernel}")
    if kernel not in PARAMETERS:
        return read_kernel(kernel)[None]
    function = getattr(kernels, kernel)
    if "axis" in PARAMETERS[kernel]:
        return np.stack([function(axis=axis, **options) for axis in (1, 0)])
    return function(**options)[None]


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
        names = ", ".join(PARAMETERS)
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


def filter_planes(
    planes: np.ndarray,
    directions: np.ndarray,
    border: str = "edge",
    border_value: float = 0.0,
    separate: bool = False,
    threads: int | None = None,
) -> np.ndarray:
    """Filter (channels, height, width) in float32 by the kernels of a filter; dtype is kept.

    A kernel is applied as written (correlation); an even one has its centre before the middle.
    """
    work = planes.astype(np.float32)[:, None]  # channels become the batch
    outside = {"padding_mode": border}
    if border == "constant":
        outside["padding_value"] = border_value
    answers = [respond(work, taps, separate, threads, outside) for taps in directions]
    result = answers[0]
    if len(answers) > 1:
        result = np.sqrt(sum(np.square(answer) for answer in answers))
    limits = np.iinfo(planes.dtype)
    return np.clip(np.rint(result[:, 0]), limits.min, limits.max).astype(planes.dtype)


def respond(
    work: np.ndarray, taps: np.ndarray, separate: bool, threads: int | None, outside: dict
) -> np.ndarray:
    """What a 2-D kernel answers to `work`, (batch, 1, height, width).

    A kernel of rank 1 is always two 1-D passes, h + w taps a pixel and not h w: in 2-D a wide
    gaussian would take minutes. A kernel of several pairs may have more taps so than as it is;
    there the user says.
    """
    from . import conv2d

    outside = outside | {"padding": tuple(((n - 1) // 2, n // 2) for n in taps.shape)}
    pairs = kernels.separate(taps)
    if len(pairs) > 1 and not separate:
        return conv2d(work, taps[None, None].astype(np.float32), threads=threads, **outside)
    columns, rows = (np.stack(part).astype(np.float32) for part in zip(*pairs, strict=True))
    # The first pass pads along both axes, so that the second meets its answer to the border.
    work = conv2d(work, columns[:, None, :, None], threads=threads, **outside)
    return conv2d(work, rows[None, :, None, :], threads=threads)
