# SPDX-License-Identifier: BSD-3-Clause
"""Photographs for ``fastconv filter``: read and written by Pillow."""

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .files import check_writable, write_file

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
        raise ImportError("images need Pillow: pip install Pillow") from None
    return Image, ImageOps


@contextmanager
def unheard() -> Iterator[None]:
    """Drop what is written to stderr meanwhile: C libraries below Pillow print their errors."""
    try:
        kept = os.dup(2)
    except OSError:  # it is closed
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def read_photo(path: str | os.PathLike) -> Photo:
    """Read an image file, upright (EXIF orientation), as grey or RGB with optional alpha."""
    image_module, operations = pillow()
    try:
        with warnings.catch_warnings(), unheard():
            warnings.simplefilter("ignore")
            with image_module.open(path) as opened:
                note = None
                if ";16" in str(opened.tile) and opened.mode in ("RGB", "RGBA"):
                    note = "16-bit colour, of which Pillow reads the upper 8 bits"
                image = operations.exif_transpose(opened)
    except image_module.UnidentifiedImageError:
        raise ValueError(f"{path}: this is no image that Pillow can read") from None
    except OSError as error:
        raise OSError(f"{path}: {error.strerror or error}") from None
    except Exception as error:  # a damaged file makes Pillow raise anything
        raise ValueError(f"{path}: {error or type(error).__name__}") from None
    profile = image.info.get("icc_profile") if image.mode not in MODES else None
    if image.mode in ("P", "RGB", "L", "1") and "transparency" in image.info:
        image = image.convert("RGBA" if image.mode in ("P", "RGB") else "LA")
    elif image.mode in MODES:
        image = image.convert(MODES[image.mode])
    if image.mode not in ("L", "LA", "RGB", "RGBA", "I;16"):
        raise ValueError(f"{path}: mode is {image.mode!r}, but it must be grey, RGB or RGBA")
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
        raise ValueError(f"{path}: Pillow writes no images that end in {ending!r}; try .png")
    return name


def check_output(path: str | os.PathLike, source: str | os.PathLike, overwrite: bool) -> None:
    """Raise unless an image can be written there; `source` is the one that is read."""
    image_format(path)
    check_writable(path)
    try:
        same = os.path.samefile(path, source)
    except OSError:  # one of them does not exist
        same = False
    if same and not overwrite:
        raise ValueError(
            f"-o is {path}, the image itself, but it must be another file (or pass --overwrite)"
        )


def check_border_value(photo: Photo, value: float) -> None:
    """Raise unless a pixel of the photograph could have this value."""
    limits = np.iinfo(photo.pixels.dtype)
    if not limits.min <= value <= limits.max:
        needed = f"from {limits.min} to {limits.max} for an image of {photo.pixels.dtype}"
        raise ValueError(f"--border-value is {value:g}, but it must be {needed}")


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
    except Exception as error:  # each format of Pillow has its own
        raise ValueError(f"{path}: {error}; try .png") from None
    write_file(path, buffer.getvalue())
