"""Paddle, tuned for this processor: import it from here alone.

Importing costs seconds and 300 MB, so nothing in `app` imports this at module level.
"""

import contextlib
import ctypes
import importlib.util
import io
import logging
import random
import sys
import warnings
from pathlib import Path

import numpy as np

from core.runtime.threads import tune_process

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


def seed_everything(seed: int) -> None:
    """Seed Python, numpy's global generator and Paddle, so that a run can be repeated."""
    random.seed(seed)
    np.random.seed(seed)
    paddle.seed(seed)


tune_process()  # has no effect once Paddle's libraries are loaded

preload_paddle()

# Paddle prints a warning about OMP_NUM_THREADS that does not concern one process.
_printed = io.StringIO()
with warnings.catch_warnings(), contextlib.redirect_stderr(_printed):
    warnings.filterwarnings("ignore", message="No ccache found", category=UserWarning)
    import paddle
    import paddle.nn.functional as F
    from paddle import nn
    from paddle.base import framework

# Its handlers print C++ stacks to whoever ends the program; Python's own do better.
paddle.disable_signal_handler()

_eager_modes: list[object] = []


def keep_eager_mode() -> None:
    """Let the eager mode that this thread turned on outlive the thread.

    WORKAROUND (Paddle 3.3): `import paddle` and `paddle.disable_static` turn it on through a
    context that is local to the thread. When the thread ends, the context closes, behind the
    back of all others: threads begun later are in static mode, and parameter names start anew
    in the middle of whatever network is being built.
    """
    _eager_modes.append(framework.global_var._functional_dygraph_context_manager)


keep_eager_mode()

if _printed.getvalue():
    log.debug("Paddle said while loading: %s", _printed.getvalue().strip())

__all__ = ["F", "keep_eager_mode", "nn", "paddle"]
