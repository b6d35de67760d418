import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.config import Preprocessing
from core.images.reading import READER_VERSION
from core.models.model_file import save_model
from core.models.weights import random_weights
from core.prediction.classifier import Classifier, Network
from core.prediction.explanation import Explanation, class_activation_maps, explain
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
    assert last.second.method == "occlusion"
    assert last.second.label == last.label == first.label


def test_the_class_is_the_one_with_the_highest_logit_or_the_one_asked_for(
    classifier: Classifier,
) -> None:
    picture = film(50, 60)
    logits = classifier.outputs([classifier.prepare(picture)]).logits[0]
    assert next(explain(classifier, picture)).label == logits.argmax()
    for label in range(3):
        first = next(explain(classifier, picture, label))
        assert first.label == label
        assert first.first.label == label


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
    assert explanation.honesty is not None
    assert np.isfinite(explanation.honesty.agreement)
    assert 0 <= explanation.honesty.random_likeness <= 1


def test_a_network_that_learned_nothing_is_stamped(classifier: Classifier) -> None:
    honesty = complete(classifier, film(80, 80)).honesty
    assert honesty is not None
    assert not honesty.is_trustworthy
    assert any("no stronger than shuffled weights" in str(reason) for reason in honesty.reasons)


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
from core.prediction.explanation import explain
from core.prediction.reading import FilmRead, read_films
classifier = Classifier.open(Path(sys.argv[1]))
[read] = read_films(classifier, [Path(sys.argv[2])])
assert isinstance(read, FilmRead)
*_, explanation = explain(classifier, read.image)
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
