"""A model file in, the same network in another program's form out.

Every export carries how its input is made and what its output means, and is written only once
it is known to give the answers of the network that was trained. Paddle computes those in a
process of its own: its `jit.save` disturbs a training in the same process, and a window that
only reads should not load it.
"""

import hashlib
import json
import logging
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pickle import dumps
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from core import files
from core.errors import Message, PneumoScopeError
from core.models.export_worker import PROGRAM, WEIGHTS, PaddleAnswers, made_up_films
from core.models.initial_weights import read_state_dict
from core.models.model_card import DISCLAIMER, ModelCard
from core.models.model_file import OpenedModel, open_model
from core.models.onnx import OnnxNetwork, onnx_file
from core.models.weights import expected_shapes
from core.runtime.devices import MAX_REASON
from core.workspace import program_version

log = logging.getLogger(__name__)

ExportKind = Literal["onnx", "paddle", "pdparams"]
SUFFIXES: Final[dict[ExportKind, str]] = {"onnx": ".onnx", "pdparams": ".pdparams"}
DESCRIPTION_FILE: Final = "pneumoscope.json"
README_FILE: Final = "README.txt"
FILES: Final = (PROGRAM, WEIGHTS, DESCRIPTION_FILE, README_FILE)  # of a folder for Paddle
TOLERANCE: Final = 1e-4  # in the unit of `largest_difference`
FORMAT_VERSION: Final = 1
MADE_BY: Final = "PneumoScope"


class ExportError(PneumoScopeError):
    """A model cannot be written in another form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """The files of an export, and how it was checked."""

    kind: ExportKind
    files: tuple[Path, ...]
    n_bytes: int  # of all of them
    checked_with: str  # the program that read it again
    difference: float  # of its outputs, in units of the largest value (of 1 where smaller)
    description: dict[str, Any]  # goes with the export, see `describe`


def export_model(model: Path, kind: ExportKind, out: Path) -> ExportReport:
    """Write a model in another form, once that is known to give the same answers.

    Args:
        model: A model file of this program's.
        kind: "onnx": one file that describes itself. "pdparams": the weights, and a description
            in `OUT.json`. "paddle": a folder for Paddle's inference engine.
        out: A file there is replaced, as a whole; so is a folder that is such an export.

    Raises:
        ModelFileError: The model is damaged, foreign or hostile.
        ExportError: Something else is at `out` or beside it, the disk refuses, or the answers
            differ.
    """
    opened = open_model(model)
    with _refused(out):
        _check_place(model, kind, out)
        with model.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        description = describe(opened.card, kind, model.name, digest)
        out.parent.mkdir(parents=True, exist_ok=True)
        checked_with, difference, written = _WRITERS[kind](model, opened, description, out)
        return ExportReport(
            kind=kind,
            files=written,
            n_bytes=sum(file.stat().st_size for file in written),
            checked_with=checked_with,
            difference=difference,
            description=description,
        )


_Written = tuple[str, float, tuple[Path, ...]]  # checked with, difference, files


def _write_onnx(
    model: Path, opened: OpenedModel, description: dict[str, Any], out: Path
) -> _Written:
    import onnxruntime

    card = opened.card
    content = onnx_file(
        card.architecture,
        opened.weights,
        card.preprocessing.image_size,
        card.training.output_stride,
        producer=(MADE_BY, description["program_version"]),
        doc=description["disclaimer"],
        metadata={"pneumoscope": to_text(description), "disclaimer": description["disclaimer"]},
    )
    with files.temporary_folder() as folder:
        wanted = _ask_paddle(model, folder)
    got = OnnxNetwork(content, card.preprocessing)(made_up_films(card.preprocessing))
    checked_with = f"ONNX Runtime {onnxruntime.__version__}"
    difference = _checked(got, wanted.eager, checked_with)
    files.write_bytes(files.behind(out), content)
    return checked_with, difference, (out,)


def _write_paddle(
    model: Path, _opened: OpenedModel, description: dict[str, Any], out: Path
) -> _Written:
    part = files.part_folder(out.parent, out.name)
    try:
        new, old = part / "new", part / "old"
        new.mkdir()
        answers = _ask_paddle(model, part, new)
        assert answers.engine is not None
        difference = _checked(answers.engine, answers.eager, f"Paddle {answers.version}")
        for name in (PROGRAM, WEIGHTS):
            with (new / name).open("rb+") as file:
                os.fsync(file.fileno())
        names = {"program": PROGRAM, "parameters": WEIGHTS, "description": DESCRIPTION_FILE}
        files.write_text(new / README_FILE, _README.format(**names))
        files.write_text(new / DESCRIPTION_FILE, to_text(description))
        _replace_folder(out, new, old)
        files.sync_folder(out.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return f"Paddle {answers.version}", difference, tuple(out / name for name in FILES)


def _write_state_dict(
    _model: Path, opened: OpenedModel, description: dict[str, Any], out: Path
) -> _Written:
    """Write weights for `set_state_dict`, under the names of Paddle's own ResNet."""
    state = {
        _paddle_name(name): np.ascontiguousarray(array.T if array.ndim == 2 else array)
        for name, array in opened.weights.items()
    }
    # The table of names tells paddle.load that the arrays are a network's.
    table = {"StructuredToParameterName@@": {name: name for name in state}}
    content = dumps({**state, **table}, protocol=4)
    with files.temporary_folder() as folder:
        path = folder / "weights.pdparams"
        path.write_bytes(content)
        read = read_state_dict(path)
    for name, array in state.items():
        got = read.get(name)
        if got is None or not np.array_equal(got, array):
            raise RuntimeError(f"{name} was not written as it is")
    files.write_bytes(files.behind(out), content)
    beside = _beside(out)
    files.write_text(files.behind(beside), to_text(description))
    return MADE_BY, 0.0, (out, beside)


_Writer = Callable[[Path, OpenedModel, dict[str, Any], Path], _Written]
_WRITERS: Final[dict[ExportKind, _Writer]] = {
    "onnx": _write_onnx,
    "paddle": _write_paddle,
    "pdparams": _write_state_dict,
}


def _paddle_name(name: str) -> str:
    return name.replace(".running_mean", "._mean").replace(".running_var", "._variance")


def largest_difference(
    got: Sequence[NDArray[np.float32]], wanted: Sequence[NDArray[np.float32]]
) -> float:
    """Compare outputs, in units of the largest value wanted (of 1 where all are smaller)."""
    return max(
        float(np.abs(one - other).max() / max(1.0, float(np.abs(other).max())))
        for one, other in zip(got, wanted, strict=True)
    )


def _checked(
    got: Sequence[NDArray[np.float32]], wanted: Sequence[NDArray[np.float32]], program: str
) -> float:
    difference = largest_difference(got, wanted)
    if not difference <= TOLERANCE:  # also where it is no number
        raise ExportError(
            Message(
                "Nothing was exported: in {program} the network gives other answers (difference "
                "{difference}). Use the model in PneumoScope itself.",
                program=program,
                difference=f"{difference:.1e}",
            )
        )
    return difference


_ROOT: Final = Path(__file__).parents[2]
_WORKER: Final = f"""\
import sys
sys.path.insert(0, {str(_ROOT)!r})
from core.models.export_worker import main
main()
"""
_MOST_SECONDS: Final = 180.0  # most of it loads Paddle, which takes 2 on a quiet machine


def _ask_paddle(model: Path, folder: Path, export_to: Path | None = None) -> PaddleAnswers:
    """Let Paddle answer `made_up_films`, in a process of its own.

    Args:
        model: The model file.
        folder: For what the process writes for us.
        export_to: Where it writes the network in Paddle's inference format, if at all.

    Raises:
        OSError: A folder cannot be written, or no process be started.
        RuntimeError: The process failed.
    """
    answers = folder / "answers.npz"
    places = [str(place) for place in (model, answers, export_to) if place is not None]
    try:
        done = subprocess.run(
            # Isolated: neither the working folder nor the environment lends it modules.
            [sys.executable, "-I", "-c", _WORKER, *places],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_MOST_SECONDS,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError("Paddle took too long") from error
    if done.returncode:
        log.debug("Paddle failed: %s", done.stderr.decode(errors="replace"))
        raise RuntimeError(f"Paddle ended with code {done.returncode}")
    return PaddleAnswers.read(answers)


# By the version of the image reader a network learned with, see `core.images.reading`.
_RULES: Final = (
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
READER_RULES: Final = {
    2: _RULES,
    3: (
        *_RULES,
        "DICOM: pixel padding and what lies outside the display shutter are black and count for "
        "nothing; a LUT that states 16 bits and does not use the highest is white at its greatest "
        "entry; pixels that are not square are repeated until they are.",
    ),
}


def describe(card: ModelCard, kind: ExportKind, file: str, sha256: str) -> dict[str, Any]:
    """Describe input, outputs and origin of an export as plain JSON types.

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
    side = math.ceil(card.preprocessing.image_size / card.training.output_stride)
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
    """Return the description as a file or an entry holds it."""
    return files.json_text(description) + "\n"


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


def _check_place(model: Path, kind: ExportKind, out: Path) -> None:
    if kind == "paddle":
        _check_folder(out)
        return
    suffix = SUFFIXES[kind]
    if out.suffix.lower() != suffix:
        raise ExportError(
            Message(
                "Give {file} a name that ends in {suffix}, so that other programs know what it is.",
                file=out.name or str(out),
                suffix=suffix,
            )
        )
    if os.path.lexists(out) and (not out.is_file() or out.samefile(model)):
        raise _taken(out)
    beside = _beside(out)
    if kind == "pdparams" and os.path.lexists(beside) and not _is_description(beside):
        raise _taken(beside)


def _beside(out: Path) -> Path:
    """Return the place of the description of a file of weights."""
    return out.with_name(f"{out.name}.json")


def _is_description(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        values = json.loads(path.read_bytes()[:_MAX_DESCRIPTION])
    except (ValueError, RecursionError):
        return False
    return isinstance(values, dict) and values.get("made_by") == MADE_BY


_MAX_DESCRIPTION: Final = 2**20  # bytes; ours has some thousand


def _taken(place: Path) -> ExportError:
    return ExportError(
        Message(
            "{file} exists already and is no export of PneumoScope's. Choose another name.",
            file=str(place),
        )
    )


def _check_folder(folder: Path) -> None:
    """Refuse a place where an export would mix with or replace what is not one.

    Raises:
        ExportError: It is a file, or a folder with other things in it.
        OSError: It cannot be looked into.
    """
    if not os.path.lexists(folder):
        return
    if folder.is_dir() and not folder.is_symlink():
        names = {entry.name for entry in folder.iterdir()}
        if not names or (names == set(FILES) and _is_description(folder / DESCRIPTION_FILE)):
            return
    raise ExportError(
        Message(
            "{folder} exists already and is no export of PneumoScope's. Choose a new folder.",
            folder=str(folder),
        )
    )


def _replace_folder(folder: Path, new: Path, old: Path) -> None:
    """Put `new` in the place of `folder`, which is put back where that fails."""
    _check_folder(folder)  # somebody may have been there meanwhile
    is_there = folder.exists()
    if is_there:
        os.replace(folder, old)
    try:
        os.replace(new, folder)
    except OSError:
        if is_there:
            os.replace(old, folder)
        raise


@contextmanager
def _refused(out: Path) -> Iterator[None]:
    """Turn what the system and Paddle raise into a refusal."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, SystemError, MemoryError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ExportError(
            Message(
                "The model could not be exported to {file}: {reason}. Free some space, choose "
                "another place, or try another format.",
                file=str(out),
                reason=next(iter(reason.splitlines()), type(error).__name__)[:MAX_REASON],
            )
        ) from error
