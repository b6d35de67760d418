"""Loss scaling for mixed precision, with a memory that can be saved."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.runtime.paddle_library import paddle

SCALER = "scaler/"  # begins the names of what the loss scaling remembers
SCALE, GOOD_STEPS, BAD_STEPS = f"{SCALER}scale", f"{SCALER}good_steps", f"{SCALER}bad_steps"


class LossScaler(paddle.amp.GradScaler):
    """Paddle's scaler: lifts small gradients of half precision, skips steps that overflow."""

    _scale: Any  # shape (1,), float32
    _incr_count: int
    _decr_count: int

    def _update(self) -> None:
        """Halve the scale after a step that overflowed, double it after many that did not.

        WORKAROUND (Paddle 3.3, numpy 2.4): the original prints the scale of each skipped step,
        into `--json` as well, and fails in `float(scale)`, whose shape is (1,).
        """
        if self._cache_found_inf:
            self._incr_count = 0
            self._decr_count += 1
            if self._decr_count == self._decr_every_n_nan_or_inf:
                self._scale = self._scale * self._decr_ratio
                self._decr_count = 0
        else:
            self._decr_count = 0
            self._incr_count += 1
            if self._incr_count == self._incr_every_n_steps:
                self._scale = self._scale * self._incr_ratio
                self._incr_count = 0

    def state(self) -> dict[str, NDArray[Any]]:
        """What the next step depends on; nothing in full precision."""
        if not self.is_enable():
            return {}
        return {
            SCALE: self._scale.numpy().reshape(1),
            GOOD_STEPS: np.array([self._incr_count], np.int64),
            BAD_STEPS: np.array([self._decr_count], np.int64),
        }

    def load_state(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Set what `state` gave; where that is missing the scaling stays as it is."""
        if not self.is_enable() or not {SCALE, GOOD_STEPS, BAD_STEPS} <= arrays.keys():
            return
        self._scale = paddle.to_tensor(arrays[SCALE].reshape(1), place=self._scale.place)
        self._incr_count = int(arrays[GOOD_STEPS].item())
        self._decr_count = int(arrays[BAD_STEPS].item())
