"""Films that are looked at are read and explained, once, and no others."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from app.reading import desk_viewmodel as desk_module
from app.reading.desk_viewmodel import DeskViewModel
from app.tasks import TaskRunner
from core.errors import Message
from core.images.film import FullDepthFilm
from core.prediction.classifier import Classifier
from core.prediction.explanation import Explanation
from core.prediction.reading import FilmResult
from tests.app.hands import wait_until
from tests.app.pretended_explanations import Explanations
from tests.app.pretended_reading import digest_of, opinion, write_films
from tests.core.prediction.made_results import COVID, NORMAL, VIRAL, film_result

ONE_MODEL, ANOTHER = cast(Classifier, "one model"), cast(Classifier, "another")


@dataclass
class Told:
    """Signals of the view-model, in their order."""

    loaded: list[int] = field(default_factory=list)
    failed: list[tuple[int, Message]] = field(default_factory=list)
    explained: list[tuple[int, Explanation]] = field(default_factory=list)

    @property
    def complete(self) -> list[tuple[int, int]]:
        """Key and class of what was explained to the end."""
        return [(key, found.label) for key, found in self.explained if found.is_complete]


@pytest.fixture
def desk(runners: list[TaskRunner], explanations: Explanations) -> Iterator[DeskViewModel]:
    desk = DeskViewModel(runners[0], runners[1])
    desk.use(ONE_MODEL)
    yield desk
    explanations.gate.set()


@pytest.fixture
def told(desk: DeskViewModel) -> Told:
    told = Told()
    desk.film_loaded.connect(lambda key, _film: told.loaded.append(key))
    desk.film_failed.connect(lambda key, reason: told.failed.append((key, reason)))
    desk.explained.connect(lambda key, found: told.explained.append((key, found)))
    return told


@pytest.fixture
def films(tmp_path: Path) -> list[FilmResult]:
    return [read_film(key, path) for key, path in enumerate(write_films(tmp_path, 6), start=1)]


def read_film(key: int, path: Path) -> FilmResult:
    return film_result(path, key=key, digest=digest_of(path), opinion=opinion(NORMAL))


def settle(runners: list[TaskRunner]) -> None:
    wait_until(lambda: not any(runner.is_running for runner in runners))


def test_films_in_sight_are_read_at_full_depth_and_explained(
    desk: DeskViewModel, told: Told, films: list[FilmResult], runners: list[TaskRunner]
) -> None:
    desk.look_at([(films[0], NORMAL), (films[1], COVID)])
    settle(runners)
    assert told.loaded == [1, 2]
    assert told.complete == [(1, NORMAL), (2, COVID)]
    film = desk.film(1)
    assert film is not None
    assert film.values.shape == (40, 30)


def test_the_map_is_told_before_its_examination(
    desk: DeskViewModel, told: Told, films: list[FilmResult], runners: list[TaskRunner]
) -> None:
    desk.look_at([(films[0], NORMAL)])
    settle(runners)
    assert [found.is_complete for _, found in told.explained] == [False, True]


def test_what_is_examined_still_is_known_as_far_as_it_is(
    desk: DeskViewModel,
    told: Told,
    films: list[FilmResult],
    runners: list[TaskRunner],
    explanations: Explanations,
) -> None:
    explanations.gate.clear()
    desk.look_at([(films[0], NORMAL)])
    wait_until(lambda: bool(told.explained))
    early = desk.explanation(1, NORMAL)
    assert early is not None
    assert not early.is_complete
    explanations.gate.set()
    settle(runners)
    whole = desk.explanation(1, NORMAL)
    assert whole is not None
    assert whole.is_complete


def test_nothing_is_done_twice(
    desk: DeskViewModel,
    told: Told,
    films: list[FilmResult],
    runners: list[TaskRunner],
    explanations: Explanations,
) -> None:
    explanations.gate.clear()
    for _ in range(3):
        desk.look_at([(films[0], NORMAL), (films[1], NORMAL)])
    explanations.gate.set()
    settle(runners)
    desk.look_at([(films[0], NORMAL)])
    settle(runners)
    assert told.loaded == [1, 2]
    assert explanations.asked == [("a.png", NORMAL), ("b.png", NORMAL)]


def test_another_class_of_the_same_film_is_explained_anew(
    desk: DeskViewModel, told: Told, films: list[FilmResult], runners: list[TaskRunner]
) -> None:
    for label in (NORMAL, VIRAL):
        desk.look_at([(films[0], label)])
        settle(runners)
    assert told.loaded == [1]
    assert told.complete == [(1, NORMAL), (1, VIRAL)]


def test_what_went_out_of_sight_is_left_for_what_came(
    desk: DeskViewModel,
    told: Told,
    films: list[FilmResult],
    runners: list[TaskRunner],
    explanations: Explanations,
) -> None:
    explanations.gate.clear()
    desk.look_at([(film, NORMAL) for film in films[:4]])
    wait_until(lambda: bool(told.explained))
    desk.look_at([(films[5], NORMAL)])
    explanations.gate.set()
    settle(runners)
    assert explanations.asked == [("a.png", NORMAL), ("f.png", NORMAL)]
    assert told.complete[-1] == (6, NORMAL)


def test_what_comes_into_sight_again_is_explained_to_the_end(
    desk: DeskViewModel,
    told: Told,
    films: list[FilmResult],
    runners: list[TaskRunner],
    explanations: Explanations,
) -> None:
    explanations.gate.clear()
    desk.look_at([(films[0], NORMAL)])
    wait_until(lambda: bool(told.explained))
    desk.look_at([])
    desk.look_at([(films[0], NORMAL)])
    explanations.gate.set()
    settle(runners)
    assert (1, NORMAL) in told.complete


def test_another_model_forgets_what_the_old_one_said(
    desk: DeskViewModel,
    told: Told,
    films: list[FilmResult],
    runners: list[TaskRunner],
    explanations: Explanations,
) -> None:
    explanations.gate.clear()
    desk.look_at([(films[0], NORMAL)])
    wait_until(lambda: bool(told.explained))
    desk.use(ANOTHER)
    n_told = len(told.explained)
    explanations.gate.set()
    settle(runners)
    assert len(told.explained) == n_told
    assert desk.explanation(1, NORMAL) is None
    assert desk.film(1) is None


def test_without_a_model_films_are_shown_and_not_explained(
    runners: list[TaskRunner], films: list[FilmResult], explanations: Explanations
) -> None:
    desk = DeskViewModel(runners[0], runners[1])
    desk.look_at([(films[0], NORMAL)])
    settle(runners)
    assert isinstance(desk.film(1), FullDepthFilm)
    assert explanations.asked == []


def test_a_film_that_is_gone_is_told_by_the_name_in_the_list(
    desk: DeskViewModel, told: Told, films: list[FilmResult], runners: list[TaskRunner]
) -> None:
    films[0].path.unlink()
    desk.look_at([(films[0], NORMAL), (films[1], NORMAL)])
    settle(runners)
    [(key, reason)] = told.failed
    assert key == 1
    assert str(reason).startswith("a.png cannot be opened")
    assert told.loaded == [2]


def test_films_are_let_go_when_they_take_too_much_memory(
    desk: DeskViewModel,
    films: list[FilmResult],
    runners: list[TaskRunner],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(desk_module, "MAX_BYTES", 1)
    for film in films:
        desk.look_at([(film, NORMAL)])
        settle(runners)
    assert [desk.film(key) is not None for key in range(1, 7)] == [False] * 2 + [True] * 4


def test_a_film_that_was_looked_at_lately_stays_longest(
    desk: DeskViewModel,
    films: list[FilmResult],
    runners: list[TaskRunner],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(desk_module, "MAX_BYTES", 1)
    for film in (*films[:4], films[4]):
        desk.film(1)
        desk.look_at([(film, NORMAL)])
        settle(runners)
    assert desk.film(1) is not None
    assert desk.film(2) is None


def test_a_film_that_stays_in_sight_is_never_let_go(
    desk: DeskViewModel,
    told: Told,
    films: list[FilmResult],
    runners: list[TaskRunner],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To be read once more would undo what the user did to it: window, zoom, rulers."""
    monkeypatch.setattr(desk_module, "MAX_BYTES", 1)
    for film in (*films[1:], films[-1]):
        desk.look_at([(film, NORMAL), (films[0], NORMAL)])
        settle(runners)
    assert told.loaded == [2, 1, 3, 4, 5, 6]


def test_explanations_do_not_pile_up(
    desk: DeskViewModel,
    films: list[FilmResult],
    runners: list[TaskRunner],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(desk_module, "MAX_EXPLANATIONS", 2)
    for film in films[:3]:
        desk.look_at([(film, NORMAL)])
        settle(runners)
    known = [desk.explanation(key, NORMAL) is not None for key in (1, 2, 3)]
    assert known == [False, True, True]


def test_a_real_network_is_explained_off_the_gui_thread(
    runners: list[TaskRunner],
    model_file: Path,
    film_files: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads: set[threading.Thread] = set()
    load = desk_module.load_xray

    def noted(path: Path, frame: int) -> Any:
        threads.add(threading.current_thread())
        return load(path, frame)

    monkeypatch.setattr(desk_module, "load_xray", noted)
    desk = DeskViewModel(runners[0], runners[1])
    desk.use(Classifier.open(model_file))
    found: list[Explanation] = []
    desk.explained.connect(lambda _key, one: found.append(one))
    desk.look_at([(read_film(1, film_files[0]), COVID)])
    settle(runners)
    first, last = found[0], found[-1]
    assert (first.label, first.is_complete, last.is_complete) == (COVID, False, True)
    assert last.second is not None
    assert desk.explanation(1, COVID) is last
    assert threading.main_thread() not in threads


def test_what_cannot_be_explained_is_told_once(
    desk: DeskViewModel,
    films: list[FilmResult],
    runners: list[TaskRunner],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(_wish: object) -> Iterator[object]:
        yield from ()
        raise RuntimeError("no memory, say")

    given_up: list[int] = []
    failures: list[object] = []
    desk.explain_failed.connect(given_up.append)
    desk.failed.connect(failures.append)
    monkeypatch.setattr(desk_module, "_explain", failing)
    for _ in range(2):
        desk.look_at([(films[0], NORMAL)])
        settle(runners)
    assert given_up == [1]
    assert len(failures) == 1
    assert desk.is_given_up(1, NORMAL)
    assert not desk.is_given_up(1, COVID)
    desk.forget()
    assert not desk.is_given_up(1, NORMAL)
