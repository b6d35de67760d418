"""What of a file was used and what was not, in sentences."""

from collections.abc import Sequence

from core.errors import Message
from core.models.initial_weights.fitting import LAST_LAYER, InitialWeights

_MAX_NAMES = 5  # in one sentence
_MAX_NAME_LENGTH = 100  # characters of a foreign name


def describe(weights: InitialWeights) -> tuple[Message, ...]:
    """Say how much fits, what starts at random and why, and what is left over."""
    said = [
        Message(
            "{matched} of {total} tensors of the network start from {file}.",
            matched=len(weights.matched),
            total=len(weights.matched) + len(weights.missing),
            file=weights.name,
        )
    ]
    other_shapes = {name: (theirs, ours) for name, theirs, ours in weights.mismatched}
    if LAST_LAYER[0] in weights.missing:
        said.append(_last_layer(weights))
    altered = [name for name in other_shapes if name not in LAST_LAYER]
    if altered:
        said.append(
            Message(
                "These start at random, because the file has them in another shape: {names}.",
                names=_listed(altered),
            )
        )
    absent = [n for n in weights.missing if n not in other_shapes and n not in LAST_LAYER]
    if absent:
        said.append(
            Message(
                "These start at random, because the file lacks them: {names}.",
                names=_listed(absent),
            )
        )
    left = [name for name in weights.unused if name not in LAST_LAYER]
    if left:
        said.append(
            Message("The network has no place for these of the file: {names}.", names=_listed(left))
        )
    if weights.kind != "pneumoscope":
        said.append(
            Message(
                "Public weights mostly expect three colours, each with its own mean and spread. "
                "X-rays are grey, so PneumoScope keeps its one mean and spread; training adapts "
                "the network to them, a frozen backbone cannot."
            )
        )
    return tuple(said)


def _last_layer(weights: InitialWeights) -> Message:
    for name, theirs, ours in weights.mismatched:
        if name == LAST_LAYER[0] and len(theirs) == 2:
            return Message(
                "The last layer starts at random, because the file tells {theirs} classes apart "
                "and this dataset has {ours}.",
                theirs=theirs[0],
                ours=ours[0],
            )
    if weights.kind == "pneumoscope":
        return Message(
            "The last layer starts at random, because the file's classes have other names."
        )
    return Message("The last layer starts at random, because the file has none that fits.")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(name[:_MAX_NAME_LENGTH] for name in names[:_MAX_NAMES])
    n_more = len(names) - _MAX_NAMES
    return f"{shown} (+{n_more})" if n_more > 0 else shown
