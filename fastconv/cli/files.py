# SPDX-License-Identifier: BSD-3-Clause
"""Whether a file can be written, asked before the work, and writing it."""

import os
import shutil
from pathlib import Path


def check_writable(path: str | os.PathLike, option: str = "") -> None:
    """Raise unless a file can be written there; `option` is the one that named it."""
    said, path = f"{option} {path}".strip(), Path(path)
    folder = path.absolute().parent
    if not folder.is_dir():
        raise ValueError(f"{said}: there is no folder {folder}")
    if path.is_dir():
        raise ValueError(f"{said}: this is a folder, but it must be a file")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise ValueError(f"{said}: no permission to write there")


def write_file(path: str | os.PathLike, content: bytes | str) -> None:
    """Write a file whole, or raise an error that names it and leave what was there."""
    data = content.encode() if isinstance(content, str) else content
    target = Path(path).resolve()  # what a link stands for
    beside = target.with_name(f".fastconv-{os.getpid()}.part")
    if (target.exists() and not target.is_file()) or not os.access(target.parent, os.W_OK):
        beside = target  # a pipe, say, or a folder that takes no new file
    try:
        beside.write_bytes(data)
        if beside != target:
            if target.exists():
                shutil.copymode(target, beside)
            beside.replace(target)
    except OSError as error:  # of a full disk, which does not know the name
        raise OSError(f"{path}: {error.strerror or error}") from None
    finally:
        if beside != target:
            beside.unlink(missing_ok=True)
