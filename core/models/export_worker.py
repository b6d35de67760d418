"""A process of its own in which Paddle answers for an export, and writes its own format.

Started by `core.models.export` with the model file, the file for the answers and, for Paddle's
inference format, the folder to write it to. Loads Paddle only when it answers.
"""

import sys
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from core.config import Preprocessing
from core.models.model_file import open_model
from core.models.onnx import network_input
from core.models.weights import load_arrays

PROGRAM: Final = "inference.json"
WEIGHTS: Final = "inference.pdiparams"
_N_FILMS: Final = 2
_N_BLOBS: Final = 8  # along each side

Answers = tuple[NDArray[np.float32], NDArray[np.float32]]  # logits (N, C), maps (N, F, h, w)


class PaddleAnswers(NamedTuple):
    """Answers to `made_up_films`."""

    version: str  # of Paddle
    eager: Answers  # of the network as it was trained
    engine: Answers | None  # of Paddle's inference engine, where it was asked

    def write(self, path: Path) -> None:
        """Write a file for `read`."""
        np.savez(path, np.array(self.version), *self.eager, *(self.engine or ()))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            version, *arrays = (stored[name] for name in stored.files)
        engine = (arrays[2], arrays[3]) if arrays[2:] else None
        return cls(str(version), (arrays[0], arrays[1]), engine)


def made_up_films(preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Draw bright and dark blobs under noise, (N, S, S): something for every filter to find."""
    size = preprocessing.image_size
    random = np.random.default_rng(0)
    blobs = random.integers(0, 256, (_N_FILMS, _N_BLOBS, _N_BLOBS))
    large = np.kron(blobs, np.ones((1, -(-size // _N_BLOBS), -(-size // _N_BLOBS)), int))
    noisy = large[:, :size, :size] + random.normal(0, 8, (_N_FILMS, size, size))
    return noisy.clip(0, 255).astype(np.uint8)


def answer(model: Path, export_to: Path | None) -> PaddleAnswers:
    """Let Paddle answer `made_up_films` on the processor, eagerly and, if wanted, as exported.

    Args:
        model: The model file.
        export_to: A folder for Paddle's inference format; None: it is not wanted.

    Raises:
        RuntimeError, ValueError, SystemError, MemoryError: Paddle refuses.
        OSError: The folder cannot be written.
    """
    from core.models.resnet import build_resnet
    from core.runtime.paddle import nn, paddle

    class Exported(nn.Layer):
        """Logits and last feature map of the network."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        # Traced as it is: Paddle would rewrite its source, which an installed program may lack.
        @paddle.jit.not_to_static  # type: ignore[untyped-decorator]
        def forward(self, images: Any) -> Any:
            maps = self.network.features(images)
            return self.network.classify(maps), maps

    opened = open_model(model)
    card, preprocessing = opened.card, opened.card.preprocessing
    images = network_input(made_up_films(preprocessing), preprocessing)
    paddle.set_device("cpu")
    network = build_resnet(card.architecture, len(card.classes), card.training.output_stride)
    load_arrays(network, opened.weights)
    network.eval()
    exported = Exported()
    exported.eval()
    with paddle.no_grad():
        logits, maps = (output.numpy() for output in exported(paddle.to_tensor(images)))
    engine = None
    if export_to is not None:
        spec = paddle.static.InputSpec([None, 3, None, None], "float32", "images")
        paddle.jit.save(exported, str(export_to / Path(PROGRAM).stem), input_spec=[spec])
        engine = _ask_engine(export_to, images)
    return PaddleAnswers(paddle.version.full_version, (logits, maps), engine)


def _ask_engine(folder: Path, images: NDArray[np.float32]) -> Answers:
    from core.runtime.paddle import paddle

    config = paddle.inference.Config(str(folder / PROGRAM), str(folder / WEIGHTS))
    config.disable_gpu()
    config.disable_glog_info()
    predictor = paddle.inference.create_predictor(config)
    predictor.get_input_handle("images").copy_from_cpu(images)
    predictor.run()
    logits, maps = (
        predictor.get_output_handle(name).copy_to_cpu() for name in predictor.get_output_names()
    )
    return logits, maps


def main() -> None:
    """Do what the command line says."""
    model, answers, *export_to = map(Path, sys.argv[1:])
    answer(model, export_to[0] if export_to else None).write(answers)
