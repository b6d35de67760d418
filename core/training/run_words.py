"""What log.txt says of batches and epochs; for people who read logs, so not translated."""

from core.events import BatchDone, EpochDone


def describe_batch(batch: BatchDone) -> str:
    """One batch in a line."""
    return (
        f"epoch {batch.epoch}, batch {batch.batch}/{batch.batches}: "
        f"loss {batch.loss:.4f}, accuracy {batch.accuracy:.4f}"
    )


def describe_epoch(epoch: EpochDone) -> str:
    """One epoch in a line."""
    line = (
        f"epoch {epoch.epoch}: training loss {epoch.train_loss:.4f}, "
        f"accuracy {epoch.train_accuracy:.4f}"
    )
    if epoch.validation_accuracy is not None:
        line += (
            f"; validation loss {epoch.validation_loss:.4f}, "
            f"accuracy {epoch.validation_accuracy:.4f}"
        )
    return line + ("; best so far" if epoch.is_best else "")
