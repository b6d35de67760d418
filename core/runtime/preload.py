"""Load Paddle's native library without holding up the other threads."""

import ctypes
import importlib.util
import logging
import sys
from pathlib import Path

log = logging.getLogger(__name__)


def preload_paddle() -> bool:
    """Map libpaddle.so into the process; True if the coming `import paddle` finds it there.

    Python's own import keeps its global lock while the library (300 MB) is loaded, and a
    window stands still for a quarter of a second. A foreign call releases the lock.
    Linux only; elsewhere, and where anything is missing, the import does it as usual.
    """
    if not sys.platform.startswith("linux"):
        return False
    spec = importlib.util.find_spec("paddle")  # finds it, does not run it
    if spec is None or spec.origin is None:
        return False
    library = Path(spec.origin).parent / "base" / "libpaddle.so"
    try:
        open_library = ctypes.CDLL(None).dlopen
    except (OSError, AttributeError):  # a C library that hides it
        return False
    open_library.restype, open_library.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
    is_loaded = open_library(str(library).encode(), sys.getdlopenflags()) is not None
    if not is_loaded:
        log.debug("%s could not be loaded ahead of the import", library)
    return is_loaded
