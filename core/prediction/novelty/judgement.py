"""What is said of one picture: how strange it is, in which way, and what to do about it."""

from dataclasses import dataclass
from typing import Literal

from core.errors import Message

NoveltyKind = Literal[
    "familiar", "blank", "turned", "negative", "not_a_chest_film", "unlike_training"
]


@dataclass(frozen=True, slots=True)
class Novelty:
    """How unlike the training films one film is."""

    score: float  # at most `threshold` for 95 % of the validation films
    threshold: float
    is_familiar: bool
    kind: NoveltyKind
    reason: Message  # a sentence or two, also where familiar


def familiar() -> Message:
    """For a film like the others."""
    return Message("This film resembles those that the model learned from.")


def blank() -> Message:
    """For a picture without contrast."""
    return Message(
        "This picture is blank: all of it has nearly the same grey level, so the model's answer "
        "means nothing. Check the file, or export the film again."
    )


def turned(pose: int) -> Message:
    """For a film in one of the poses 1 to 3."""
    if pose == 2:
        return Message(
            "This film seems to stand on its head. The model learned from upright films, so its "
            "answer means little. Turn the film upright in the file and read it again."
        )
    return Message(
        "This film seems to lie on its side. The model learned from upright films, so its answer "
        "means little. Turn the film upright in the file and read it again."
    )


def negative(pose: int) -> Message:
    """For a film in one of the poses 4 to 7."""
    if pose != 4:
        return Message(
            "This film seems to be a negative and turned as well. The model learned from upright "
            "films with white bones, so its answer means little. Export the film as it is shown "
            "for reading and read it again."
        )
    return Message(
        "This film seems to be a negative: black and white are exchanged. The model learned from "
        "films with white bones, so its answer means little. Export the film with white bones "
        "and read it again."
    )


def coloured() -> Message:
    """For a picture in colours that the training films do not have."""
    return Message(
        "This picture is coloured, unlike the films that the model learned from, so the model's "
        "answer means little. Use the film's own file, not a photograph of it."
    )


def not_a_chest_film() -> Message:
    """For a picture of something else."""
    return Message(
        "This picture does not look like the frontal chest films that the model learned from, so "
        "the model's answer means nothing. Choose an upright frontal chest film."
    )


def unlike_training() -> Message:
    """For what looks like a chest film, but not to the network."""
    return Message(
        "The network finds in this film what it found in no film that it learned from, so its "
        "answer may well be wrong. Look at the nearest training films, and do not rely on the "
        "model here."
    )
