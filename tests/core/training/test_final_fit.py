"""Calibration, novelty and test in the model file that training leaves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.config import TrainingConfig
from core.data.dataset import LoadedDataset, load_dataset
from core.data.splits import split
from core.events import TrainingDone
from core.models.model_file import open_model, read_card
from core.prediction.calibration import COVERAGE
from core.prediction.classifier import Classifier
from core.prediction.novelty import FilmSet, fit_novelty
from core.prediction.reading import FilmResult, read_films
from core.runtime.devices import Device
from core.training import final_fit
from core.training.loop import TrainingData, train
from core.training.run_folder import RunFolder
from core.workspace import Workspace
from tests.core.conftest import CLASSES, draw
from tests.made_runs import description

PER_CLASS = 45
pytestmark = pytest.mark.usefixtures("narrow_network")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    """Films enough for a validation part that calibrates."""
    folder = tmp_path_factory.mktemp("many")
    for label, name in enumerate(CLASSES):
        (folder / "films" / name).mkdir(parents=True)
        for number in range(PER_CLASS):
            film = Image.fromarray(draw(label, 100 + number))
            film.save(folder / "films" / name / f"{label}{number:03d}_0.png")
    *_, loaded = load_dataset([folder / "films"], Workspace(folder / "home"), 32)
    assert isinstance(loaded, LoadedDataset)
    shares = TrainingConfig(validation_share=0.4, test_share=0.2)
    return TrainingData(
        loaded.dataset, loaded.cache, split(loaded.dataset, loaded.grouping, shares)
    )


def trained(
    config: TrainingConfig, data: TrainingData, device: Device, folder: Path
) -> tuple[RunFolder, TrainingDone]:
    run = RunFolder.create(folder, description())
    *_, done = train(config, data, run, device)
    assert isinstance(done, TrainingDone)
    return run, done


@pytest.fixture(scope="module")
def run(
    narrow_network: None,
    config: TrainingConfig,
    many: TrainingData,
    cpu: Device,
    tmp_path_factory: pytest.TempPathFactory,
) -> RunFolder:
    config = config.changed(is_keeping_thumbnails=True)
    return trained(config, many, cpu, tmp_path_factory.mktemp("runs") / "run")[0]


@pytest.fixture
def train_again(
    config: TrainingConfig, many: TrainingData, cpu: Device, tmp_path: Path
) -> Callable[[], tuple[RunFolder, TrainingDone]]:
    return lambda: trained(config.changed(epochs=1), many, cpu, tmp_path / "run")


def test_the_best_model_is_calibrated_on_validation_films_and_tried_on_test_films(
    run: RunFolder, many: TrainingData
) -> None:
    classifier = Classifier.open(run.best)
    calibration, splits = classifier.calibration, many.splits
    assert calibration is not None
    assert (calibration.n, calibration.n_test) == (len(splits.validation), len(splits.test))
    assert calibration.test_coverage is not None
    assert calibration.test_coverage > COVERAGE - 0.15
    # It is that of the weights in the file.
    records = [many.dataset.records[index] for index in many.splits.validation]
    films = [many.cache.image(record.digest) for record in records]
    probabilities = np.array([one.probabilities for one in classifier.opinions(films)])
    truth = np.array([record.label for record in records])
    loss = -np.log(probabilities[np.arange(len(truth)), truth].astype(np.float64)).mean()
    assert loss == pytest.approx(calibration.loss_after, abs=1e-4)


def test_a_film_of_the_dataset_is_familiar_and_has_neighbours_that_were_trained_on(
    run: RunFolder, many: TrainingData
) -> None:
    classifier = Classifier.open(run.best)
    paths = [many.dataset.records[index].path for index in many.splits.test]
    films = [film for film in read_films(classifier, paths) if isinstance(film, FilmResult)]
    familiar = [film.opinion.novelty is not None and film.opinion.novelty.is_familiar
                for film in films]  # fmt: skip
    assert np.mean(familiar) > 0.7
    trained_on = {many.dataset.records[index].digest for index in many.splits.train}
    for film in films:
        assert len(film.opinion.neighbours) == 5
        assert {one.digest for one in film.opinion.neighbours} <= trained_on
        for one in film.opinion.neighbours:
            assert one.thumbnail is not None
            assert one.thumbnail.shape == (64, 64)


def test_a_picture_of_another_kind_is_not_familiar(run: RunFolder, tmp_path: Path) -> None:
    Image.fromarray(np.full((60, 60), 255, np.uint8)).save(tmp_path / "white.png")
    [film] = read_films(Classifier.open(run.best), [tmp_path / "white.png"])
    assert isinstance(film, FilmResult)
    assert film.opinion.novelty is not None
    assert not film.opinion.novelty.is_familiar


def test_pictures_are_kept_and_films_looked_at_only_where_allowed_and_evenly(
    train_again: Callable[[], tuple[RunFolder, TrainingDone]], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[np.ndarray] = []

    def noting(train: FilmSet, *rest: Any, **options: Any) -> object:
        seen.append(train.labels)
        return fit_novelty(train, *rest, **options)

    monkeypatch.setattr(final_fit, "MAX_FILMS", 24)
    monkeypatch.setattr(final_fit, "fit_novelty", noting)
    run, _ = train_again()
    opened = open_model(run.best)
    assert "novelty.features.mean" in opened.extras
    assert not any(array.dtype == np.uint8 and array.ndim == 3 for array in opened.extras.values())
    [labels] = seen
    assert np.bincount(labels).tolist() == [8, 8, 8]


def test_the_last_model_claims_nothing(run: RunFolder) -> None:
    opened = open_model(run.last)
    assert (opened.card.calibration, opened.card.novelty, opened.extras) == (None, None, {})
    classifier = Classifier.open(run.last)
    assert (classifier.calibration, classifier.novelty_reference) == (None, None)
    [opinion] = classifier.opinions([np.zeros((32, 32), np.uint8)])
    assert (opinion.is_calibrated, opinion.novelty, opinion.neighbours) == (False, None, ())


def test_too_few_validation_films_leave_the_model_uncalibrated(
    config: TrainingConfig, data: TrainingData, cpu: Device, tmp_path: Path
) -> None:
    run, _ = trained(config.changed(epochs=1), data, cpu, tmp_path / "run")
    card = read_card(run.best)
    assert (card.calibration, card.novelty) == (None, None)


def test_training_ends_well_even_where_its_films_cannot_be_remembered(
    train_again: Callable[[], tuple[RunFolder, TrainingDone]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise np.linalg.LinAlgError("singular")

    monkeypatch.setattr(final_fit, "fit_novelty", failing)
    run, done = train_again()
    assert done.test_accuracy is not None
    card = read_card(run.best)
    assert card.novelty is None
    assert card.calibration is not None
    assert "cannot be remembered" in caplog.text
