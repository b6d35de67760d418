"""Ask Microsoft's ONNX Runtime, where it is installed, what it makes of a file."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class RuntimeOutputs:
    """What ONNX Runtime gives."""

    version: str
    logits: NDArray[np.float32]  # (N, C)
    maps: NDArray[np.float32]  # (N, F, h, w)


def run_onnx(content: bytes, images: NDArray[np.float32]) -> RuntimeOutputs | None:
    """Run a file; None where ONNX Runtime is not installed.

    Args:
        content: Of an .onnx file of `core.models.export.onnx_file`.
        images: (N, 3, S, S).

    Raises:
        RuntimeError: It does not take the file.
    """
    try:
        import onnxruntime  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except ImportError:
        return None
    onnxruntime.disable_telemetry_events()  # nothing leaves the machine
    try:
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        logits, maps = session.run(["logits", "feature_map"], {"images": images})
    except Exception as error:  # it has a dozen kinds of its own, all derived from Exception
        raise RuntimeError(str(error)) from error
    return RuntimeOutputs(onnxruntime.__version__, logits, maps)
