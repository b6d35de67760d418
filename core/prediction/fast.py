"""When a network may run fast: it was compared with itself, here, on this processor.

Two things are kept in the workspace: the program, which serves all models of its kind, and
for each model a note that it was found to give the same answers. Neither lies beside the
model and nothing is ever read from there: a program is code, and who hands a model on could
hand on another one with it.
"""

import hashlib
import logging
import platform
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core import files
from core.data.batches import stack
from core.errors import PneumoScopeError
from core.images.film import square
from core.models.exporting import TOLERANCE, eager_outputs, largest_difference
from core.models.model_card import ModelCard
from core.models.paddle_inference import (
    InferenceEngine,
    fold,
    folded_shapes,
    parameter_parts,
    trace,
)
from core.models.resnet import place_of
from core.models.weights import to_arrays
from core.phantom import draw_film
from core.runtime.paddle import paddle
from core.runtime.threads import read_cpu_info
from core.workspace import Workspace


class FastNetwork(InferenceEngine):
    """Logits and last feature map of a batch in one pass; any thread may ask, one is served."""

    @classmethod
    def load(cls, program: bytes, weights: Mapping[str, NDArray[np.float32]]) -> Self:
        """Hand program and weights over to the engine, which optimises both.

        The engine reads files only: they lie in a folder of their own that nobody else may
        read or write, and are gone afterwards.

        Args:
            program: From `core.models.paddle_inference.trace`.
            weights: From `core.models.paddle_inference.fold`.

        Raises:
            OSError: The temporary folder cannot be written.
            RuntimeError, ValueError, SystemError, MemoryError: The engine refuses.
        """
        with tempfile.TemporaryDirectory(
            prefix="pneumoscope-", ignore_cleanup_errors=True
        ) as folder:
            code, values = Path(folder) / "network.json", Path(folder) / "network.pdiparams"
            code.write_bytes(program)
            with values.open("wb") as file:
                file.writelines(parameter_parts(weights))
            return cls(code, values)


log = logging.getLogger(__name__)

VERSION = 1  # raise it when programs or comparisons are made in another way
FOLDER = "fast-networks"  # among the caches
N_FILMS = 2  # drawn for the comparison

# What Paddle raises where it cannot: no kernel, no memory, a damaged program, a full disk.
_FAILURES = (OSError, RuntimeError, ValueError, SystemError, MemoryError, PneumoScopeError)


def open_fast(card: ModelCard, network: Any, workspace: Workspace) -> FastNetwork | None:
    """The fast form of a network that was built and found equal before; takes a moment.

    Args:
        card: With the `tensors_sha256` of `network`'s weights.
        network: The eager network, in evaluation mode.
        workspace: Where programs are kept.

    Returns:
        None where there is none yet, or it cannot be used here: ask the eager network.
    """
    if not place_of(network).is_cpu_place():
        return None
    try:
        program = _kept_program(_program_path(card, workspace))
        if program is None or not _note_path(card, workspace).exists():
            return None
        fast = FastNetwork.load(program, fold(to_arrays(network)))
        size = card.preprocessing.image_size
        fast(np.zeros((1, 3, size, size), np.float32))  # the first time takes twice as long
    except _FAILURES as error:
        log.info("no fast network: %s", error)
        return None
    return fast


def build_fast(
    card: ModelCard,
    network: Any,
    workspace: Workspace,
    films: Sequence[NDArray[np.uint8]] | None = None,
) -> FastNetwork | None:
    """Build the fast form of a network, compare the two and note that they agree.

    Takes seconds; any thread may do it, also while another one trains. What cannot be kept,
    for the disk is full or may not be written to, is built again next time.

    Args:
        card: With the `tensors_sha256` of `network`'s weights.
        network: The eager network, in evaluation mode.
        workspace: Where programs are kept.
        films: What to compare the two on, as the network takes films; None: phantoms.

    Returns:
        None where it cannot be built or its answers differ: ask the eager network.
    """
    if not place_of(network).is_cpu_place():
        return None
    try:
        path = _program_path(card, workspace)
        program = _kept_program(path)
        is_new = program is None
        if program is None:
            program = trace(card.architecture, len(card.classes))
        fast = FastNetwork.load(program, fold(to_arrays(network)))
        compared = stack(films or _phantoms(card))
        images, *wanted = eager_outputs(network, compared, card.preprocessing)
        difference = largest_difference(fast(images), wanted)
        if not difference <= TOLERANCE:  # also where it is no number
            log.warning("the fast network differs by %g and is not used", difference)
            return None
    except _FAILURES as error:
        log.info("no fast network: %s", error)
        return None
    _keep(path, program if is_new else None, _note_path(card, workspace), difference)
    return fast


def _phantoms(card: ModelCard) -> list[NDArray[np.uint8]]:
    size = card.preprocessing.image_size
    return [square(draw_film("NORMAL", seed), size) for seed in range(N_FILMS)]


def _program_path(card: ModelCard, workspace: Workspace) -> Path:
    shapes = folded_shapes(card.architecture, len(card.classes))
    paddle_version = f"{paddle.version.full_version} {paddle.version.commit}"
    return _folder(workspace) / _name(VERSION, paddle_version, card.architecture, shapes)


def _note_path(card: ModelCard, workspace: Workspace) -> Path:
    processor = (platform.machine(), platform.node(), *sorted(read_cpu_info()[1]))
    return _program_path(card, workspace).with_suffix(
        f".{_name(card.tensors_sha256, card.preprocessing, processor)}"
    )


def _folder(workspace: Workspace) -> Path:
    return workspace.caches / FOLDER


def _name(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _kept_program(path: Path) -> bytes | None:
    """What `_keep` wrote, None where it is not there or not whole: the engine trusts its input."""
    try:
        digest, _, program = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    return program if digest == _digest(program) else None


def _digest(program: bytes) -> bytes:
    return hashlib.sha256(program).hexdigest().encode()


def _keep(path: Path, program: bytes | None, note: Path, difference: float) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if program is not None:
            files.write_bytes(path, _digest(program) + b"\n" + program)
        files.write_text(note, f"{difference:.2e}\n")
    except OSError as error:
        log.info("the fast network is not kept: %s", error)
