import dataclasses
from pathlib import Path

import numpy as np
import pytest

from core.errors import DeviceError, ModelFileError
from core.images.reading import READER_VERSION
from core.models.model_file import open_model, save_model
from core.prediction.classifier import Classifier

pytestmark = pytest.mark.usefixtures("narrow_network")


@pytest.fixture(scope="module")
def classifier(model: Path) -> Classifier:
    return Classifier.open(model)


class TestOpen:
    def test_auto_takes_the_device_there_is(self, model: Path) -> None:
        assert Classifier.open(model, "auto").card.architecture == "resnet18"

    def test_the_network_is_ready_to_answer(self, classifier: Classifier) -> None:
        assert not classifier.network.training
        prepared = classifier.prepare(np.zeros((90, 60), np.uint8))
        assert prepared.shape == (32, 32)
        assert classifier.probabilities([prepared]).shape == (1, 3)

    def test_an_unknown_device_is_refused(self, model: Path) -> None:
        with pytest.raises(DeviceError, match="no device gpu:63"):
            Classifier.open(model, "gpu:63")

    def test_a_damaged_file_is_refused(self, model: Path, tmp_path: Path) -> None:
        (tmp_path / "cut.safetensors").write_bytes(model.read_bytes()[:-1])
        with pytest.raises(ModelFileError, match="damaged"):
            Classifier.open(tmp_path / "cut.safetensors")

    @pytest.mark.parametrize("version", [READER_VERSION + 1, READER_VERSION + 7])
    def test_a_model_that_saw_films_by_other_rules_is_refused(
        self, version: int, model: Path, tmp_path: Path
    ) -> None:
        card, arrays, _ = open_model(model)
        path = tmp_path / "other.safetensors"
        save_model(path, dataclasses.replace(card, reader_version=version), arrays)
        with pytest.raises(ModelFileError) as caught:
            Classifier.open(path)
        assert "other.safetensors was trained by a PneumoScope that read films by other" in str(
            caught.value
        )
        assert f"(version {version}, this program's is {READER_VERSION})" in str(caught.value)
