"""Compare training recipes on a dataset: accuracy on films never seen, and what it cost.

    python tests/benchmarks/recipes.py DATA.zip [--seeds 0 1 2] [--only NAME ...]

Every recipe gets the same splits (stratified by class, patients kept apart), a new one for
each seed. With some dozens of test films differences of a few points are noise: the figure
to read is the mean over validation and test films of all seeds.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from core.config import Optimiser, Preprocessing, TrainingConfig, preset, usual_rates
from core.data.dataset import LoadedDataset, load_dataset
from core.events import TrainingDone
from core.workspace import Workspace


def recipes() -> dict[str, TrainingConfig]:
    """Recommended at three sizes, with one choice changed, and the notebook's recipe.

    All cost about the same. A frozen backbone is not among them: it needs initial weights.
    """
    recommended = preset("recommended")
    # The notebook's recipe with a validation part and a network and size the CPU can train.
    reference = preset("reference").changed(architecture="resnet18", split="stratified")

    def at(config: TrainingConfig, size: int, epochs: int) -> TrainingConfig:
        return config.changed(image_size=size, epochs=epochs)

    def changed(**choices: Any) -> TrainingConfig:
        return recommended.changed(**choices)

    def by(optimiser: Optimiser) -> TrainingConfig:
        rate, decay = usual_rates(optimiser)
        return changed(optimiser=optimiser, learning_rate=rate, weight_decay=decay)

    return {
        "recommended, 128 px, 8 epochs": at(recommended, 128, 8),
        "recommended, 96 px, 14 epochs": at(recommended, 96, 14),
        "recommended, 64 px, 30 epochs": at(recommended, 64, 30),
        "norms not warmed up, 96 px, 14 epochs": changed(is_norm_warmed_up=False),
        "averaging 0.98, 96 px, 14 epochs": changed(averaging=0.98),
        "cosine, 96 px, 14 epochs": changed(schedule="cosine"),
        "Adam, 96 px, 14 epochs": by("adam"),
        "SGD, 96 px, 14 epochs": by("sgd"),
        "reference, 96 px, 14 epochs": at(reference, 96, 14),
        "reference with input mean and std, 96 px, 14 epochs": reference.changed(
            epochs=14, preprocessing=Preprocessing(image_size=96, mean=0.5, std=0.25)
        ),
    }


def run(config: TrainingConfig, loaded: LoadedDataset, workspace: Workspace) -> TrainingDone:
    """Train once in a folder that is thrown away."""
    from core.training.session import run_training

    with tempfile.TemporaryDirectory() as folder:
        for event in run_training(config, loaded, Path(folder) / "run", "auto", workspace):
            if isinstance(event, TrainingDone):
                return event
    raise RuntimeError("training reported no end")


def main() -> None:
    """Train every recipe with every seed and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", default=[""], help="parts of the recipes' names")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        workspace = Workspace(Path(home))
        for step in load_dataset([arguments.data], workspace, 128):
            loaded = step
        assert isinstance(loaded, LoadedDataset)
        print(f"{'recipe':52} validation  test   mean  seconds")
        for name, config in recipes().items():
            if not any(part in name for part in arguments.only):
                continue
            began, validation, test = time.monotonic(), [], []
            for seed in arguments.seeds:
                done = run(config.changed(seed=seed), loaded, workspace)
                validation.append(done.validation_accuracy or 0.0)
                test.append(done.test_accuracy or 0.0)
            seconds = (time.monotonic() - began) / len(arguments.seeds)
            n = len(arguments.seeds)
            mean_validation, mean_test = sum(validation) / n, sum(test) / n
            print(
                f"{name:52} {mean_validation:10.3f} {mean_test:5.3f} "
                f"{(mean_validation + mean_test) / 2:6.3f} {seconds:8.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
