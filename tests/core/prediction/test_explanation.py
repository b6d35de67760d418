import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from PIL import Image

from core.config import Preprocessing
from core.images.reading import READER_VERSION
from core.models.model_file import save_model
from core.models.resnet import build_resnet
from core.models.weights import load_arrays, random_weights
from core.prediction.calibration import Outputs
from core.prediction.classifier import Classifier, Network
from core.prediction.explanation import (
    GRID,
    Cover,
    Explanation,
    class_activation_maps,
    explain,
    occluded,
)
from core.prediction.saliency_checks import heat_at
from core.runtime.paddle import F, paddle
from tests.core.models.model_bytes import card
from tests.core.training.narrow import make_narrow

SIZE = 64
CARD = card(
    preprocessing=Preprocessing(image_size=SIZE, mean=0.5, std=0.25),
    reader_version=READER_VERSION,
)


@pytest.fixture
def classifier(monkeypatch: pytest.MonkeyPatch) -> Classifier:
    """A network that learned nothing; 2 x 2 places."""
    make_narrow(monkeypatch.setattr)
    network = Network(CARD, random_weights("resnet18", 3, seed=7))
    return Classifier(Path("random.safetensors"), CARD, network)


def film(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


def complete(classifier: Classifier, picture: np.ndarray, label: int | None = None) -> Explanation:
    *_, last = explain(classifier, picture, label)
    return last


def test_the_map_comes_at_once_and_the_rest_later(classifier: Classifier) -> None:
    first, *between, last = explain(classifier, film(50, 60))
    assert not first.is_complete
    assert first.second is None
    assert all(step is first for step in between)  # where one may stop
    assert len(between) >= 2
    assert last.is_complete
    assert last.cams is first.cams
    assert last.second is not None
    assert last.label == first.label


def test_the_class_is_the_one_with_the_highest_logit_or_the_one_asked_for(
    classifier: Classifier,
) -> None:
    picture = film(50, 60)
    logits = classifier.outputs([classifier.prepare(picture)]).logits[0]
    assert next(explain(classifier, picture)).label == logits.argmax()
    for label in range(3):
        first = next(explain(classifier, picture, label))
        assert first.label == label


def test_evidence_for_one_class_is_evidence_against_the_others(classifier: Classifier) -> None:
    picture = film(50, 60)
    cams = next(explain(classifier, picture)).cams
    outputs = classifier.outputs([classifier.prepare(picture)])
    plain = class_activation_maps(outputs, classifier.network.last_layer)
    scale = np.abs(plain).max()
    np.testing.assert_allclose(cams / scale, (plain - plain.mean(axis=0)) / scale, atol=1e-5)


@pytest.mark.parametrize("shape", [(60, 200), (200, 61, 3), (1, 1), (2, 3, 3)])
def test_films_of_any_size_and_colour_are_explained(
    shape: tuple[int, ...], classifier: Classifier
) -> None:
    explanation = complete(classifier, film(*shape))
    assert explanation.cams.shape == (3, 2, 2)
    assert explanation.checks is not None
    assert np.isfinite(explanation.checks.agreement)
    assert 0 <= explanation.checks.random_likeness <= 1


def test_a_network_that_learned_nothing_is_stamped(classifier: Classifier) -> None:
    checks = complete(classifier, film(80, 80)).checks
    assert checks is not None
    assert not checks.is_trustworthy
    assert any("no stronger than shuffled weights" in str(reason) for reason in checks.reasons)


def test_a_film_may_be_left_before_all_is_known(classifier: Classifier) -> None:
    steps = explain(classifier, film(50, 60))
    next(steps)
    next(steps)
    steps.close()
    assert list(steps) == []


WITHOUT_PADDLE = """
import sys
from pathlib import Path
from core.models import weights
weights.STEM_WIDTH, weights.STAGE_WIDTHS = 8, (8, 16, 32, 64)
from core.prediction.classifier import Classifier
from core.prediction.explanation import Cover, explain
from core.images.reading import load_xray
from core.prediction.reading import FilmResult, read_films
classifier = Classifier.open(Path(sys.argv[1]))
[read] = read_films(classifier, [Path(sys.argv[2])])
assert isinstance(read, FilmResult)
*_, explanation = explain(classifier, load_xray(read.path))
assert explanation.is_complete
assert "paddle" not in sys.modules
"""


def test_reading_and_explaining_load_no_paddle(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make_narrow(monkeypatch.setattr)
    save_model(tmp_path / "m.safetensors", CARD, random_weights("resnet18", 3, seed=7))
    Image.fromarray(film(50, 60)).save(tmp_path / "film.png")
    subprocess.run(
        [sys.executable, "-c", WITHOUT_PADDLE, tmp_path / "m.safetensors", tmp_path / "film.png"],
        check=True,
    )


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Any:
    make_narrow(monkeypatch.setattr)
    network = build_resnet("resnet18", 4)
    load_arrays(network, random_weights("resnet18", 4, seed=1))
    network.eval()
    return network


@pytest.fixture
def images() -> Any:
    values = np.random.default_rng(0).standard_normal((1, 3, 160, 160), np.float32)
    return paddle.to_tensor(values)


def outputs_of(network: Any, images: Any) -> Outputs:
    with paddle.no_grad():
        maps = network.features(images)
        return Outputs(network.fc(maps.mean(axis=[2, 3])).numpy(), maps.numpy())


@pytest.mark.parametrize("label", range(4))
def test_the_maps_are_those_of_grad_cam(label: int, network: Any, images: Any) -> None:
    """Selvaraju et al. (ICCV 2017), eq. 1 and 2, the gradients by Paddle."""
    maps = network.features(images)
    maps.stop_gradient = False
    logit = network.fc(maps.mean(axis=[2, 3]))[0, label]
    (slopes,) = paddle.grad(logit, maps)
    channel_weights = slopes.mean(axis=[2, 3], keepdim=True)  # (1, F, 1, 1)
    grad_cam = F.relu((channel_weights * maps).sum(axis=1))[0].numpy()  # (h, w)
    ours = class_activation_maps(outputs_of(network, images), network.fc.weight.numpy().T)[label]
    assert ours.shape == (5, 5)
    scale = np.abs(ours).max()
    np.testing.assert_allclose(np.maximum(ours, 0) / scale, grad_cam * ours.size / scale, atol=1e-5)


def test_a_maps_mean_is_the_logit_without_its_bias(network: Any, images: Any) -> None:
    outputs = outputs_of(network, images)
    maps = class_activation_maps(outputs, network.fc.weight.numpy().T)
    logits = maps.mean(axis=(1, 2)) + network.fc.bias.numpy()
    np.testing.assert_allclose(logits, outputs.logits[0], rtol=1e-4, atol=1e-5)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize("cover", ["mirror", "blur"])
@pytest.mark.parametrize("shape", [(96, 96), (96, 96, 3), (40, 40)])
def test_each_film_differs_near_its_patch_only(shape: tuple[int, ...], cover: Cover) -> None:
    film = noise(*shape)
    films = list(occluded(film, cover))
    assert len(films) == GRID**2
    size = shape[0] / GRID
    for number, covered in enumerate(films):
        assert covered.shape == shape
        assert covered.dtype == np.uint8
        row, column = divmod(number, GRID)
        rows, columns = (
            slice(max(0, round((n - 1) * size)), round((n + 2) * size) + 1) for n in (row, column)
        )
        differs = covered != film
        assert differs[rows, columns].any()
        differs[rows, columns] = False
        assert not differs.any()


def test_what_is_covered_becomes_the_grey_around_it() -> None:
    film = np.full((98, 98), 200, np.uint8)
    film[:, :49] = 40
    middle = list(occluded(film, "blur"))[GRID * (GRID // 2)]  # at the left edge
    assert np.abs(middle.astype(int) - film).max() < 40  # the grey there, not the mean of all


def test_a_bright_place_is_taken_down_to_the_other_side_and_nothing_is_made_brighter() -> None:
    film = np.full((100, 100), 60, np.uint8)
    film[40:60, 10:30] = 200
    films = np.array(list(occluded(film, "mirror")))
    assert films.min() >= 59
    assert (films <= film).all()
    assert (films[GRID * 4 + 1][42:48, 12:18] < 70).all()  # the patch over it
    assert (films[GRID * 4 + 8] == film).all()  # the other side is as it was


def test_a_level_film_stays_as_it_is() -> None:
    film = np.full((64, 64), 77, np.uint8)
    for cover in get_args(Cover):
        assert all((covered == film).all() for covered in occluded(film, cover))


def test_a_planted_square_is_found() -> None:
    """By the drop of a score that looks at the brightest spot of all."""
    film = noise(96, 96) // 4
    film[60:74, 20:34] = 250

    def score(picture: np.ndarray) -> float:
        return float(np.sort(picture.ravel())[-150:].mean())

    drops = np.array([score(film) - score(covered) for covered in occluded(film, "mirror")])
    heat = heat_at(drops.reshape(GRID, GRID), film.shape)
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert 58 <= row <= 76
    assert 18 <= column <= 36
