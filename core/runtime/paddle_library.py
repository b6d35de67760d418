"""The one door to Paddle: whoever imports `paddle` from here gets it tuned for this processor.

Importing costs seconds and 300 MB, so nothing in `app` imports this at module level.
"""

import contextlib
import io
import logging
import warnings

from core.runtime.preload import preload_paddle
from core.runtime.processor import tune_process

log = logging.getLogger(__name__)

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
