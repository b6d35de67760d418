"""What is known of a film, in plain JSON types: the one source of every table and text."""

import io
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from core.data.unpacked import showable
from core.errors import ConfigError, ImageReadError, Message
from core.images.dicom import silence_pydicom
from core.images.dicom_header import ElementWalk, TransferSyntax, syntax_of
from core.images.formats import HEAD_BYTES, format_of
from core.images.reading import content_of
from core.models.model_card import ModelCard
from core.prediction.verdict import Verdict, level_words, verdict_of

DISCLAIMER = Message("Research and teaching only, never diagnosis.")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReportContext:
    """The model that read the films, and how its report speaks."""

    card: ModelCard
    model_file: str  # its name
    created: datetime  # with its time zone
    version: str  # of the program
    say: Callable[[Message], str]  # a sentence in the user's language
    language: str = "en"  # a code of `core.models.model_card.LANGUAGES`
    # Digest -> "train", "validation", "test" or "kept", of the films the model was made with.
    parts: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        parts = {digest: part for part, some in self.card.split.items() for digest in some}
        object.__setattr__(self, "parts", parts)

    @property
    def disclaimer(self) -> str:
        """The line that every report and every export carries."""
        return self.say(DISCLAIMER)

    @property
    def date(self) -> str:
        """When the report was made, to the minute."""
        return self.created.strftime("%Y-%m-%d %H:%M")

    def class_name(self, label: int) -> str:
        """What the class is called in the report's language."""
        name = self.card.classes[label]
        return self.card.display_names[name].get(self.language, name)

    def listing(self, parts: list[str]) -> str:
        """Words one after the other, with the comma of the language."""
        if not parts:
            return ""
        return reduce(
            lambda first, second: self.say(
                Message("{first}, {second}", first=first, second=second)
            ),
            parts,
        )


# PS3.6; all of them stand before the pixels.
DICOM_FIELDS: Final = {
    "PatientID": 0x00100020,
    "PatientName": 0x00100010,
    "PatientBirthDate": 0x00100030,
    "PatientSex": 0x00100040,
    "PatientAge": 0x00101010,
    "StudyDate": 0x00080020,
    "StudyTime": 0x00080030,
    "AccessionNumber": 0x00080050,
    "Modality": 0x00080060,
    "Manufacturer": 0x00080070,
    "InstitutionName": 0x00080080,
    "ReferringPhysicianName": 0x00080090,
    "StudyDescription": 0x00081030,
    "SeriesDescription": 0x0008103E,
    "ManufacturerModelName": 0x00081090,
    "BodyPartExamined": 0x00180015,
    "ViewPosition": 0x00185101,
    "StudyInstanceUID": 0x0020000D,
    "SeriesInstanceUID": 0x0020000E,
    "SOPInstanceUID": 0x00080018,
    "Laterality": 0x00200060,
}
_CHARACTER_SET: Final = 0x00080005
_MAX_BYTES: Final = 1024  # of one field: four times the longest that the standard allows
_MAX_CHARACTERS: Final = 200


def check_fields(names: Sequence[str]) -> tuple[str, ...]:
    """The names without repetitions.

    Raises:
        ConfigError: One is not among `DICOM_FIELDS`.
    """
    unknown = next((name for name in names if name not in DICOM_FIELDS), None)
    if unknown is not None:
        raise ConfigError(
            Message(
                "{name} is no DICOM field that can be exported; choose from {choices}.",
                name=unknown,
                choices=", ".join(DICOM_FIELDS),
            )
        )
    return tuple(dict.fromkeys(names))


def dicom_fields(path: Path, names: Sequence[str]) -> dict[str, str]:
    """Read the named fields of a film.

    Args:
        path: A film of any format.
        names: Keywords of `DICOM_FIELDS`.

    Returns:
        Keyword -> text, in the order of `names`; "" where the file has no such field, is no
        DICOM file, or is broken there.

    Raises:
        ConfigError: A name is not among `DICOM_FIELDS`.
    """
    names = check_fields(names)
    values = dict.fromkeys(names, "")
    if not names:
        return values
    try:
        data = content_of(path)
        if format_of(data[:HEAD_BYTES]) == "DICOM":
            values |= _read(data, path.name, names)
    except ImageReadError:
        logging.getLogger(__name__).info("no DICOM fields", exc_info=True)
    except Exception as error:  # noqa: BLE001 (pydicom raised eight kinds for damaged files)
        # Not the error's text: it may quote the file, and so name a patient in the log.
        logging.getLogger(__name__).info("broken DICOM fields (%s)", type(error).__name__)
    return values


def _read(data: bytes, name: str, names: Sequence[str]) -> dict[str, str]:
    from pydicom.filereader import read_dataset

    silence_pydicom()
    syntax = syntax_of(data, name)
    header = read_dataset(
        io.BytesIO(_wanted(data, syntax, {DICOM_FIELDS[name] for name in names})),
        is_implicit_VR=syntax.coding.is_implicit,
        is_little_endian=not syntax.coding.is_big_endian,
    )
    found = {}
    for keyword in names:
        value = header.get(keyword)
        if value is not None:
            found[keyword] = showable(str(value)).strip()[:_MAX_CHARACTERS]
    return found


def _wanted(data: bytes, syntax: TransferSyntax, tags: set[int]) -> bytes:
    """The wanted elements as they are written."""
    last = max(tags)
    wanted: dict[int, bytes] = {}
    walk = ElementWalk(data, syntax.coding)
    # Elements stand in the order of their tags (PS3.5, 7.1): the pixels are never reached.
    for element, end in walk.elements(syntax.start, lambda tag: tag > last):
        if element.tag > last:
            break
        if element.tag in tags | {_CHARACTER_SET} and end - element.start <= _MAX_BYTES:
            wanted[element.tag] = data[element.start : end]
    return b"".join(wanted.values())


if TYPE_CHECKING:
    from core.prediction.classifier import Opinion
    from core.prediction.explanation import Explanation

Pixels = NDArray[np.uint8]  # (H, W) or (H, W, 3)


@dataclass(frozen=True, slots=True, eq=False)
class ReportFilm:
    """One film that a model has read.

    Of a DICOM file's header nothing is taken away but what `dicom` holds, which is there only
    where the user asked for it by name.
    """

    file: str  # as the user named it
    digest: str  # SHA-256 of the file
    opinion: "Opinion"
    true_class: int | None = None
    pixels: Pixels | Callable[[], Pixels] | None = None  # a way to them spares the memory
    explanation: "Explanation | Callable[[], Explanation] | None" = None
    dicom: Mapping[str, str] = field(default_factory=dict)  # keyword -> value, see `dicom_fields`

    def load_pixels(self) -> Pixels | None:
        """The film as a viewer shows it.

        Raises:
            ImageReadError: It cannot be read (any more).
        """
        return self.pixels() if callable(self.pixels) else self.pixels

    def load_explanation(self) -> "Explanation | None":
        """Where the heat is, computed now where it was not before."""
        return self.explanation() if callable(self.explanation) else self.explanation


if TYPE_CHECKING:
    from core.prediction.explanation import Explanation


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a model said of a film, why, and whether to believe it."""

    film: ReportFilm
    explanation: "Explanation | None"
    verdict: Verdict

    @property
    def probability(self) -> float:
        """Of the class that won."""
        opinion = self.film.opinion
        return float(opinion.probabilities[opinion.predicted])


def answer_of(film: ReportFilm, *, may_compute: bool = False) -> Answer:
    """Weigh a film.

    Args:
        film: As it was read.
        may_compute: Whether an explanation that is not there yet is worth its time.

    Raises:
        ImageReadError: The film is needed for its explanation and cannot be read.
    """
    is_there = may_compute or not callable(film.explanation)
    explanation = film.load_explanation() if is_there else None
    honesty = None if explanation is None else explanation.honesty
    return Answer(film, explanation, verdict_of(film.opinion, honesty))


_MOST_CLASSES = 10  # that are listed; a model may know a thousand


def percent(share: float) -> str:
    """A probability or part as one reads it; never 100 % or 0 % where it is not."""
    if 0.9995 <= share < 1:
        return "> 99.9 %"
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.1f} %"


def film_text(film: ReportFilm, context: ReportContext) -> str:
    """One film in a few lines."""
    opinion, say = film.opinion, context.say
    explanation = None if callable(film.explanation) else film.explanation
    verdict = verdict_of(opinion, None if explanation is None else explanation.honesty)
    order = opinion.probabilities.argsort()[::-1]
    lines = [showable(film.file)]
    for label in order[:_MOST_CLASSES]:
        lines.append(
            f"  {context.class_name(int(label))}  {percent(float(opinion.probabilities[label]))}"
        )
    if len(order) > _MOST_CLASSES:
        lines.append("  " + say(more_classes(len(order) - _MOST_CLASSES)))
    lines.append("  " + say(calibration_words(opinion.is_calibrated)))
    lines.append(f"  {say(level_words(verdict.level))}")
    lines += [f"  - {say(reason)}" for reason in verdict.reasons]
    part = part_words(context.parts.get(film.digest))
    if part is not None:
        lines.append(f"  - {say(part)}")
    if opinion.neighbours:
        names = [context.class_name(one.label) for one in opinion.neighbours]
        lines.append("  " + say(neighbour_words(context.listing(names))))
    if film.true_class is not None:
        lines.append("  " + say(true_class_words(context.class_name(film.true_class))))
    lines += [f"  {name}: {value}" for name, value in film.dicom.items() if value]
    return "\n".join([*lines, "", *_ending(context)]) + "\n"


def calibration_words(is_calibrated: bool) -> Message:
    """Whether a probability may be taken for how often the model is right."""
    if is_calibrated:
        return Message("The probabilities are calibrated.")
    return Message("The probabilities are uncalibrated.")


def neighbour_words(names: str) -> Message:
    """The classes of the nearest training films."""
    return Message("Nearest training films: {classes}", classes=names)


def true_class_words(name: str) -> Message:
    """What the film truly is, where somebody said so."""
    return Message("True class: {name}", name=name)


def more_classes(n: int) -> Message:
    """What a list of classes leaves out."""
    return Message("and {n} more classes", n=n)


def part_words(part: str | None) -> Message | None:
    """What it means that a film was used to make the model; None: nothing of note."""
    match part:
        case "train":
            return Message("The model was trained on this very film, so its answer proves nothing.")
        case "validation":
            return Message("The model was chosen by this very film, so its answer proves little.")
        case _:
            return None


def _ending(context: ReportContext) -> list[str]:
    read = Message(
        "Read by {model} ({digest}) with PneumoScope {version}.",
        model=context.model_file,
        digest=context.card.tensors_sha256[:12],
        version=context.version,
    )
    return [context.say(read), context.disclaimer]


if TYPE_CHECKING:
    from core.prediction.novelty import Novelty
    from core.prediction.saliency_checks import Honesty


def film_facts(film: ReportFilm, context: ReportContext) -> dict[str, Any]:
    """Everything that is handed on of one film, but pictures.

    An explanation that is not computed yet is not computed for this.
    """
    opinion, classes = film.opinion, context.card.classes
    explanation = None if callable(film.explanation) else film.explanation
    honesty = None if explanation is None else explanation.honesty
    verdict = verdict_of(opinion, honesty)
    facts: dict[str, Any] = {
        "file": film.file,
        "class": classes[opinion.predicted],
        "display_name": context.class_name(opinion.predicted),
        "probabilities": {
            name: float(p) for name, p in zip(classes, opinion.probabilities, strict=True)
        },
        "calibrated": opinion.is_calibrated,
        "sure": opinion.is_sure,
        "candidates": [classes[label] for label in opinion.candidates],
        "novelty": novelty_facts(opinion.novelty, context),
        "verdict": {
            "level": verdict.level,
            "reasons": [context.say(reason) for reason in verdict.reasons],
        },
        "neighbours": [
            {
                "class": classes[one.label],
                "distance": round(float(one.distance), 6),
                "sha256": one.digest,
            }
            for one in opinion.neighbours
        ],
        "sha256": film.digest,
    }
    if film.digest in context.parts:
        facts["model_split"] = context.parts[film.digest]
    if film.true_class is not None:
        facts["true_class"] = classes[film.true_class]
    if honesty is not None and explanation is not None:
        facts["heat_checks"] = _heat_facts(explanation.label, honesty, context)
    if film.dicom:
        facts["dicom"] = dict(film.dicom)
    return facts


def novelty_facts(novelty: "Novelty | None", context: ReportContext) -> dict[str, Any] | None:
    """Whether a film is like those the model learned from; None where nobody knows."""
    if novelty is None:
        return None
    return {
        "score": float(novelty.score),
        "threshold": float(novelty.threshold),
        "is_familiar": novelty.is_familiar,
        "reason": context.say(novelty.reason),
    }


def model_facts(context: ReportContext) -> dict[str, Any]:
    """Which model said it, and what the model was worth on its test films."""
    card = context.card
    return {
        "file": context.model_file,
        "sha256": card.tensors_sha256,
        "architecture": card.architecture,
        "created": card.created,
        "classes": list(card.classes),
        "dataset": dict(card.dataset),
        "test": card.metrics.get("test"),
        "calibration": None if card.calibration is None else dict(card.calibration),
    }


def _heat_facts(label: int, honesty: "Honesty", context: ReportContext) -> dict[str, Any]:
    return {
        "class": context.card.classes[label],
        "lung_share": None if honesty.lung_share is None else float(honesty.lung_share),
        "agreement": float(honesty.agreement),
        "random_likeness": float(honesty.random_likeness),
        "chance": float(honesty.chance),
        "is_trustworthy": honesty.is_trustworthy,
        "reasons": [context.say(reason) for reason in honesty.reasons],
    }
