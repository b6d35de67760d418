import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core.images.reading import load_xray
from core.prediction.saliency_checks import HeatMap
from core.prediction.verdict import Opinion
from core.quiz import reading
from core.quiz.films import QuizFilm
from core.quiz.reading import QuizFilmRead, QuizFilmRefused, read_quiz_films
from tests.core.quiz import quizzes


class Model:
    """Says the second class of everything, not quite sure."""

    card = quizzes.card()

    def prepare(self, film: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return film[::2, ::2]

    def opinions(self, films: Sequence[NDArray[np.uint8]], prints: object = None) -> list[Opinion]:
        self.asked = films
        return [Opinion(np.array([0.2, 0.7, 0.1], np.float32), False, (1, 0), None)]


@pytest.fixture
def film(tmp_path: Path) -> QuizFilm:
    path = tmp_path / "1.png"
    pixels = np.random.default_rng(0).integers(0, 65536, (48, 40)).astype(np.uint16)
    Image.fromarray(pixels).save(path)
    return of_file(path)


def of_file(path: Path) -> QuizFilm:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return QuizFilm(f"ward/{path.name}", path, 0, digest, "new")


def read(*films: QuizFilm) -> list[QuizFilmRead | QuizFilmRefused]:
    return list(read_quiz_films(cast(Any, Model()), films, with_heat=False))


def test_a_film_comes_at_full_depth_with_the_models_opinion(film: QuizFilm) -> None:
    [event] = read(film)
    assert isinstance(event, QuizFilmRead)
    assert event.film == film
    assert event.view.values.dtype == np.uint16
    assert (event.result.predicted, event.result.digest) == (1, film.digest)
    assert event.result.verdict.level == "caution"


def test_the_model_sees_the_film_as_its_own_reader_reads_it(film: QuizFilm) -> None:
    model = Model()
    list(read_quiz_films(cast(Any, model), [film], with_heat=False))
    np.testing.assert_array_equal(model.asked[0], load_xray(film.path)[::2, ::2])


def test_a_film_that_has_changed_has_no_truth_any_more(film: QuizFilm) -> None:
    Image.new("L", (48, 48), 90).save(film.path)
    [event] = read(film)
    assert isinstance(event, QuizFilmRefused)
    assert str(event.refusal.reason).startswith("ward/1.png has changed since")


def test_a_film_that_is_gone_is_refused_by_the_name_the_user_knows(film: QuizFilm) -> None:
    film.path.unlink()
    [event] = read(film)
    assert isinstance(event, QuizFilmRefused)
    assert str(event.refusal.reason).startswith("ward/1.png cannot be opened")


def test_a_broken_film_does_not_keep_the_others_back(film: QuizFilm) -> None:
    broken = film.path.with_name("broken.png")
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and then nothing of sense")
    first, second = read(of_file(broken), film)
    assert isinstance(first, QuizFilmRefused)
    assert "ward/broken.png" in str(first.refusal.reason)
    assert isinstance(second, QuizFilmRead)


def test_the_heat_map_is_that_of_the_class_the_model_names(
    film: QuizFilm, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = False

    def explain(classifier: object, pixels: NDArray[np.uint8], label: int) -> Iterator[object]:
        nonlocal closed
        try:
            assert pixels.shape == (48, 40)
            yield SimpleNamespace(best=HeatMap.of(np.ones((3, 3))))
            yield SimpleNamespace(best=HeatMap.of(np.eye(3) * label))
        finally:
            closed = True

    monkeypatch.setattr(reading, "explain", explain)
    [event] = read_quiz_films(cast(Any, Model()), [film], with_heat=True)
    assert isinstance(event, QuizFilmRead)
    assert event.heat is not None
    np.testing.assert_array_equal(event.heat, np.eye(3))
    assert closed
