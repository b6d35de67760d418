"""A network that lives in Paddle's inference engine alone."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.models.export.engine import InferenceEngine
from core.models.export.paddle_parameters import parameter_parts


class FastNetwork(InferenceEngine):
    """Logits and last feature map of a batch in one pass; any thread may ask, one is served."""

    @classmethod
    def load(cls, program: bytes, weights: Mapping[str, NDArray[np.float32]]) -> Self:
        """Hand program and weights over to the engine, which optimises both.

        The engine reads files only: they lie in a folder of their own that nobody else may
        read or write, and are gone afterwards.

        Args:
            program: From `core.models.export.paddle_program.trace`.
            weights: From `core.models.export.folding.fold`.

        Raises:
            OSError: The temporary folder cannot be written.
            RuntimeError, ValueError, SystemError, MemoryError: The engine refuses.
        """
        with tempfile.TemporaryDirectory(
            prefix="pneumoscope-", ignore_cleanup_errors=True
        ) as folder:
            code, values = Path(folder) / "network.json", Path(folder) / "network.pdiparams"
            code.write_bytes(program)
            with values.open("wb") as file:
                file.writelines(parameter_parts(weights))
            return cls(code, values)
