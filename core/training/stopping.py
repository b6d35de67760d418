"""When to stop before the last epoch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EarlyStopping:
    """Stops once the validation has not become better for some epochs."""

    patience: int  # epochs; 0: never stop early

    def should_stop(self, epochs_since_best: int) -> bool:
        """Whether the run ends after this epoch.

        Args:
            epochs_since_best: 0 right after the best epoch.
        """
        return 0 < self.patience <= epochs_since_best
