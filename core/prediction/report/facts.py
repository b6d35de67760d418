"""What is known of a film, in plain JSON types: the one source of every table and text."""

from typing import TYPE_CHECKING, Any

from core.prediction.report.context import ReportContext
from core.prediction.report.film import ReportFilm
from core.prediction.verdict import verdict_of

if TYPE_CHECKING:
    from core.prediction.explanation import Honesty
    from core.prediction.novelty import Novelty


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
