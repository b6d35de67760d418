"""What goes with every export: how its input is made and what its output means."""

import json
import math
from typing import Any, Final, Literal

from core.errors import Message
from core.models.export.errors import ExportError
from core.models.model_card import DISCLAIMER, ModelCard
from core.models.weights import expected_shapes
from core.version import program_version

ExportKind = Literal["onnx", "paddle", "pdparams"]
FORMAT_VERSION: Final = 1
MADE_BY: Final = "PneumoScope"

# By the version of the image reader a network learned with, see `core.data.images`.
READER_RULES: Final = {
    2: (
        "Orientation: EXIF and TIFF orientation is applied.",
        "Palettes are resolved, CMYK becomes RGB, transparent parts become black.",
        "More than 8 bits: the central 99 % of the values (percentiles 0.5 to 99.5 of the film) "
        "are stretched linearly over 0 to 255; what lies beyond is clipped.",
        "Negatives (MONOCHROME1, WhiteIsZero) are inverted.",
        "DICOM: modality LUT, then the file's first VOI LUT or window, then inversion, once; "
        "without a window 8 bits stay as they are and more bits are stretched as above.",
        "A film stays in colour only where more than 0.1 % of its pixels have channels that differ "
        "by more than 8 levels; all others become grey by ITU-R BT.601 "
        "(0.299 R + 0.587 G + 0.114 B).",
    )
}


def describe(card: ModelCard, kind: ExportKind, file: str, sha256: str) -> dict[str, Any]:
    """The description as plain JSON types.

    Args:
        card: Of the model that is exported.
        kind: What it becomes.
        file: Its name.
        sha256: Of the whole file, hexadecimal.

    Raises:
        ExportError: The network learned from films read by rules that this program does not know.
    """
    rules = READER_RULES.get(card.reader_version)
    if rules is None:
        raise ExportError(
            Message(
                "The model {file} was trained by a PneumoScope that read films by other rules "
                "(version {theirs}), which an export could not state. Export it with the version "
                "that made it, or train it again.",
                file=file,
                theirs=card.reader_version,
            )
        )
    return {
        "made_by": MADE_BY,
        "format_version": FORMAT_VERSION,
        "program_version": program_version(),
        "kind": kind,
        "disclaimer": DISCLAIMER,
        "source": {"file": file, "sha256": sha256, "tensors_sha256": card.tensors_sha256},
        "architecture": card.architecture,
        "classes": list(card.classes),
        "display_names": {name: dict(spoken) for name, spoken in card.display_names.items()},
        "preprocessing": _preprocessing(card, rules),
        "input": _input(card),
        "outputs": _outputs(card, kind),
        "probabilities": _probabilities(card),
    }


def _preprocessing(card: ModelCard, rules: tuple[str, ...]) -> dict[str, Any]:
    made = card.preprocessing
    return {
        "reader_version": card.reader_version,
        "reader_rules": list(rules),
        "size": [made.image_size, made.image_size],
        "resize": "The whole film is stretched to the square with Lanczos "
        "(Pillow: resize(size, LANCZOS, reducing_gap=3.0)), on 8-bit levels, before scaling.",
        "scale": "x / 255",
        "mean": made.mean,
        "std": made.std,
        "formula": "(x / 255 - mean) / std, the same for all three channels",
        "channels": "A grey film is repeated three times; a coloured one is R, G, B.",
    }


def _input(card: ModelCard) -> dict[str, Any]:
    side = card.preprocessing.image_size
    return {"name": "images", "dtype": "float32", "layout": "NCHW", "shape": ["N", 3, side, side]}


def _outputs(card: ModelCard, kind: ExportKind) -> list[dict[str, Any]]:
    logits = {"name": "logits", "shape": ["N", len(card.classes)]}
    if kind == "pdparams":
        return [logits]
    side = math.ceil(card.preprocessing.image_size / 32)
    channels = expected_shapes(card.architecture, len(card.classes))["fc.weight"][1]
    # The sum over the channels, each times its weight for a class, is that class's activation map.
    return [logits, {"name": "feature_map", "shape": ["N", channels, side, side]}]


def _probabilities(card: ModelCard) -> dict[str, Any]:
    temperature: Any = (card.calibration or {}).get("temperature")
    is_number = isinstance(temperature, int | float) and not isinstance(temperature, bool)
    if not (is_number and 0 < temperature < math.inf):
        return {"calibrated": False, "temperature": None, "formula": "softmax(logits)"}
    return {
        "calibrated": True,
        "temperature": temperature,
        "formula": "softmax(logits / temperature)",
    }


def to_text(description: dict[str, Any]) -> str:
    """The description as a file or an entry holds it."""
    return json.dumps(description, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def is_description(content: bytes) -> bool:
    """Whether `to_text` wrote this."""
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(values, dict) and values.get("made_by") == MADE_BY
