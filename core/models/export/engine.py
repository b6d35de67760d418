"""Paddle's inference engine on the processor, with oneDNN's kernels where they are built in."""

import os
import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.runtime.memory import memory_for
from core.runtime.paddle_library import paddle
from core.runtime.processor import physical_core_count, thread_count

SHAPES_KEPT = 4  # sizes of a batch for which the engine keeps its plans


class InferenceEngine:
    """Logits and last feature map of a batch in one pass; any thread may ask, one is served.

    Args:
        program: A file as `core.models.export.paddle_program.trace` makes its content.
        parameters: A file of `core.models.export.paddle_parameters`; neither is needed later.

    Raises:
        RuntimeError, ValueError, SystemError, MemoryError: The engine refuses.
    """

    def __init__(self, program: Path, parameters: Path) -> None:
        config = paddle.inference.Config(str(program), str(parameters))
        config.disable_gpu()
        config.disable_glog_info()
        config.set_cpu_math_library_num_threads(_thread_count())
        if paddle.base.core.is_compiled_with_onednn():
            config.enable_onednn()
            config.set_onednn_cache_capacity(SHAPES_KEPT)
        self._predictor = paddle.inference.create_predictor(config)
        self._images = self._predictor.get_input_handle("images")
        names = self._predictor.get_output_names()
        self._outputs = [self._predictor.get_output_handle(name) for name in names]
        self._in_use = threading.Lock()

    def __call__(
        self, images: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits (N, C) and last feature maps (N, F, h, w).

        Args:
            images: (N, 3, H, W), as `core.models.network_input.to_input` makes them.

        Raises:
            OutOfMemoryError: The memory does not hold the images.
            RuntimeError: The engine fails; the eager network may still work.
        """
        with self._in_use, memory_for(len(images)):
            self._images.copy_from_cpu(np.ascontiguousarray(images, np.float32))
            self._predictor.run()
            logits, maps = (output.copy_to_cpu() for output in self._outputs)
        return logits, maps


def _thread_count() -> int:
    chosen = os.environ.get("OMP_NUM_THREADS", "")
    if chosen.isdecimal() and int(chosen) > 0:
        return int(chosen)
    return thread_count(physical_core_count())
