"""Paddle, tuned for this processor: import it from here alone.

Importing costs seconds and 300 MB, so nothing in `app` imports this at module level.
"""

import contextlib
import ctypes
import importlib.abc
import importlib.machinery
import importlib.util
import io
import logging
import random
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


class _RequestHandler:
    """Whoever answers SIGTERM; Paddle's import and `disable_signal_handler` forget him.

    Of the C library, because Python sets handlers on its main thread alone.
    """

    def __init__(self) -> None:
        self._action = ctypes.create_string_buffer(_SIGACTION_BYTES)
        self._exchange(None, self._action)

    def put_back(self) -> None:
        """Let him answer again."""
        self._exchange(self._action, None)

    def _exchange(self, new: Any, old: Any) -> None:
        if sys.platform != "win32":
            ctypes.CDLL(None).sigaction(signal.SIGTERM, new, old)


_SIGACTION_BYTES = 1024  # more than any system's structure


class _QuietCore(importlib.abc.MetaPathFinder):
    """Finder that has `paddle.base.core.init_glog` leave SIGTERM to whoever answers it.

    WORKAROUND (Paddle 3.3): half a second passes between `init_glog`, whose handler prints C++
    stacks and ends the process, and the end of the import, where it can be taken away.
    """

    def __init__(self, handler: _RequestHandler) -> None:
        self._handler = handler

    def find_spec(self, name: str, path: Any, _target: Any = None) -> Any:
        if name != "paddle.base.core":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        loader: Any = spec.loader if spec is not None else None
        if loader is not None:
            execute = loader.exec_module
            loader.exec_module = lambda module: self._patch(execute, module)
        return spec

    def _patch(self, execute: Callable[[Any], None], module: Any) -> None:
        execute(module)
        init_glog = module.init_glog

        def init(*given: Any) -> None:
            init_glog(*given)
            self._handler.put_back()

        module.init_glog = init


tune_process()  # has no effect once Paddle's libraries are loaded

preload_paddle()

_handler = _RequestHandler()
_finder = _QuietCore(_handler)
sys.meta_path.insert(0, _finder)

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
_handler.put_back()
sys.meta_path.remove(_finder)

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
