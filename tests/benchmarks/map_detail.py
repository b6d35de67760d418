"""Compare sizes of the last feature map: accuracy, seconds, and where the heat lies on phantoms.

    python tests/benchmarks/map_detail.py [DATA.zip] [--only NAME ...] [--seeds 0 1]
    python tests/benchmarks/map_detail.py --model MODEL [--films 40] [--first-seed 10001000]

Each setting trains on drawn X-rays, whose opacities are known, and explains other drawn X-rays:
share of maps whose hottest place lies in the opacity, share of the heat in the opacity and in
the lungs, for the class activation map, for occlusion and for a network with random weights.
With --model a model that learned phantoms is explained, and nothing trained: how often its maps
find the opacity, how often those of networks that know less do, and which checks tell.
Where DATA is given, each setting also trains on it: accuracy on validation and test X-rays.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.config import TrainingConfig, preset
from core.data.dataset import LoadedDataset, load_dataset
from core.events import TrainingDone
from core.models.model_file import open_model
from core.models.weights import random_weights
from core.phantom import CLASSES, write_dataset
from core.phantom.canvas import Canvas, Pose
from core.phantom.film import _stream, draw_exposure
from core.phantom.lungs import draw_opacity
from core.phantom.thorax import Build, draw_chest
from core.prediction.classifier import Classifier, Network
from core.prediction.explanation import explain
from core.prediction.saliency_checks import heat_at, share_inside
from core.training.session import run_training
from core.workspace import Workspace

SIZE = 256
DENSE = 0.25  # share of the air that is filled: from there on a place counts as opacity
N_DRAWN = 80  # of each diseased class
FIRST_SEED = 10_000_000  # of X-rays that no network learned from


def settings() -> dict[str, TrainingConfig]:
    """The settings that are compared."""
    recommended = preset("recommended").changed(map_detail="coarse", image_size=96)
    return {
        "96 px, stride 32, 14 epochs": recommended,
        "96 px, stride 16, 14 epochs": recommended.changed(map_detail="fine"),
        "128 px, stride 32, 14 epochs": recommended.changed(image_size=128),
        "128 px, stride 16, 9 epochs": recommended.changed(
            image_size=128, map_detail="fine", epochs=9
        ),
        "128 px, stride 16, 14 epochs": recommended.changed(image_size=128, map_detail="fine"),
        "160 px, stride 32, 10 epochs": recommended.changed(image_size=160, epochs=10),
    }


def opacity_and_lungs(
    label: str, patient: tuple[int, ...], visit: tuple[int, ...]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return where a phantom's lungs are filled, and its lungs, each (SIZE, SIZE)."""
    body, _, _, disease = (_stream(patient, part) for part in range(4))
    build = Build.random(body)
    canvas = Canvas.stretch(SIZE, Pose.random(_stream(visit, 4)))
    chest = draw_chest(build, canvas)
    share = draw_opacity(label, build, canvas, disease)
    lungs = chest.air > 0.3 * float(chest.air.max())
    return (share > DENSE) & lungs, lungs


def train(
    config: TrainingConfig, loaded: LoadedDataset, workspace: Workspace, run: Path
) -> TrainingDone:
    """Train to the end."""
    for event in run_training(config, loaded, run, "cpu", workspace):
        if isinstance(event, TrainingDone):
            return event
    raise RuntimeError("training reported no end")


def hottest(values: NDArray[np.floating]) -> tuple[int, int]:
    """Return row and column of the hottest place of a map stretched over the X-ray."""
    heat = heat_at(values, (SIZE, SIZE))
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    return int(row), int(column)


def say_controls(model: Path, n_films: int, first_seed: int) -> None:
    """Explain phantoms that a model answers correctly, and the same with networks that know less.

    A map that finds the opacity without the network's knowledge shows the X-ray, not the answer.

    Args:
        model: That learned phantoms.
        n_films: Of each diseased class.
        first_seed: Of phantoms that took no part in choosing how maps are made.
    """
    trained = Classifier.open(model)
    card, weights = trained.card, open_model(model).weights
    shuffled = np.random.default_rng(0).permuted(weights["fc.weight"], axis=1)
    others = {
        "shuffled last layer": {**weights, "fc.weight": shuffled},
        "random weights": random_weights(card.architecture, len(card.classes), 0),
    }
    classifiers = {"trained": trained} | {
        name: Classifier(model, card, Network(card, known)) for name, known in others.items()
    }
    n_hits, n_maps, told = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    for name in CLASSES[1:]:
        label = card.classes.index(name)
        for number in range(first_seed, first_seed + n_films):
            patient, visit = (number, CLASSES.index(name)), (number, 7)
            film = draw_exposure(name, patient, visit, SIZE)
            opacity, _ = opacity_and_lungs(name, patient, visit)
            outputs = trained.outputs([trained.prepare(film)])
            if int(outputs.logits[0].argmax()) != label or not opacity.any():
                continue
            for network, classifier in classifiers.items():
                *_, found = explain(classifier, film, label)
                assert found.second is not None
                assert found.checks is not None
                is_hit = bool(opacity[hottest(found.second.values)])
                groups = [network, f"{network}, {name}"]
                if network == "trained":
                    groups.append("trained, hit" if is_hit else "trained, missed")
                for group in groups:
                    n_maps[group] += 1
                    n_hits[group] += is_hit
                    if not found.checks.is_trustworthy:
                        told.update((group, reason.template) for reason in found.checks.reasons)
    for group, n in n_maps.items():
        print(f"{group}: hottest place in the opacity {n_hits[group]}/{n}")
        for (of, template), n_told in told.items():
            if of == group:
                print(f"    {n_told}/{n} {template}")


def localise(model: Path) -> str:
    """Explain new phantoms; return the figures as a line."""
    classifier = Classifier.open(model)
    hits: dict[str, list[float]] = {}
    n_right = n_all = 0
    for name in CLASSES[1:]:
        label = classifier.card.classes.index(name)
        for number in range(N_DRAWN):
            patient, visit = (FIRST_SEED + number, CLASSES.index(name)), (FIRST_SEED + number, 7)
            film = draw_exposure(name, patient, visit, SIZE)
            opacity, lungs = opacity_and_lungs(name, patient, visit)
            n_all += 1
            steps = list(explain(classifier, film))
            found = steps[-1]
            if found.label != label or not opacity.any():
                continue
            n_right += 1
            near = np.asarray(Image.fromarray(opacity).resize((128, 128), Image.Resampling.NEAREST))
            evidence = {"cam": found.cams[label]}
            if found.second is not None:
                evidence["occlusion"] = found.second.values
            prepared = classifier.prepare(film)
            random = classifier.random_twin
            maps = random.outputs(prepared[None]).maps[0]
            evidence["random"] = np.tensordot(random.last_layer[label], maps, 1)
            for method, values in evidence.items():
                row, column = hottest(values)
                hits.setdefault(f"{method} hit", []).append(float(opacity[row, column]))
                hits.setdefault(f"{method} in opacity", []).append(share_inside(values, near))
                wide = np.asarray(
                    Image.fromarray(lungs).resize((128, 128), Image.Resampling.NEAREST)
                )
                hits.setdefault(f"{method} in lungs", []).append(share_inside(values, wide))
            checks = found.checks
            if checks is not None:
                passed = float(checks.is_trustworthy)
                hits.setdefault("passed", []).append(passed)
                row, column = hottest(found.best.values)
                name_of_group = "shown hit where passed" if passed else "shown hit where failed"
                hits.setdefault(name_of_group, []).append(float(opacity[row, column]))
    figures = ", ".join(f"{name} {np.mean(values):.2f}" for name, values in hits.items())
    return f"right {n_right}/{n_all}; {figures}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a block for each setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--only", nargs="+", default=[""], help="parts of the settings' names")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--phantoms", type=int, default=150, help="of each class, to learn from")
    parser.add_argument("--model", type=Path, help="one that learned phantoms")
    parser.add_argument("--films", type=int, default=40, help="of each class, for --model")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED + 1000)
    chosen = parser.parse_args(arguments)
    if chosen.model is not None:
        say_controls(chosen.model, chosen.films, chosen.first_seed)
        return
    with tempfile.TemporaryDirectory() as home:
        workspace = Workspace(Path(home))
        drawn = Path(home) / "phantoms.zip"
        list(write_dataset(drawn, chosen.phantoms, SIZE))
        datasets = [drawn, *([chosen.data] if chosen.data else [])]
        for name, config in settings().items():
            if not any(part in name for part in chosen.only):
                continue
            print(name, flush=True)
            for data in datasets:
                *_, loaded = load_dataset([data], workspace, config.preprocessing.image_size)
                assert isinstance(loaded, LoadedDataset)
                for seed in chosen.seeds:
                    with tempfile.TemporaryDirectory() as folder:
                        began = time.monotonic()
                        done = train(
                            config.changed(seed=seed), loaded, workspace, Path(folder) / "run"
                        )
                        seconds = time.monotonic() - began
                        print(
                            f"  {data.name}, seed {seed}: validation "
                            f"{done.validation_accuracy:.3f}, test {done.test_accuracy:.3f}, "
                            f"{seconds:.0f} s",
                            flush=True,
                        )
                        if data is drawn:
                            print(f"    {localise(done.model)}", flush=True)


if __name__ == "__main__":
    main()
