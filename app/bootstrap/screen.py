"""The screen: find one to open a window on, and the libraries that Qt needs for it."""

import ctypes
import os
import sys
import threading

from app.bootstrap.installer import install_library
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
            return install_library(library)
    return None
