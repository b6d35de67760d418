"""The facts of a read X-ray in plain JSON types: the one source of every table and text."""

import io
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from pathlib import Path
from typing import Any, Final

from core.data.unpacked import showable
from core.errors import ConfigError, ImageReadError, Message
from core.files import escaped
from core.images.dicom import silence_pydicom
from core.images.dicom_header import ElementWalk, TransferSyntax, syntax_of
from core.images.formats import HEAD_BYTES, format_of
from core.images.reading import content_of
from core.models.model_card import ModelCard
from core.prediction.acquisition import Acquisition
from core.prediction.classifier import Classifier
from core.prediction.novelty import Novelty
from core.prediction.reading import FilmResult
from core.prediction.saliency_checks import SaliencyChecks
from core.prediction.verdict import level_words
from core.workspace import program_version

WITHHELD = Message("The answer is withheld, for it is not reliable.")
DISCLAIMER = Message("Research and teaching only, never diagnosis.")
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
_MOST_CLASSES = 10  # that are listed; a model may know a thousand


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReportContext:
    """The model that read the films, and the language of its report."""

    card: ModelCard
    model_file: str  # its name
    created: datetime  # with its time zone
    version: str  # of the program
    say: Callable[[Message], str]  # a sentence in the user's language
    language: str = "en"  # a code of `core.models.model_card.LANGUAGES`
    warnings: tuple[Message, ...] = ()  # what anybody who uses the model must know
    shows_all: bool = False  # also class and figures of answers that are not reliable

    @classmethod
    def of(
        cls,
        classifier: Classifier,
        say: Callable[[Message], str],
        language: str,
        *,
        shows_all: bool = False,
    ) -> "ReportContext":
        """Begin a report now."""
        return cls(
            card=classifier.card,
            model_file=classifier.path.name,
            created=datetime.now().astimezone(),
            version=program_version(),
            say=say,
            language=language,
            warnings=classifier.limits.warnings,
            shows_all=shows_all,
        )

    def hides(self, film: FilmResult) -> bool:
        """True where class and figures of a film are not told: its answer is not reliable."""
        return film.hides_answer and not self.shows_all

    @property
    def disclaimer(self) -> str:
        """The line that every report and every export carries."""
        return self.say(DISCLAIMER)

    @property
    def date(self) -> str:
        """The time of the report, to the minute."""
        return self.created.strftime("%Y-%m-%d %H:%M")

    def class_name(self, label: int) -> str:
        """Name a class in the report's language."""
        return self.name_of(self.card.classes[label])

    def name_of(self, name: str) -> str:
        """Name a class folder in the report's language; one that the model does not know stays."""
        return self.card.display_names.get(name, {}).get(self.language, name)

    def listing(self, parts: list[str]) -> str:
        """Join words with the comma of the language."""
        if not parts:
            return ""
        return reduce(
            lambda first, second: self.say(
                Message("{first}, {second}", first=first, second=second)
            ),
            parts,
        )


def film_facts(film: FilmResult, context: ReportContext) -> dict[str, Any]:
    """Return everything that is handed on of one film, but pictures."""
    opinion, classes = film.opinion, film.classes
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
            "level": film.verdict.level,
            "reasons": [context.say(reason) for reason in film.verdict.reasons],
        },
        "neighbours": [
            {
                "class": classes[one.label],
                "distance": round(float(one.distance), 6),
                "sha256": one.digest,
            }
            for one in opinion.neighbours
        ],
        "seen_in_training": film.seen in ("train", "copy"),
        "sha256": film.digest,
        "frame": film.frame,
        "n_frames": film.n_frames,
    }
    if film.part is not None:
        facts["model_split"] = film.part
    if film.true_label is not None:
        facts["true_class"] = film.true_class
    if film.checks is not None:
        facts["heat_checks"] = _heat_facts(classes[opinion.predicted], film.checks, context)
    if film.header:
        facts["dicom"] = dict(film.header)
    return facts


def novelty_facts(novelty: Novelty | None, context: ReportContext) -> dict[str, Any] | None:
    """Return how like the training films a film is; None where nobody knows."""
    if novelty is None:
        return None
    return {
        "score": float(novelty.score),
        "threshold": float(novelty.threshold),
        "is_familiar": novelty.is_familiar,
        "reason": context.say(novelty.reason),
        "fingerprint": _fingerprint_facts(novelty.acquisition, context),
    }


def _fingerprint_facts(
    acquisition: Acquisition | None, context: ReportContext
) -> dict[str, Any] | None:
    if acquisition is None:
        return None
    return {
        "distance": acquisition.distance,
        "limit": acquisition.limit,
        "is_familiar": acquisition.is_familiar,
        "nearest_source": context.say(acquisition.source_name),
        "reason": context.say(acquisition.reason),
    }


def _heat_facts(name: str, checks: SaliencyChecks, context: ReportContext) -> dict[str, Any]:
    return {
        "class": name,
        "lung_share": None if checks.lung_share is None else float(checks.lung_share),
        "agreement": float(checks.agreement),
        "random_likeness": float(checks.random_likeness),
        "chance": float(checks.chance),
        "is_trustworthy": checks.is_trustworthy,
        "reasons": [context.say(reason) for reason in checks.reasons],
    }


def model_facts(context: ReportContext) -> dict[str, Any]:
    """Return the model's identity and its results on its test films."""
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


def film_text(film: FilmResult, context: ReportContext) -> str:
    """Tell of one film in a few lines."""
    opinion, verdict, say = film.opinion, film.verdict, context.say
    order = opinion.probabilities.argsort()[::-1]
    lines = [escaped(film.file), f"  {say(level_words(verdict.level))}"]
    lines += [f"  - {say(reason)}" for reason in verdict.reasons]
    if context.hides(film):
        order = order[:0]
        lines.append("  " + say(WITHHELD))
    for label in order[:_MOST_CLASSES]:
        lines.append(
            f"  {context.class_name(int(label))}  {percent(float(opinion.probabilities[label]))}"
        )
    if len(order) > _MOST_CLASSES:
        lines.append("  " + say(more_classes(len(order) - _MOST_CLASSES)))
    if len(order):
        lines.append("  " + say(calibrated_words(opinion.is_calibrated)))
    if opinion.neighbours:
        names = [context.class_name(one.label) for one in opinion.neighbours]
        lines.append("  " + say(neighbour_words(context.listing(names))))
    if film.true_label is not None:
        lines.append("  " + say(true_class_words(context.class_name(film.true_label))))
    lines += [f"  {name}: {value}" for name, value in film.header.items() if value]
    return "\n".join([*lines, "", *_ending(context)]) + "\n"


def _ending(context: ReportContext) -> list[str]:
    read = Message(
        "Read by {model} ({digest}) with PneumoScope {version}.",
        model=context.model_file,
        digest=context.card.tensors_sha256[:12],
        version=context.version,
    )
    return [context.say(read), context.disclaimer]


def percent(share: float) -> str:
    """Format a probability or share; never 100 % or 0 % where it is not."""
    if 0.9995 <= share < 1:
        return "> 99.9 %"
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.1f} %"


def calibrated_words(is_calibrated: bool) -> Message:
    """Say whether the probabilities are calibrated."""
    if is_calibrated:
        return Message("The probabilities are calibrated.")
    return Message("The probabilities are uncalibrated.")


def neighbour_words(names: str) -> Message:
    """Name the classes of the nearest training films."""
    return Message("Nearest training films: {classes}", classes=names)


def true_class_words(name: str) -> Message:
    """Name the true class."""
    return Message("True class: {name}", name=name)


def more_classes(n: int) -> Message:
    """Say how many classes a list leaves out."""
    return Message("and {n} more classes", n=n)


def check_fields(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names without repetitions.

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
    """Cut out the wanted elements as they are written."""
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
