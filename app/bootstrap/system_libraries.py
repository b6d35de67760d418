"""Shared libraries that pip cannot bring: say which package of the system has them."""

import ctypes
import os
import re
import sys

from core.errors import Message

_FOR_PADDLE = ("libgomp1",)
_FOR_QT = (
    "libglib2.0-0",
    "libegl1",
    "libgl1",
    "libdbus-1-3",
    "libfontconfig1",
    "libfreetype6",
    "libxkbcommon0",
    "libx11-6",
)
_FOR_X11 = (
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-image0",
    "libxcb-keysyms1",
    "libxcb-randr0",
    "libxcb-render-util0",
    "libxcb-shape0",
    "libxcb-xkb1",
    "libxkbcommon-x11-0",
    "libx11-xcb1",
)
# Without the first Qt 6 aborts at the first window, with a core dump instead of an exception.
_CHECKED_FOR_X11 = (
    "libxcb-cursor.so.0",
    "libxcb-icccm.so.4",
    "libxcb-keysyms.so.1",
    "libxkbcommon-x11.so.0",
)


def missing_library(output: str) -> Message | None:
    """What to do about the shared library that an ImportError names, if it names one."""
    found = re.search(r"([\w.+-]+\.so[.\d]*): cannot open shared object file", output)
    return _remedy(found[1]) if found else None


def missing_for_x11() -> Message | None:
    """What to do about a library of the X11 window system that is not there, if one is not."""
    if sys.platform != "linux" or "WAYLAND_DISPLAY" in os.environ:
        return None
    if os.environ.get("QT_QPA_PLATFORM", "xcb") != "xcb":
        return None
    for library in _CHECKED_FOR_X11:
        try:
            ctypes.CDLL(library)
        except OSError:
            return _remedy(library)
    return None


def _remedy(library: str) -> Message:
    packages = _FOR_PADDLE if library.startswith("libgomp") else _FOR_PADDLE + _FOR_QT + _FOR_X11
    return Message(
        "The system library {library} is missing. On Debian and Ubuntu, run "
        "`sudo apt install {packages}`, then start PneumoScope again.",
        library=library,
        packages=" ".join(packages),
    )
