"""Initial weights: the tensors of a file that a network can start from, and why not the others."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.config import ARCHITECTURES, Architecture
from core.errors import Message, ModelFileError
from core.models.model_file import MAX_FILE_BYTES, METADATA_KEY, open_model
from core.models.pdparams import read_pdparams
from core.models.pdparams_worker import RefusedError
from core.models.weights import PLANS, Plan, expected_shapes, first_impossible
from core.tensor_file import LooseTensors, read_header, read_loose

WeightsKind = Literal["safetensors", "paddle", "pneumoscope"]
Shape = tuple[int, ...]
LAST_LAYER = ("fc.weight", "fc.bias")
_LEAST_SHARE = 0.5  # of the backbone's tensors; less is another network that shares some names
_COUNTER = ".num_batches_tracked"  # PyTorch's; training here has no use for it
# Wrappers put these before every name: data parallel, compiled, or parts of a larger network.
_PREFIXES = ("module.", "model.", "backbone.", "_orig_mod.")
_ENDINGS = {"_mean": "running_mean", "_variance": "running_var"}  # Paddle's batch norm
_STEM = re.compile(r"stem\.0\.(conv|bn)\.(\w+)")  # PaddleClas counts blocks through all stages
_IN_BLOCK = re.compile(r"blocks\.(\d{1,3})\.(?:conv(\d)|short)\.(conv|bn)\.(\w+)")
_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_ZIP = b"PK\x03\x04"
_TORCH_ENTRY = b"data.pkl"  # the first in PyTorch's zip, named within its first bytes
_START_BYTES = 256
# PyTorch before 1.6 began with this number.
_OLD_TORCH = b"\x80\x02\x8a\x0a" + 0x1950A86A20F9469CFC6C.to_bytes(10, "little")
_MAX_NAMES = 5  # in one sentence
_MAX_NAME_LENGTH = 100  # characters of a foreign name


_DAMAGED = Message("The weights {file} are damaged or were altered. Get a fresh copy of the file.")
_UNKNOWN_KIND = Message(
    "{file} holds no weights that PneumoScope can start from. Choose a .safetensors file "
    "with a ResNet, a .pdparams file of Paddle's, or a model made by PneumoScope."
)
_TOO_LARGE = Message(
    "{file} is larger than any ResNet that PneumoScope trains. "
    "Choose a file with the weights alone."
)
_NOT_ARRAYS = Message(
    "{file} holds other things than a network's weights. Choose the file that was saved "
    "from the network alone (in Paddle: paddle.save(network.state_dict(), file))."
)
_TORCH_FILE = Message(
    "{file} seems to be a PyTorch file (.pth, .pt). Such files can run code when they are "
    "read. Where PyTorch is installed, save the weights as safetensors and choose that "
    "file: from safetensors.torch import save_file; "
    "save_file(torch.load(old, weights_only=True), new)"
)
_RUNS_CODE = Message(
    "{file} asks for {what} to be run when it is read, which weights never need. "
    "It was not run. Do not use this file; get the weights from their publisher."
)
_NEEDS_MEMORY = Message("{file} needs more memory than weights do. Choose another file.")
_UNREADABLE = Message(
    "The weights {file} cannot be read: {reason}. Check that the file is still there."
)
_REPEATED = Message(
    "{file} has the tensor {name} twice, so it holds more than one network. Choose a file with one."
)
_IMPOSSIBLE_VALUES = Message(
    "The weights {file} are of no use: the tensor {name} holds values that are not "
    "possible. Choose another file."
)
_OTHER_ARCHITECTURE = Message(
    "{file} holds a {theirs}, but this run trains a {ours}. "
    "Choose {theirs} as the network, or weights of a {ours}."
)
_OTHER_NETWORK = Message(
    "{file} belongs to another network: {n_fitting} of {n_tensors} tensors fit a {ours}. "
    "Choose weights of a {ours}, with torchvision's, timm's or Paddle's names."
)


@dataclass(frozen=True, slots=True)
class InitialWeights:
    """Tensors that a run starts from, and those that keep their random start."""

    name: str  # of the file
    kind: WeightsKind
    arrays: Mapping[str, NDArray[np.float32]]  # under torchvision's names, in its layout
    matched: tuple[str, ...]  # the names of `arrays`
    missing: tuple[str, ...]  # what keeps its random start, for whatever reason
    unused: tuple[str, ...]  # in the file, for nothing here
    mismatched: tuple[tuple[str, Shape, Shape], ...]  # name, the file's shape, ours


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
        raise _refused(path, _TORCH_FILE)
    if start.startswith(_PICKLES):
        return fit(read_state_dict(path), architecture, n_classes, path=path, kind="paddle")
    if start.startswith(_ZIP) and _TORCH_ENTRY in start:
        raise _refused(path, _TORCH_FILE)
    if start[8:9] != b"{":
        raise _refused(path, _UNKNOWN_KIND)
    tensors = _of_others(path)
    if tensors is not None:
        return fit(tensors, architecture, n_classes, path=path, kind="safetensors")
    card, arrays, _ = open_model(path)
    if card.architecture != architecture:
        raise _other_architecture(path, card.architecture, architecture)
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
            raise _refused(path, _UNKNOWN_KIND)
        with path.open("rb") as file:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise _refused(path, _TOO_LARGE)
            return file.read(_START_BYTES)
    # ValueError: a name with a NUL character.
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error


def _of_others(path: Path) -> LooseTensors | None:
    """Read a safetensors file; None where it is a model of ours."""
    try:
        with path.open("rb") as file:
            if METADATA_KEY in read_header(file).metadata:
                return None
        return read_loose(path.read_bytes())
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:
        raise _refused(path, _DAMAGED) from error


def read_state_dict(path: Path) -> LooseTensors:
    """Read the arrays of a pickled dictionary; nothing in the file is ever run.

    Raises:
        ModelFileError: The file cannot be read or is anything else.
    """
    try:
        return read_pdparams(path)
    except OSError as error:
        raise unreadable(path, error) from error
    except RefusedError as error:
        raise _refusal(path, error.reason, error.what) from error


def _refusal(path: Path, reason: str, what: str) -> ModelFileError:
    match reason:
        case "global" if what.startswith("torch"):
            return _refused(path, _TORCH_FILE)
        case "global":
            return _refused(path, _RUNS_CODE, what=what)
        case "content":
            return _refused(path, _NOT_ARRAYS)
        case "memory":
            return _refused(path, _NEEDS_MEMORY)
    return _refused(path, _DAMAGED)


def fit(
    tensors: LooseTensors,
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
        raise _other_architecture(path, found, architecture)
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
        counts = {"n_fitting": n_fitting, "n_tensors": n_backbone}
        raise _refused(path, _OTHER_NETWORK, **counts, ours=_spoken(architecture))
    broken = first_impossible(fitting)
    if broken is not None:
        raise _refused(path, _IMPOSSIBLE_VALUES, name=broken)
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
    tensors: LooseTensors,
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
            raise _refused(path, _REPEATED, name=ours)
        if ours in wanted and array is not None:
            offered[ours] = array
        elif not ours.endswith(_COUNTER):
            unused.append(theirs)
    return offered, unused


def _recognised(tensors: LooseTensors) -> Architecture | None:
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


def is_layout_of_paddle(names: Iterable[str]) -> bool:
    """Tell that the file holds the last layer as (features, classes), the other way round."""
    return any(name.endswith("._mean") for name in names)


def torchvision_name(name: str, plan: Plan) -> str:
    """Return torchvision's name for the tensor that the file calls `name`.

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


def _block(number: int, plan: Plan) -> str | None:
    for stage, n_blocks in enumerate(plan.n_blocks, start=1):
        if number < n_blocks:
            return f"layer{stage}.{number}"
        number -= n_blocks
    return None


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


def unreadable(path: Path, error: OSError | ValueError) -> ModelFileError:
    """Return the refusal of a file that the system does not hand out."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return _refused(path, _UNREADABLE, reason=reason)


def _refused(path: Path, sentence: Message, **values: object) -> ModelFileError:
    return ModelFileError(Message(sentence.template, file=path.name, **values))


def _other_architecture(path: Path, theirs: Architecture, ours: Architecture) -> ModelFileError:
    return _refused(path, _OTHER_ARCHITECTURE, theirs=_spoken(theirs), ours=_spoken(ours))


def _spoken(architecture: Architecture) -> str:
    return architecture.replace("resnet", "ResNet-")
