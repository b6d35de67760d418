"""A checked model file in, the same network in another program's form out."""

import hashlib
import io
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core import files as storage
from core.config import Preprocessing
from core.errors import Message
from core.models.export import (
    MADE_BY,
    ExportError,
    ExportKind,
    ExportReport,
    check_folder,
    describe,
    is_description,
    run_onnx,
    to_text,
    write_folder,
)
from core.models.initial_weights import read_state_dict
from core.models.model_file import OpenedModel, open_model
from core.models.onnx import onnx_file
from core.models.paddle_inference import InferenceEngine, fold, trace
from core.models.resnet import build_resnet, place_of, to_input
from core.models.weights import load_arrays
from core.runtime.devices import MAX_REASON, use_device
from core.runtime.paddle import paddle

TOLERANCE: Final = 1e-4  # in the unit of `largest_difference`
_N_FILMS = 2
_N_BLOBS = 8  # along each side


def made_up_films(preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Bright and dark blobs under noise, (N, S, S): something for every filter to find."""
    size = preprocessing.image_size
    rng = np.random.default_rng(0)
    blobs = rng.integers(0, 256, (_N_FILMS, _N_BLOBS, _N_BLOBS))
    large = np.kron(blobs, np.ones((1, -(-size // _N_BLOBS), -(-size // _N_BLOBS)), int))
    noisy = large[:, :size, :size] + rng.normal(0, 8, (_N_FILMS, size, size))
    return noisy.clip(0, 255).astype(np.uint8)


def eager_outputs(
    network: Any, films: NDArray[np.uint8], preprocessing: Preprocessing
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """The network's input, its logits and its last feature maps, from films (N, S, S[, 3])."""
    with paddle.no_grad():
        images = to_input(films, preprocessing, place_of(network))
        maps = network.features(images)
        return images.numpy(), network.classify(maps).numpy(), maps.numpy()


def largest_difference(
    got: Sequence[NDArray[np.float32]], wanted: Sequence[NDArray[np.float32]]
) -> float:
    """Between outputs, in units of the largest value wanted (of 1 where all are smaller)."""
    return max(
        float(np.abs(one - other).max() / max(1.0, float(np.abs(other).max())))
        for one, other in zip(got, wanted, strict=True)
    )


def state_dict_file(network: Any) -> bytes:
    """The content of the file, under the names that `paddle.vision.models` uses too.

    Raises:
        ModelFileError: What was written does not read as it must.
        OSError: There is no room for temporary files.
        RuntimeError: What was written is not what the network holds.
    """
    buffer = io.BytesIO()
    state = network.state_dict()
    paddle.save(state, buffer, protocol=4)
    content = buffer.getvalue()
    with tempfile.TemporaryDirectory(prefix="pneumoscope-") as folder:
        path = Path(folder) / "weights.pdparams"
        path.write_bytes(content)
        read = read_state_dict(path)
    for name, tensor in state.items():
        array = read.get(name)
        if array is None or not np.array_equal(array, tensor.numpy()):
            raise RuntimeError(f"{name} was not written as it is")
    return content


MAX_DESCRIPTION: Final = 2**20  # bytes; ours has some thousand
SUFFIXES: Final[dict[ExportKind, str]] = {"onnx": ".onnx", "pdparams": ".pdparams"}


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
        checked_with, difference, files = _WRITERS[kind](opened, description, out)
        return ExportReport(
            kind=kind,
            files=files,
            n_bytes=sum(file.stat().st_size for file in files),
            checked_with=checked_with,
            difference=difference,
            description=description,
        )


_Written = tuple[str | None, float | None, tuple[Path, ...]]  # checked with, difference, files


def _write_onnx(opened: OpenedModel, description: dict[str, Any], out: Path) -> _Written:
    card = opened.card
    content = onnx_file(
        card.architecture,
        opened.weights,
        card.preprocessing.image_size,
        producer=(MADE_BY, description["program_version"]),
        doc=description["disclaimer"],
        metadata={"pneumoscope": to_text(description), "disclaimer": description["disclaimer"]},
    )
    images, *wanted = _outputs(opened)
    ran = run_onnx(content, images)
    checked_with, difference = None, None
    if ran is not None:
        checked_with = f"ONNX Runtime {ran.version}"
        difference = _checked((ran.logits, ran.maps), wanted, checked_with)
    storage.write_bytes(out, content)
    return checked_with, difference, (out,)


def _write_paddle(opened: OpenedModel, description: dict[str, Any], out: Path) -> _Written:
    images, *wanted = _outputs(opened)
    program = trace(opened.card.architecture, len(opened.card.classes))
    checked_with = f"Paddle {paddle.version.full_version}"
    differences = []

    def check(*files: Path) -> None:
        differences.append(_checked(InferenceEngine(*files)(images), wanted, checked_with))

    files = write_folder(out, program, fold(opened.weights), description, check)
    return checked_with, differences[0], files


def _beside(out: Path) -> Path:
    """Where the description of a file of weights stands."""
    return out.with_name(f"{out.name}.json")


def _write_state_dict(opened: OpenedModel, description: dict[str, Any], out: Path) -> _Written:
    storage.write_bytes(out, state_dict_file(_network(opened)))
    beside = _beside(out)
    storage.write_text(beside, to_text(description))
    return MADE_BY, 0.0, (out, beside)  # bit by bit, or `state_dict_file` had refused


_WRITERS: Final[dict[ExportKind, Callable[[OpenedModel, dict[str, Any], Path], _Written]]] = {
    "onnx": _write_onnx,
    "paddle": _write_paddle,
    "pdparams": _write_state_dict,
}


def _network(opened: OpenedModel) -> Any:
    """The eager network, on the processor; another thread's device stays what it was."""
    before = paddle.get_device()
    use_device("cpu")
    try:
        network = build_resnet(opened.card.architecture, len(opened.card.classes))
        load_arrays(network, opened.weights)
    finally:
        use_device(before)
    network.eval()
    return network


def _outputs(opened: OpenedModel) -> tuple[NDArray[np.float32], ...]:
    """Input, logits and last feature maps of the eager network, on films made up for it."""
    preprocessing = opened.card.preprocessing
    return eager_outputs(_network(opened), made_up_films(preprocessing), preprocessing)


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


def _check_place(model: Path, kind: ExportKind, out: Path) -> None:
    if kind == "paddle":
        check_folder(out)
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
    if kind == "pdparams" and os.path.lexists(beside) and not _is_description_file(beside):
        raise _taken(beside)


def _is_description_file(path: Path) -> bool:
    return path.is_file() and is_description(path.read_bytes()[:MAX_DESCRIPTION])


def _taken(place: Path) -> ExportError:
    return ExportError(
        Message(
            "{file} exists already and is no export of PneumoScope's. Choose another name.",
            file=str(place),
        )
    )


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
