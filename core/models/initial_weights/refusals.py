"""The sentences with which files of foreign weights are refused."""

from pathlib import Path

from core.config import Architecture
from core.errors import Message, ModelFileError


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
