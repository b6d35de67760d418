"""What goes with every export: how its input is made and what its output means."""

import json
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from core import files
from core.errors import Message, PneumoScopeError
from core.models.model_card import DISCLAIMER, ModelCard
from core.models.weights import expected_shapes
from core.workspace import program_version


class ExportError(PneumoScopeError):
    """A model cannot be written in another form."""


@dataclass(frozen=True, slots=True, eq=False)
class RuntimeOutputs:
    """What ONNX Runtime gives."""

    version: str
    logits: NDArray[np.float32]  # (N, C)
    maps: NDArray[np.float32]  # (N, F, h, w)


def run_onnx(content: bytes, images: NDArray[np.float32]) -> RuntimeOutputs | None:
    """Run a file; None where ONNX Runtime is not installed.

    Args:
        content: Of an .onnx file of `core.models.onnx`.
        images: (N, 3, S, S).

    Raises:
        RuntimeError: It does not take the file.
    """
    try:
        import onnxruntime  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except ImportError:
        return None
    onnxruntime.disable_telemetry_events()  # nothing leaves the machine
    try:
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        logits, maps = session.run(["logits", "feature_map"], {"images": images})
    except Exception as error:  # it has a dozen kinds of its own, all derived from Exception
        raise RuntimeError(str(error)) from error
    return RuntimeOutputs(onnxruntime.__version__, logits, maps)


ExportKind = Literal["onnx", "paddle", "pdparams"]
FORMAT_VERSION: Final = 1
MADE_BY: Final = "PneumoScope"

# By the version of the image reader a network learned with, see `core.images.reading`.
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


PROGRAM_FILE: Final = "inference.json"
PARAMETER_FILE: Final = "inference.pdiparams"
DESCRIPTION_FILE: Final = "pneumoscope.json"
README_FILE: Final = "README.txt"
FILES: Final = (PROGRAM_FILE, PARAMETER_FILE, DESCRIPTION_FILE, README_FILE)

_README = """\
A network in Paddle's inference format. Research and teaching only, never diagnosis.
Paddle 推理格式的网络。仅供科研与教学，不可用于诊断。

{program}, {parameters}: the network / 网络
{description}: classes, preprocessing, meaning of the outputs / 类别、预处理与输出的含义

    import json
    import numpy as np
    from paddle.inference import Config, create_predictor
    from PIL import Image

    about = json.load(open("{description}", encoding="utf-8"))
    made = about["preprocessing"]
    film = Image.open("film.png").convert("L")  # 8 bits; see "reader_rules" for other films
    film = film.resize(tuple(made["size"]), Image.Resampling.LANCZOS, reducing_gap=3.0)
    x = (np.asarray(film, np.float32) / 255 - made["mean"]) / made["std"]
    x = np.repeat(x[None, None], 3, axis=1).astype("float32")  # (1, 3, S, S)

    predictor = create_predictor(Config("{program}", "{parameters}"))
    predictor.get_input_handle("images").copy_from_cpu(x)
    predictor.run()
    logits, feature_map = (
        predictor.get_output_handle(name).copy_to_cpu() for name in predictor.get_output_names()
    )
    z = logits / (about["probabilities"]["temperature"] or 1)
    p = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    print(dict(zip(about["classes"], p[0].tolist())))
"""


def check_folder(folder: Path) -> None:
    """Refuse a place where an export would mix with or replace what is not one.

    Raises:
        ExportError: It is a file, or a folder with other things in it.
        OSError: It cannot be looked into.
    """
    if not os.path.lexists(folder):
        return
    if folder.is_dir() and not folder.is_symlink():
        names = {entry.name for entry in folder.iterdir()}
        if not names or (names == set(FILES) and _is_ours(folder)):
            return
    raise ExportError(
        Message(
            "{folder} exists already and is no export of PneumoScope's. Choose a new folder.",
            folder=str(folder),
        )
    )


def write_folder(
    folder: Path,
    program: bytes,
    weights: Mapping[str, NDArray[np.float32]],
    description: dict[str, Any],
    check: Callable[[Path, Path], None],
) -> tuple[Path, ...]:
    """Write the folder, replacing an older export there; the files.

    Args:
        folder: As `check_folder` lets pass.
        program: From `core.models.paddle_inference.trace`.
        weights: From `core.models.paddle_inference.fold`.
        description: From `core.models.export.describe`.
        check: Called with program and parameters before anything is replaced; may raise.

    Raises:
        OSError: The disk refuses; an older export is still there.
    """
    from core.models.paddle_inference import parameter_parts  # loads Paddle

    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".part"))
    try:
        new, old = part / "new", part / "old"
        new.mkdir()
        with (new / PARAMETER_FILE).open("wb") as file:
            file.writelines(parameter_parts(weights))
            file.flush()
            os.fsync(file.fileno())
        files.write_bytes(new / PROGRAM_FILE, program)
        check(new / PROGRAM_FILE, new / PARAMETER_FILE)
        names = {
            "program": PROGRAM_FILE,
            "parameters": PARAMETER_FILE,
            "description": DESCRIPTION_FILE,
        }
        files.write_text(new / README_FILE, _README.format(**names))
        files.write_text(new / DESCRIPTION_FILE, to_text(description))
        _replace(folder, new, old)
        files.sync_folder(folder.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return tuple(folder / name for name in FILES)


def _replace(folder: Path, new: Path, old: Path) -> None:
    """Put `new` in the place of `folder`, which is put back where that fails."""
    check_folder(folder)  # somebody may have been there meanwhile
    is_there = folder.exists()
    if is_there:
        os.replace(folder, old)
    try:
        os.replace(new, folder)
    except OSError:
        if is_there:
            os.replace(old, folder)
        raise


def _is_ours(folder: Path) -> bool:
    return is_description((folder / DESCRIPTION_FILE).read_bytes())


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What was written, and how it was checked."""

    kind: ExportKind
    files: tuple[Path, ...]
    n_bytes: int  # of all of them
    checked_with: str | None  # the program that read it again; None: none is installed
    difference: float | None  # of its outputs, in units of the largest value (of 1 where smaller)
    description: dict[str, Any]  # what goes with the export, see `description.describe`


def export_model(model: Path, kind: ExportKind, out: Path) -> ExportReport:
    """Write a model in another form; see `core.models.exporting.export_model`."""
    from core.models.exporting import export_model as export

    return export(model, kind, out)
