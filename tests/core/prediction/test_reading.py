import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.batches import BatchSource
from core.data.dataset import LoadedDataset
from core.errors import Message
from core.evaluation.evaluate import paddle_network
from core.images.film import Film
from core.images.reading import read_film as read_image
from core.models.model_file import open_model
from core.models.resnet import build_resnet
from core.models.weights import load_arrays
from core.prediction import reading as reading_module
from core.prediction.calibration import softmax
from core.prediction.classifier import Classifier
from core.prediction.explanation import Explanation
from core.prediction.film_search import RefusedFilm
from core.prediction.reading import THUMBNAIL_PX, FilmResult, read_films
from core.prediction.saliency_checks import SaliencyChecks
from tests.core.prediction.made_results import NORMAL, VIRAL, film_result, opinion_of

pytestmark = pytest.mark.usefixtures("narrow_network")


@pytest.fixture(scope="module")
def classifier(model: Path) -> Classifier:
    return Classifier.open(model)


def paths_of(loaded: LoadedDataset) -> list[Path]:
    return [record.path for record in loaded.dataset.records]


def read(classifier: Classifier, paths: list[Path], batch_size: int = 8) -> list[FilmResult]:
    films = list(read_films(classifier, paths, batch_size))
    assert all(isinstance(film, FilmResult) for film in films)
    return films  # type: ignore[return-value]


def test_probabilities_are_those_of_trainings_own_path(
    classifier: Classifier, model: Path, loaded: LoadedDataset
) -> None:
    """From the cache, in batches, through a network with the file's weights."""
    card, arrays, _ = open_model(model)
    network = build_resnet("resnet18", 3)
    load_arrays(network, arrays)
    source = BatchSource(loaded.cache, loaded.dataset.records, 16)
    answer = paddle_network(network, card.preprocessing)
    logits = [answer(batch.images).logits for batch in source.plain_batches(2)]
    expected = softmax(np.concatenate(logits))
    probabilities = np.stack(
        [film.opinion.probabilities for film in read(classifier, paths_of(loaded))]
    )
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert len({row.tobytes() for row in probabilities}) > 30


def test_films_come_in_the_order_they_were_asked_for(
    classifier: Classifier, loaded: LoadedDataset
) -> None:
    paths = paths_of(loaded)[::-1]
    films = read(classifier, paths)
    assert [film.path for film in films] == paths
    assert [film.file for film in films] == [str(path) for path in paths]


@pytest.mark.parametrize("batch_size", [1, 5, 36, 100])
def test_the_batch_size_changes_no_answer(
    batch_size: int, classifier: Classifier, loaded: LoadedDataset
) -> None:
    paths = paths_of(loaded)
    one = read(classifier, paths)
    for film, other in zip(one, read(classifier, paths, batch_size), strict=True):
        np.testing.assert_allclose(
            film.opinion.probabilities, other.opinion.probabilities, atol=1e-5
        )


def test_a_refused_file_keeps_its_place_and_the_others_go_on(
    classifier: Classifier, loaded: LoadedDataset, tmp_path: Path
) -> None:
    good = paths_of(loaded)
    text, cut = tmp_path / "notes.txt", tmp_path / "cut.png"
    text.write_text("no film")
    cut.write_bytes(good[0].read_bytes()[:300])
    paths = [text, *good[:3], cut, tmp_path / "missing.png", tmp_path, *good[3:14]]
    events = list(read_films(classifier, paths))
    seen = [
        event.path if isinstance(event, FilmResult) else Path(event.refusal.file)
        for event in events
    ]
    assert seen == paths
    refused = [event for event in events if isinstance(event, RefusedFilm)]
    assert [event.refusal.file for event in refused] == [
        str(path) for path in (text, cut, tmp_path / "missing.png", tmp_path)
    ]
    assert "notes.txt" in str(refused[0].refusal.reason)
    assert read_films(classifier, []) is not None
    assert list(read_films(classifier, [])) == []


def test_a_thumbnail_is_the_film_reduced(classifier: Classifier, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    large = random.integers(0, 256, (200, THUMBNAIL_PX * 4)).astype(np.uint8)
    Image.fromarray(large).save(tmp_path / "large.png")
    small = random.integers(0, 256, (50, 60)).astype(np.uint8)
    Image.fromarray(small).save(tmp_path / "small.png")
    reduced, kept = read(classifier, [tmp_path / "large.png", tmp_path / "small.png"])
    assert reduced.thumbnail is not None
    assert reduced.thumbnail.shape == (50, THUMBNAIL_PX)
    np.testing.assert_array_equal(kept.thumbnail, small)


def test_a_coloured_film_among_grey_ones_changes_no_answer_but_its_own(
    classifier: Classifier, loaded: LoadedDataset, tmp_path: Path
) -> None:
    colour = np.random.default_rng(0).integers(0, 256, (50, 60, 3)).astype(np.uint8)
    Image.fromarray(colour).save(tmp_path / "colour.png")
    grey = paths_of(loaded)[:3]
    films = read(classifier, [*grey, tmp_path / "colour.png"])
    assert films[3].thumbnail is not None
    assert films[3].thumbnail.shape == (50, 60, 3)
    for film, alone in zip(films, read(classifier, grey), strict=False):
        np.testing.assert_allclose(
            film.opinion.probabilities, alone.opinion.probabilities, atol=1e-6
        )


def test_closing_stops_and_leaves_no_thread(classifier: Classifier, loaded: LoadedDataset) -> None:
    films = read_films(classifier, paths_of(loaded), batch_size=2)
    next(films)
    films.close()  # type: ignore[attr-defined]
    assert not [t for t in threading.enumerate() if t.name.startswith("ahead")]


def test_a_mistake_in_a_thread_is_not_swallowed(
    classifier: Classifier, loaded: LoadedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = paths_of(loaded)[4].read_bytes()

    def wrong(source: bytes, frame: int) -> Film:
        if source == content:
            raise ZeroDivisionError
        return read_image(source, frame=frame)

    monkeypatch.setattr(reading_module, "read_image", wrong)
    with pytest.raises(ZeroDivisionError):
        list(read_films(classifier, paths_of(loaded)))


def test_a_film_is_known_again_by_its_content(
    classifier: Classifier, loaded: LoadedDataset, tmp_path: Path
) -> None:
    one, other = paths_of(loaded)[:2]
    copy = tmp_path / "renamed.dat"
    copy.write_bytes(one.read_bytes())
    digests = [film.digest for film in read(classifier, [one, other, copy])]
    assert digests == [
        loaded.dataset.records[0].digest,
        loaded.dataset.records[1].digest,
        digests[0],
    ]


def test_a_film_knows_its_part_in_the_making_of_the_model(
    classifier: Classifier, loaded: LoadedDataset
) -> None:
    split = classifier.card.split
    for film in read(classifier, paths_of(loaded)):
        assert film.part is not None
        assert film.digest in split[film.part]


class TestResults:
    def test_only_the_predicted_class_s_heat_map_speaks_for_or_against_the_answer(self) -> None:
        against = Message("Most heat lies outside the lungs.")
        checks = SaliencyChecks(0.2, 0.1, 0.7, 0.3, False, (against,), (against,))
        film = film_result(opinion=opinion_of(NORMAL))
        assert film.verdict.level == "no_warnings"
        for label, level in ((NORMAL, "caution"), (VIRAL, "no_warnings")):
            cams = np.zeros((3, 2, 2), np.float32)
            assert film.explained(Explanation(label, cams, checks=checks)).verdict.level == level
            assert film.explained(Explanation(label, cams)) is film
        assert film.explained(None) is film

    def test_the_truth_counts_where_the_model_knows_the_class(self) -> None:
        for true_class, is_right in (("NORMAL", True), ("COVID", False), ("TB", None)):
            film = film_result(opinion=opinion_of(NORMAL), true_class=true_class)
            assert film.is_right is is_right

    def test_two_results_on_one_file_are_two(self) -> None:
        assert film_result() != film_result()
        assert len({film_result(), film_result()}) == 2
