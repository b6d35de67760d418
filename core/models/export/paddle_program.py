"""The network as a program for Paddle's inference engine: what to compute, without weights.

It depends on the architecture and the number of classes alone, so one serves every model
of its kind, and films of every size.
"""

import json
import logging
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from core.config import Architecture
from core.models.export.folding import folded_shapes
from core.models.weights import PLANS

log = logging.getLogger(__name__)

_WORKER: Final = Path(__file__).with_name("paddle_program_worker.py")
_MOST_SECONDS: Final = 180.0  # most of it loads Paddle, which takes 2 on a quiet machine


def trace(architecture: Architecture, n_classes: int) -> bytes:
    """The program as Paddle's JSON: input `images`, outputs logits and last feature map.

    Takes a few seconds, in a process of its own: see `core.models.export.folded_network`.

    Raises:
        OSError: The temporary folder cannot be written, or no process be started.
        RuntimeError: The process failed.
    """
    plan = PLANS[architecture]
    with tempfile.TemporaryDirectory(prefix="pneumoscope-") as folder:
        wanted = {
            "n_blocks": plan.n_blocks,
            "is_bottleneck": plan.is_bottleneck,
            "shapes": folded_shapes(architecture, n_classes),
            "folder": folder,
        }
        try:
            done = subprocess.run(
                # Isolated: neither the working folder nor the environment lends it modules.
                [sys.executable, "-I", str(_WORKER)],
                input=json.dumps(wanted).encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=_MOST_SECONDS,
                check=False,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except subprocess.TimeoutExpired as error:
            raise RuntimeError("tracing took too long") from error
        if done.returncode:
            log.debug("tracing failed: %s", done.stderr.decode(errors="replace"))
            raise RuntimeError(f"tracing ended with code {done.returncode}")
        return (Path(folder) / "network.json").read_bytes()
