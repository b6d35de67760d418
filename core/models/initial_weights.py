"""How much of a file's weights a network of ours can start from."""

import hashlib
import http.client
import json
import math
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal

import numpy as np
import safetensors
from numpy.typing import NDArray

from core import files
from core.config import ARCHITECTURES, Architecture
from core.errors import Message, ModelFileError
from core.events import Progress
from core.models.model_file import MAX_FILE_BYTES, METADATA_KEY, open_model
from core.models.weights import PLANS, Plan, expected_shapes, first_non_finite

# Wrappers put these before every name: data parallel, compiled, or parts of a larger network.
_PREFIXES = ("module.", "model.", "backbone.", "_orig_mod.")
_ENDINGS = {"_mean": "running_mean", "_variance": "running_var"}  # Paddle's batch norm
_STEM = re.compile(r"stem\.0\.(conv|bn)\.(\w+)")  # PaddleClas counts blocks through all stages
_IN_BLOCK = re.compile(r"blocks\.(\d{1,3})\.(?:conv(\d)|short)\.(conv|bn)\.(\w+)")


def torchvision_name(name: str, plan: Plan) -> str:
    """What torchvision calls the tensor that the file calls `name`.

    Known are torchvision's and timm's names (the same), those of `paddle.vision`, and
    PaddleClas's. A strange name comes back as it is.

    Args:
        name: In the file.
        plan: Of the network that the file is taken for; says where a counted block stands.
    """
    while prefix := next((start for start in _PREFIXES if name.startswith(start)), None):
        name = name.removeprefix(prefix)
    path, _, ending = name.rpartition(".")
    if ending in _ENDINGS and path:
        name = f"{path}.{_ENDINGS[ending]}"
    if stem := _STEM.fullmatch(name):
        part, ending = stem.groups()
        return f"{part}1.{ending}"
    if inner := _IN_BLOCK.fullmatch(name):
        number, place, part, ending = inner.groups()
        block = _block(int(number), plan)
        if block is None:
            return name
        if place is None:
            return f"{block}.downsample.{'0' if part == 'conv' else '1'}.{ending}"
        return f"{block}.{part}{int(place) + 1}.{ending}"
    return name


def is_layout_of_paddle(names: Iterable[str]) -> bool:
    """Whether the file holds the last layer as (features, classes), the other way round."""
    return any(name.endswith("._mean") for name in names)


def _block(number: int, plan: Plan) -> str | None:
    for stage, n_blocks in enumerate(plan.n_blocks, start=1):
        if number < n_blocks:
            return f"layer{stage}.{number}"
        number -= n_blocks
    return None


_SECONDS: Final = 20.0  # without a byte
_CHUNK_BYTES: Final = 1 << 18
_MAX_BYTES: Final = 300_000_000  # that of the largest has 242 MB
_MAX_QUOTED: Final = 100  # characters of a foreign text in a sentence
_ADDRESS: Final = "https://paddle-hapi.bj.bcebos.com/models/{file}"


@dataclass(frozen=True, slots=True)
class PublishedWeights:
    """A file that Paddle publishes."""

    file: str  # its name, there and here
    url: str
    md5: str  # hexadecimal; the only checksum that Paddle publishes


# `model_urls` in paddle/vision/models/resnet.py of PaddlePaddle 3.3.
_MD5: Final[dict[Architecture, str]] = {
    "resnet18": "cf548f46534aa3560945be4b95cd11c4",
    "resnet34": "8d2275cf8706028345f78ac0e1d31969",
    "resnet50": "ca6f485ee1ab0492d38f323885b0ad80",
    "resnet101": "02f35f034ca3858e1e54d4036443c92d",
    "resnet152": "7ad16a2f1e7333859ff986138630fd7a",
}


def published(architecture: Architecture) -> PublishedWeights:
    """The file with the ImageNet weights of a network."""
    file = f"{architecture}.pdparams"
    return PublishedWeights(file, _ADDRESS.format(file=file), _MD5[architecture])


def download(architecture: Architecture, folder: Path) -> Iterator[Progress | Path]:
    """Fetch the published weights into a folder, unless they lie there already.

    Yields:
        Progress in bytes, and at last where the file is.

    Raises:
        ModelFileError: The network or the disk refused; which file to bring is told.
    """
    weights = published(architecture)
    path = folder / weights.file
    if not _is_there(path, weights):
        content = yield from _fetched(weights, path)
        if _md5(content).hexdigest() != weights.md5:
            raise _not_fetched(weights, path, Message("what came has the wrong checksum"))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            files.write_bytes(path, content)
        except OSError as error:
            raise ModelFileError(
                Message(
                    "The weights could not be saved in {folder}: {reason}. "
                    "Free some space, or allow writing there.",
                    folder=str(folder),
                    reason=error.strerror or str(error),
                )
            ) from error
    yield path


def _fetched(weights: PublishedWeights, path: Path) -> Generator[Progress, None, bytes]:
    stage = Message("Fetching {file}", file=weights.file)
    chunks, n_bytes = [], 0
    try:
        with urllib.request.urlopen(weights.url, timeout=_SECONDS) as response:
            total = int(response.headers.get("Content-Length") or 0)
            while chunk := response.read(_CHUNK_BYTES):
                chunks.append(chunk)
                n_bytes += len(chunk)
                if n_bytes > _MAX_BYTES:
                    raise _not_fetched(weights, path, Message("what comes is too large"))
                yield Progress(stage, n_bytes, max(total, n_bytes))
    except (OSError, ValueError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise _not_fetched(weights, path, _reason(error)) from error
    return b"".join(chunks)


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code}"
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(cause)[:_MAX_QUOTED]


def _is_there(path: Path, weights: PublishedWeights) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, _md5).hexdigest() == weights.md5
    except OSError:
        return False


def _md5(content: bytes = b"") -> "hashlib._Hash":
    # It guards against accidents only: the strict reader guards against ill will.
    return hashlib.md5(content, usedforsecurity=False)


def _not_fetched(weights: PublishedWeights, path: Path, reason: Message | str) -> ModelFileError:
    if path.exists():  # and was found wrong
        return ModelFileError(
            Message(
                "{file} in {folder} is not the file that Paddle publishes (its checksum differs), "
                "and {url} does not give another ({reason}). Download it again on any "
                "computer and put it there.",
                file=weights.file,
                folder=str(path.parent),
                url=weights.url,
                reason=reason,
            )
        )
    return ModelFileError(
        Message(
            "{file} could not be fetched: {reason}. Download {url} on any computer and put the "
            "file into {folder}; or train without initial weights.",
            file=weights.file,
            reason=reason,
            url=weights.url,
            folder=str(path.parent),
        )
    )


def unreadable(path: Path, error: OSError | ValueError) -> ModelFileError:
    """The system does not hand the file out."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ModelFileError(
        Message(
            "The weights {file} cannot be read: {reason}. Check that the file is still there.",
            file=path.name,
            reason=reason,
        )
    )


def damaged(path: Path) -> ModelFileError:
    """It begins like a file of weights and goes on otherwise."""
    return ModelFileError(
        Message(
            "The weights {file} are damaged or were altered. Get a fresh copy of the file.",
            file=path.name,
        )
    )


def unknown_kind(path: Path) -> ModelFileError:
    """No file of weights at all."""
    return ModelFileError(
        Message(
            "{file} holds no weights that PneumoScope can start from. Choose a .safetensors file "
            "with a ResNet, a .pdparams file of Paddle's, or a model made by PneumoScope.",
            file=path.name,
        )
    )


def too_large(path: Path) -> ModelFileError:
    """Larger than any ResNet."""
    return ModelFileError(
        Message(
            "{file} is larger than any ResNet that PneumoScope trains. "
            "Choose a file with the weights alone.",
            file=path.name,
        )
    )


def not_arrays(path: Path) -> ModelFileError:
    """A state of something else than a network, or of more."""
    return ModelFileError(
        Message(
            "{file} holds other things than a network's weights. Choose the file that was saved "
            "from the network alone (in Paddle: paddle.save(network.state_dict(), file)).",
            file=path.name,
        )
    )


def torch_file(path: Path) -> ModelFileError:
    """PyTorch's own format, a pickle in a zip."""
    return ModelFileError(
        Message(
            "{file} seems to be a PyTorch file (.pth, .pt). Such files can run code when they are "
            "read. Where PyTorch is installed, save the weights as safetensors and choose that "
            "file: from safetensors.torch import save_file; "
            "save_file(torch.load(old, weights_only=True), new)",
            file=path.name,
        )
    )


def repeated(path: Path, tensor: str) -> ModelFileError:
    """Two tensors of the file would go to one place."""
    return ModelFileError(
        Message(
            "{file} has the tensor {name} twice, so it holds more than one network. "
            "Choose a file with one.",
            file=path.name,
            name=tensor,
        )
    )


def impossible_values(path: Path, tensor: str) -> ModelFileError:
    """NaN, infinity, or a negative variance."""
    return ModelFileError(
        Message(
            "The weights {file} are of no use: the tensor {name} holds values that are not "
            "possible. Choose another file.",
            file=path.name,
            name=tensor,
        )
    )


def other_architecture(path: Path, theirs: Architecture, ours: Architecture) -> ModelFileError:
    """A network of ours, but not the one that the run trains."""
    return ModelFileError(
        Message(
            "{file} holds a {theirs}, but this run trains a {ours}. "
            "Choose {theirs} as the network, or weights of a {ours}.",
            file=path.name,
            theirs=_spoken(theirs),
            ours=_spoken(ours),
        )
    )


def other_network(path: Path, ours: Architecture, n_fitting: int, n_tensors: int) -> ModelFileError:
    """Too little of it fits."""
    return ModelFileError(
        Message(
            "{file} belongs to another network: {n_fitting} of {n_tensors} tensors fit a {ours}. "
            "Choose weights of a {ours}, with torchvision's, timm's or Paddle's names.",
            file=path.name,
            n_fitting=n_fitting,
            n_tensors=n_tensors,
            ours=_spoken(ours),
        )
    )


def _spoken(architecture: Architecture) -> str:
    return architecture.replace("resnet", "ResNet-")


# Name -> array; None where the file has no fractions there (counters, for instance).
ForeignTensors = Mapping[str, NDArray[np.float32] | None]

_FLOATS = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}  # safetensors' names


def as_float32(
    data: bytes | memoryview, kind: str, shape: Sequence[int], order: str = "C"
) -> NDArray[np.float32] | None:
    """Copy a tensor out of a file's bytes.

    Args:
        data: Exactly the tensor's bytes.
        kind: A type as safetensors or numpy writes it: "BF16", "<f4". bfloat16 travels as
            "<u2" in Paddle's files.
        shape: Of the result.
        order: "C" or "F", as numpy means them.

    Returns:
        Values too large for float32 are infinite; None for types that hold no fractions.

    Raises:
        ValueError: The bytes are not as many as the shape needs.
    """
    if kind in ("BF16", "<u2", ">u2"):
        # bfloat16 is the upper half of a float32.
        words = np.frombuffer(data, ">u2" if kind == ">u2" else "<u2").astype(np.uint32) << 16
        flat = words.view(np.float32)
    else:
        stored = _FLOATS.get(kind, kind)
        if stored[1:] not in ("f2", "f4", "f8"):
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            flat = np.frombuffer(data, stored).astype(np.float32)
    if flat.size != math.prod(shape):
        raise ValueError("bytes and shape differ")
    values = flat.reshape(tuple(shape), order="F" if order == "F" else "C")
    return np.ascontiguousarray(values).reshape(tuple(shape))  # a scalar would become (1,)


_MAX_HEADER_BYTES = 10_000_000  # that of a ResNet-152 has 100,000
_METADATA = "__metadata__"


def read_metadata(path: Path) -> dict[str, Any]:
    """What the file says about itself beside its tensors; empty where it says nothing.

    Raises:
        ModelFileError: The file cannot be read, or its beginning makes no sense.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > _MAX_HEADER_BYTES:
                raise damaged(path)
            metadata = json.loads(file.read(length)).get(_METADATA)
    except OSError as error:
        raise unreadable(path, error) from error
    except (AttributeError, RecursionError, ValueError) as error:
        raise damaged(path) from error
    return metadata if isinstance(metadata, dict) else {}


def read_safetensors(path: Path) -> ForeignTensors:
    """Read all tensors as float32; bfloat16, float16 and float64 too.

    Raises:
        ModelFileError: The file cannot be read or is damaged.
    """
    try:
        entries = safetensors.deserialize(path.read_bytes())  # type: ignore[no-untyped-call]
        return {
            name: as_float32(entry["data"], entry["dtype"], entry["shape"])
            for name, entry in entries
        }
    except OSError as error:
        raise unreadable(path, error) from error
    except (safetensors.SafetensorError, ValueError) as error:
        raise damaged(path) from error


_WORKER: Final = Path(__file__).with_name("pdparams_worker.py")
_MOST_SECONDS: Final = 60.0  # a ResNet-152 takes three with protocol 2, else a half
_MAX_LINE_BYTES: Final = 1 << 24  # 5000 arrays with long names


def read_state_dict(path: Path) -> ForeignTensors:
    """Read the arrays of a pickled dictionary; nothing in the file is ever run.

    Raises:
        ModelFileError: The file cannot be read or is anything else.
    """
    with _asked(path) as process:
        watchdog = threading.Timer(_MOST_SECONDS, process.kill)
        watchdog.start()
        try:
            assert process.stdout is not None
            return _arrays(path, process.stdout)
        except (KeyError, TypeError, ValueError) as error:  # half an answer, or none
            raise damaged(path) from error
        finally:
            process.kill()
            watchdog.cancel()
            watchdog.join()


def _asked(path: Path) -> "subprocess.Popen[bytes]":
    try:
        with path.open("rb") as file:
            return subprocess.Popen(
                # Isolated: neither folder, nor environment, nor packages lend it modules.
                [sys.executable, "-I", "-S", str(_WORKER)],
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
    except OSError as error:
        raise unreadable(path, error) from error


def _arrays(path: Path, stream: IO[bytes]) -> ForeignTensors:
    answer: dict[str, Any] = json.loads(stream.readline(_MAX_LINE_BYTES))
    if "refused" in answer:
        raise _refusal(path, answer["refused"], answer["what"])
    tensors = {}
    for name, kind, shape, order, n_bytes in answer["arrays"]:
        tensors[name] = as_float32(stream.read(n_bytes), kind, shape, order)
    return tensors


def _refusal(path: Path, reason: str, what: str) -> ModelFileError:
    if reason == "global" and what.startswith("torch"):
        return torch_file(path)
    if reason == "global":
        return ModelFileError(
            Message(
                "{file} asks for {what} to be run when it is read, which weights never need. "
                "It was not run. Do not use this file; get the weights from their publisher.",
                file=path.name,
                what=what,
            )
        )
    if reason == "content":
        return not_arrays(path)
    if reason == "memory":
        return ModelFileError(
            Message(
                "{file} needs more memory than weights do. Choose another file.", file=path.name
            )
        )
    return damaged(path)


WeightsKind = Literal["safetensors", "paddle", "pneumoscope"]
Shape = tuple[int, ...]

LAST_LAYER = ("fc.weight", "fc.bias")
_LEAST_SHARE = 0.5  # of the backbone's tensors; less is another network that shares some names
_COUNTER = ".num_batches_tracked"  # PyTorch's; training here has no use for it


@dataclass(frozen=True, slots=True)
class InitialWeights:
    """What a run starts from, and what was left as it was."""

    name: str  # of the file
    kind: WeightsKind
    arrays: Mapping[str, NDArray[np.float32]]  # under torchvision's names, in its layout
    matched: tuple[str, ...]  # the names of `arrays`
    missing: tuple[str, ...]  # what keeps its random start, for whatever reason
    unused: tuple[str, ...]  # in the file, for nothing here
    mismatched: tuple[tuple[str, Shape, Shape], ...]  # name, the file's shape, ours


def fit(
    tensors: ForeignTensors,
    architecture: Architecture,
    n_classes: int,
    *,
    path: Path,
    kind: WeightsKind,
    is_last_layer_wanted: bool = True,
) -> InitialWeights:
    """Pick the tensors that fit a network; the backbone, where the classes are others.

    Raises:
        ModelFileError: They belong to another network, to two, or hold impossible values.
    """
    if is_layout_of_paddle(tensors):
        tensors = {name: _turned(array) for name, array in tensors.items()}
    found = _recognised(tensors)
    if found is not None and found != architecture:
        raise other_architecture(path, found, architecture)
    wanted = expected_shapes(architecture, n_classes)
    offered, unused = _offered(tensors, architecture, wanted, path)
    fitting = {
        name: offered[name]
        for name, shape in wanted.items()
        if name in offered and offered[name].shape == shape
    }
    mismatched = tuple(
        (name, offered[name].shape, shape)
        for name, shape in wanted.items()
        if name in offered and name not in fitting
    )
    if not is_last_layer_wanted or any(name not in fitting for name in LAST_LAYER):
        # Half a layer would be of no use.
        unused += [name for name in LAST_LAYER if fitting.pop(name, None) is not None]
    n_backbone = len(wanted) - len(LAST_LAYER)
    n_fitting = sum(name not in LAST_LAYER for name in fitting)
    if n_fitting < _LEAST_SHARE * n_backbone:
        raise other_network(path, architecture, n_fitting, n_backbone)
    _check_values(path, fitting)
    return InitialWeights(
        name=path.name.encode("utf-8", "replace").decode(),
        kind=kind,
        arrays=fitting,
        matched=tuple(fitting),
        missing=tuple(name for name in wanted if name not in fitting),
        unused=tuple(unused),
        mismatched=mismatched,
    )


def _offered(
    tensors: ForeignTensors,
    architecture: Architecture,
    wanted: Mapping[str, Shape],
    path: Path,
) -> tuple[dict[str, NDArray[np.float32]], list[str]]:
    """The tensors that have a name of ours, under it, and the names of all others."""
    offered: dict[str, NDArray[np.float32]] = {}
    unused = []
    for theirs, array in tensors.items():
        ours = torchvision_name(theirs, PLANS[architecture])
        if ours in offered:
            raise repeated(path, ours)
        if ours in wanted and array is not None:
            offered[ours] = array
        elif not ours.endswith(_COUNTER):
            unused.append(theirs)
    return offered, unused


def _recognised(tensors: ForeignTensors) -> Architecture | None:
    """The largest network of ours whose whole backbone is in the file.

    The smaller ones' tensors are among those of the larger: a ResNet-34 holds a ResNet-18.
    """
    for architecture in reversed(ARCHITECTURES):
        shapes = {
            torchvision_name(name, PLANS[architecture]): None if array is None else array.shape
            for name, array in tensors.items()
        }
        wanted = expected_shapes(architecture, n_classes=2)
        if all(shapes.get(name) == wanted[name] for name in wanted if name not in LAST_LAYER):
            return architecture
    return None


def _turned(array: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    # No tensor of a ResNet but the last layer's has two dimensions.
    return array if array is None or array.ndim != 2 else np.ascontiguousarray(array.T)


def _check_values(path: Path, arrays: Mapping[str, NDArray[np.float32]]) -> None:
    broken = first_non_finite(arrays) or next(
        (n for n, a in arrays.items() if n.endswith(".running_var") and (a < 0).any()), None
    )
    if broken is not None:
        raise impossible_values(path, broken)


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


_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_ZIP = b"PK\x03\x04"
_TORCH_ENTRY = b"data.pkl"  # the first in PyTorch's zip, named within its first bytes
_START_BYTES = 256
# PyTorch before 1.6 began with this number.
_OLD_TORCH = b"\x80\x02\x8a\x0a" + 0x1950A86A20F9469CFC6C.to_bytes(10, "little")


def open_initial_weights(
    path: Path, architecture: Architecture, n_classes: int, classes: Sequence[str] = ()
) -> InitialWeights:
    """Read what a network can start from, from our models, safetensors or Paddle's `.pdparams`.

    Args:
        path: Of the file.
        architecture: The network's.
        n_classes: That it shall tell apart.
        classes: Their names, in the order of the logits. The last layer of a model of ours is
            kept where they equal the model's, and only then.

    Raises:
        ModelFileError: The file cannot be read, is damaged or hostile, or belongs to another
            network.
    """
    start = _start(path)
    if start.startswith(_OLD_TORCH):
        raise torch_file(path)
    if start.startswith(_PICKLES):
        return fit(read_state_dict(path), architecture, n_classes, path=path, kind="paddle")
    if start.startswith(_ZIP) and _TORCH_ENTRY in start:
        raise torch_file(path)
    if start[8:9] != b"{":
        raise unknown_kind(path)
    if METADATA_KEY not in read_metadata(path):
        tensors = read_safetensors(path)
        return fit(tensors, architecture, n_classes, path=path, kind="safetensors")
    card, arrays, _ = open_model(path)
    if card.architecture != architecture:
        raise other_architecture(path, card.architecture, architecture)
    return fit(
        arrays,
        architecture,
        n_classes,
        path=path,
        kind="pneumoscope",
        is_last_layer_wanted=card.classes == tuple(classes),
    )


def _start(path: Path) -> bytes:
    """The first bytes of a file that is not too large."""
    try:
        if path.exists() and not path.is_file():
            raise unknown_kind(path)
        with path.open("rb") as file:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise too_large(path)
            return file.read(_START_BYTES)
    # ValueError: a name with a NUL character.
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
