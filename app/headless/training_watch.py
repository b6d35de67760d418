"""Follow a run on the terminal until it ends or is asked to."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from app.headless.gentle_stop import gentle_stop
from app.headless.output import tell
from app.headless.progress import ProgressBars
from app.training_words import epoch_words
from app.translation import say, tr
from core.events import (
    BatchDone,
    BatchHalved,
    EpochDone,
    Progress,
    Resumed,
    SavingFailed,
    TrainingDone,
    TrainingEvent,
    TrainingStarted,
)


@dataclass(frozen=True, slots=True)
class Trained:
    """A run that came to its end."""

    event: TrainingDone
    resumed: Resumed | None

    def to_json(self) -> dict[str, Any]:
        """What `train --json` prints."""
        done, resumed = self.event, self.resumed
        return {
            "model": str(done.model),
            "epochs": done.epochs,
            "best_epoch": done.best_epoch,
            "seconds": done.seconds,
            "images_per_second": done.images_per_second,
            "validation_accuracy": done.validation_accuracy,
            "test_accuracy": done.test_accuracy,
            "test_loss": done.test_loss,
            "weights_sha256": done.weights_sha256,
            "resumed_from": {"epoch": resumed.epoch, "batch": resumed.batch} if resumed else None,
        }


def watch(run: Generator[TrainingEvent, None, None], bars: ProgressBars) -> Trained:
    """Show how a run goes on; its end.

    Raises:
        KeyboardInterrupt: It was asked to end; everything is saved.
    """
    done: TrainingDone | None = None
    resumed: Resumed | None = None
    n_epochs = 0
    with gentle_stop() as is_stop_wanted, closing(run) as events:
        for event in events:
            match event:
                case Progress():
                    bars.show(event)
                case TrainingStarted():
                    n_epochs = event.epochs
                case Resumed():
                    resumed = event
                    bars.close()
                    tell(_resumed_words(event))
                case BatchDone():
                    bars.advance(
                        tr("Epoch {epoch} of {epochs}", epoch=event.epoch, epochs=n_epochs),
                        event.batch,
                        event.batches,
                        tr("loss {loss}", loss=f"{event.loss:.3f}"),
                    )
                case EpochDone():
                    bars.close()
                    tell("".join(say(part) for part in epoch_words(event)))
                case BatchHalved() | SavingFailed():
                    bars.close()
                    tell(say(event.message))
                case TrainingDone():
                    done = event
            if is_stop_wanted() and done is None:
                events.close()  # here and not at the end: a second request must still count
                raise KeyboardInterrupt
    assert done is not None  # the last event of a run
    return Trained(done, resumed)


def _resumed_words(event: Resumed) -> str:
    if event.is_from_previous:
        return tr(
            "Going on in epoch {epoch} after batch {batch}, from the checkpoint before the newest, "
            "for the newest is not whole.",
            epoch=event.epoch,
            batch=event.batch,
        )
    return tr(
        "Going on in epoch {epoch} after batch {batch}.", epoch=event.epoch, batch=event.batch
    )
