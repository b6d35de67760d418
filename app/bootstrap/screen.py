"""The screen to open a window on, and the system libraries that no installer of ours brings."""

import ctypes
import os
import re
import sys
import threading

from core.errors import Message

_LIMIT_S = 3.0
# Qt draws, and nobody sees it.
_INVISIBLE = ("offscreen", "minimal", "minimalegl")
# Without the first Qt 6 aborts at the first window, with a core dump instead of an exception.
_X11_LIBRARIES = (
    "libxcb-cursor.so.0",
    "libxcb-icccm.so.4",
    "libxcb-keysyms.so.1",
    "libxkbcommon-x11.so.0",
)
# Debian's packages.
_FOR_PADDLE = ("libgomp1",)
_FOR_QT = (
    "libglib2.0-0 libegl1 libgl1 libdbus-1-3 libfontconfig1 libfreetype6 libxkbcommon0 libx11-6",
    "libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0",
    "libxcb-shape0 libxcb-xkb1 libxkbcommon-x11-0 libx11-xcb1",
)


def find_screen() -> bool:
    """Return whether a window could be seen (or Qt was told where to draw instead)."""
    platform = os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0]
    if platform in _INVISIBLE:
        return False
    if sys.platform in ("win32", "darwin") or platform not in ("", "xcb"):
        return True
    if not platform and os.environ.get("WAYLAND_DISPLAY"):
        return True
    return bool(os.environ.get("DISPLAY")) and _answers()


def _answers() -> bool:
    """Return whether the X server of DISPLAY lets us in: Qt aborts where it does not.

    Without libxcb nobody can tell; `missing_for_x11` then says what to install.
    """
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_int)]
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    answers: list[bool] = []

    def connect() -> None:
        connection = xcb.xcb_connect(None, None)
        answers.append(xcb.xcb_connection_has_error(connection) == 0)
        xcb.xcb_disconnect(connection)

    # A host that is out of reach can keep the call for minutes.
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(_LIMIT_S)
    return answers == [True]


def missing_for_x11() -> Message | None:
    """Return what to do about a library of the X11 window system that is not there, if any."""
    if sys.platform != "linux" or "WAYLAND_DISPLAY" in os.environ:
        return None
    if os.environ.get("QT_QPA_PLATFORM", "xcb") != "xcb":
        return None
    for library in _X11_LIBRARIES:
        try:
            ctypes.CDLL(library)
        except OSError:
            return _install_library(library)
    return None


def missing_library(output: str) -> Message | None:
    """Return what to do about the shared library that an ImportError names, if it names one."""
    found = re.search(r"([\w.+-]+\.so[.\d]*): cannot open shared object file", output)
    return _install_library(found[1]) if found else None


def _install_library(library: str) -> Message:
    packages = _FOR_PADDLE if library.startswith("libgomp") else (*_FOR_PADDLE, *_FOR_QT)
    return Message(
        "The system library {library} is missing. On Debian and Ubuntu, run "
        "`sudo apt install {packages}`, then start PneumoScope again.",
        library=library,
        packages=" ".join(packages),
    )
