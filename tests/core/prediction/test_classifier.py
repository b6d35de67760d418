import gc
import weakref
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelFileError
from core.images.reading import READER_VERSION
from core.models.model_file import open_model, save_model
from core.prediction.classifier import Classifier

pytestmark = pytest.mark.usefixtures("narrow_network")


@pytest.fixture(scope="module")
def classifier(model: Path) -> Classifier:
    return Classifier.open(model)


class TestOpen:
    def test_the_network_is_ready_to_answer(self, classifier: Classifier) -> None:
        prepared = classifier.prepare(np.zeros((90, 60), np.uint8))
        assert prepared.shape == (32, 32)
        [opinion] = classifier.opinions([prepared])
        assert opinion.probabilities.shape == (3,)

    def test_a_damaged_file_is_refused(self, model: Path, tmp_path: Path) -> None:
        (tmp_path / "cut.safetensors").write_bytes(model.read_bytes()[:-1])
        with pytest.raises(ModelFileError, match="damaged"):
            Classifier.open(tmp_path / "cut.safetensors")

    def test_a_model_of_an_older_reader_answers_and_says_so(
        self, model: Path, tmp_path: Path
    ) -> None:
        card, arrays, _ = open_model(model)
        path = tmp_path / "older.safetensors"
        save_model(path, card.changed(reader_version=READER_VERSION - 1), arrays)
        said = [str(warning) for warning in Classifier.open(path).limits.warnings]
        assert any("read some DICOM files differently" in sentence for sentence in said)
        said = [str(warning) for warning in Classifier.open(model).limits.warnings]
        assert not any("differently" in sentence for sentence in said)

    def test_a_model_that_saw_films_by_other_rules_is_refused(
        self, model: Path, tmp_path: Path
    ) -> None:
        card, arrays, _ = open_model(model)
        path = tmp_path / "other.safetensors"
        save_model(path, card.changed(reader_version=READER_VERSION + 7), arrays)
        with pytest.raises(ModelFileError) as caught:
            Classifier.open(path)
        said = str(caught.value)
        assert "other.safetensors was trained by a PneumoScope that read films by other" in said
        assert f"(version {READER_VERSION + 7}, this program's is {READER_VERSION})" in said


def test_the_random_twin_is_built_once_and_the_same_for_every_model_of_its_kind(
    classifier: Classifier, model: Path
) -> None:
    film = np.random.default_rng(0).integers(0, 256, (1, 32, 32)).astype(np.uint8)
    twin, other = classifier.random_twin, Classifier.open(model).random_twin
    assert classifier.random_twin is twin
    assert np.array_equal(twin.outputs(film).logits, other.outputs(film).logits)
    assert not np.allclose(twin.last_layer, classifier.network.last_layer)


def test_a_session_goes_with_its_classifier(model: Path) -> None:
    classifier = Classifier.open(model)
    session = weakref.ref(classifier.network._run._session)
    del classifier
    gc.collect()
    assert session() is None
