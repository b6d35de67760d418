"""What a recorded run is in words: the same in the table, its filter and its tooltips."""

from core.errors import Message
from core.training.runs import DamagedRun, RunSummary


def status_words(run: RunSummary | DamagedRun) -> Message:
    """How a run stands, in a word or two."""
    if isinstance(run, DamagedRun):
        return Message("Damaged")
    match run.status:
        case "running":
            return Message("Training now")
        case "interrupted":
            return Message("Interrupted")
        case "paused":
            return Message("Paused")
        case "finished":
            return Message("Finished")
        case "stopped":
            return Message("Stopped")
        case "failed":
            return Message("Failed")


def status_notes(run: RunSummary | DamagedRun) -> tuple[Message, ...]:
    """What is to be said of a run beyond its status; often nothing."""
    if isinstance(run, DamagedRun):
        return (run.reason,)
    notes = []
    if run.failure:
        notes.append(Message("Training failed: {reason}", reason=run.failure))
    if run.status == "interrupted":
        notes.append(Message("The program ended while this run was training."))
    if run.can_resume:
        notes.append(Message("Its training can be resumed where it was."))
    elif run.status in ("interrupted", "paused", "stopped", "failed"):
        notes.append(
            Message("It has no checkpoint to resume from. Train again with the same settings.")
        )
    if run.remark is not None:
        notes.append(run.remark)
    return tuple(notes)


def network_words(run: RunSummary) -> str:
    """The name of the network, the same in every language."""
    return run.config.architecture.replace("resnet", "ResNet-")
