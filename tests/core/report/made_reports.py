"""The context of a report, and explanations."""

import dataclasses
import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.records import display_names
from core.models.model_card import ModelCard
from core.prediction.explanation import Explanation
from core.prediction.saliency_checks import SaliencyChecks
from core.report.facts import ReportContext
from tests.core.models.model_bytes import card
from tests.core.prediction.made_results import CLASSES

N_CLASSES = len(CLASSES)


def context(language: str = "en", **changes: Any) -> ReportContext:
    """The report of a model of three classes; English sentences in either language."""
    return ReportContext(
        card=made_card(**changes),
        model_file="best.safetensors",
        created=datetime.datetime(2026, 11, 28, 12, 30, tzinfo=datetime.UTC),
        version="1.2.3",
        say=str,
        language=language,
    )


def made_card(**changes: Any) -> ModelCard:
    measures = {"n": 20, "sensitivity": 0.9, "specificity": None, "precision": 0.8}
    values = {
        "classes": CLASSES,
        "display_names": {name: display_names(name) for name in CLASSES},
        "metrics": {"test": {"n": 60, "accuracy": 0.9, "classes": [measures] * N_CLASSES}},
        "tensors_sha256": "ab" * 32,
    }
    made: ModelCard = card(**{**values, **changes})
    return made


def checks(**changes: Any) -> SaliencyChecks:
    made = SaliencyChecks(0.625, 0.5, 0.25, 0.001, True, ())
    return dataclasses.replace(made, **changes)


def explanation(label: int = 0, **changes: Any) -> Explanation:
    """Heat in the upper left corner alone."""
    cams = np.zeros((N_CLASSES, 4, 4), np.float32)
    cams[label, 0, 0] = 2
    made = Explanation(label, cams, None, None, checks())
    return dataclasses.replace(made, **changes)


def pixels(height: int = 60, width: int = 50) -> NDArray[np.uint8]:
    return np.full((height, width), 90, np.uint8)
