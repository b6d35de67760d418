"""Single files, zips and hopeless paths, each answered with a film or one plain sentence."""

import os
import threading
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from core.events import Progress
from core.prediction import film_search
from core.prediction.film_search import FoundFilm, RefusedFilm, SeenFilms, find_films

needs_posix = pytest.mark.skipif(os.name != "posix", reason="only POSIX has them")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.png"
    Image.new("L", (32, 32), 90).save(path)
    return path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def search(store: Path, *paths: Path) -> tuple[list[FoundFilm], list[RefusedFilm]]:
    events = list(find_films(paths, store))
    films = [event for event in events if isinstance(event, FoundFilm)]
    return films, [event for event in events if isinstance(event, RefusedFilm)]


def why(store: Path, path: Path) -> str:
    """The one sentence with which a path is refused."""
    films, (refused,) = search(store, path)
    assert films == []
    assert refused.refusal.file == str(path)
    return str(refused.refusal.reason)


def zip_of(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as zipped:
        for name, content in entries.items():
            zipped.writestr(name, content)
    return path


class TestFiles:
    def test_one_film_keeps_the_name_it_was_given(self, store: Path, film: Path) -> None:
        (found,), _ = search(store, film)
        assert found == FoundFilm.at(film)

    def test_a_file_without_ending_is_a_film(self, store: Path, film: Path) -> None:
        bare = film.rename(film.with_name("IM0001"))
        (found,), _ = search(store, bare)
        assert found.name == "IM0001"

    def test_what_is_no_image_is_left_to_the_reader_s_words(
        self, store: Path, tmp_path: Path
    ) -> None:
        page = tmp_path / "page.pdf"
        page.write_bytes(b"%PDF-1.7")
        (found,), refused = search(store, page)
        assert (found.path, refused) == (page, [])

    def test_ten_thousand_names_are_not_opened(
        self, store: Path, film: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened: list[object] = []
        monkeypatch.setattr(os, "open", lambda *arguments: opened.append(arguments))
        events = list(find_films([film] * 10_000, store, keep_repeated=True))
        assert sum(isinstance(event, FoundFilm) for event in events) == 10_000
        assert [event.done for event in events if isinstance(event, Progress)] == list(
            range(0, 10_000, 100)
        )
        assert opened == []

    def test_a_model_among_films_is_told_from_them(self, store: Path, tmp_path: Path) -> None:
        model = tmp_path / "best.SafeTensors"
        model.write_bytes(b"weights")
        assert "is a model file, not a film. Open it as the model" in why(store, model)

    @pytest.mark.parametrize("head", [b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b\x08"])
    def test_other_archives_are_refused_with_a_remedy(
        self, store: Path, tmp_path: Path, head: bytes
    ) -> None:
        packed = tmp_path / "films.rar"
        packed.write_bytes(head + bytes(40))
        assert why(store, packed) == (
            "films.rar is packed in a way that is not opened here. Unpack it and add the folder, "
            "or pack the films as a zip."
        )


class TestHopelessPaths:
    def test_a_file_that_is_not_there(self, store: Path, tmp_path: Path) -> None:
        assert why(store, tmp_path / "gone.png") == (
            "gone.png cannot be opened: No such file or directory. Check that it is still there "
            "and may be read."
        )

    @needs_posix
    def test_a_broken_link(self, store: Path, tmp_path: Path) -> None:
        (tmp_path / "link.png").symlink_to(tmp_path / "gone.png")
        assert why(store, tmp_path / "link.png").startswith(
            "link.png is a link to something that is not there"
        )

    @needs_posix
    def test_a_link_to_itself(self, store: Path, tmp_path: Path) -> None:
        (tmp_path / "a.png").symlink_to(tmp_path / "b.png")
        (tmp_path / "b.png").symlink_to(tmp_path / "a.png")
        assert why(store, tmp_path / "a.png").startswith("a.png is a link that leads in a circle")

    @needs_posix
    def test_a_device_that_never_ends(self, store: Path) -> None:
        assert why(store, Path("/dev/zero")).startswith("zero is a device or a pipe")

    @needs_posix
    def test_a_pipe_nobody_writes_into(self, store: Path, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        assert why(store, tmp_path / "pipe").startswith("pipe is a device or a pipe")

    @needs_posix
    def test_a_name_too_long_for_any_disk(self, store: Path, tmp_path: Path) -> None:
        said = why(store, tmp_path / ("x" * 3000 + ".png"))
        assert "has a longer name than this system can open" in said
        assert len(said) < 300

    def test_a_name_with_a_null_in_it(self, store: Path, tmp_path: Path) -> None:
        assert why(store, tmp_path / "a\0b.png") == "No file can be called a\ufffdb.png. " + (
            "Choose it again."
        )

    def test_a_file_that_may_not_be_opened(
        self, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "locked").write_bytes(b"secret")

        def strict(*_arguments: object) -> int:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "open", strict)
        assert why(store, tmp_path / "locked").startswith(
            "locked cannot be opened: Permission denied."
        )

    def test_a_hopeless_path_does_not_stop_the_others(self, store: Path, film: Path) -> None:
        films, refused = search(store, film.with_name("gone"), film, Path("/dev/null"))
        assert [one.path for one in films] == [film]
        assert len(refused) == 2


class TestZips:
    def test_its_films_are_found_under_the_names_in_it(
        self, store: Path, film: Path, tmp_path: Path
    ) -> None:
        content = film.read_bytes()
        archive = zip_of(tmp_path / "films.zip", {"B/2.png": content + b"2", "A/1": content})
        (one, two), refused = search(store, archive)
        assert (one.name, two.name) == ("films.zip/A/1", "films.zip/B/2.png")
        assert one.file == str(archive / "A" / "1")
        assert one.source == archive
        assert one.path.read_bytes() == content
        assert one.path.is_relative_to(store)
        assert refused == []

    def test_a_zip_is_known_by_its_content_too(self, store: Path, film: Path) -> None:
        archive = zip_of(film.with_name("films"), {"1.png": film.read_bytes()})
        (found,), _ = search(store, archive)
        assert found.name == "films/1.png"

    def test_what_was_left_out_comes_after_the_films(
        self, store: Path, film: Path, tmp_path: Path
    ) -> None:
        entries = {"a.zip": b"PK\x03\x04" + bytes(40), "b.png": film.read_bytes()}
        films, (refused,) = search(store, zip_of(tmp_path / "films.zip", entries))
        assert [one.name for one in films] == ["films.zip/b.png"]
        assert refused.name == "films.zip/a.zip"
        assert str(refused.refusal.reason).startswith("An archive inside; unpack it")

    def test_an_empty_zip(self, store: Path, tmp_path: Path) -> None:
        assert why(store, zip_of(tmp_path / "films.zip", {})) == (
            "films.zip is an empty zip. Put films into it."
        )

    def test_a_zip_of_empty_folders(self, store: Path, tmp_path: Path) -> None:
        archive = zip_of(tmp_path / "films.zip", {"NORMAL/": b"", "__MACOSX/x.png": b"x"})
        assert why(store, archive) == "films.zip is an empty zip. Put films into it."

    def test_a_locked_zip(self, store: Path, film: Path, tmp_path: Path) -> None:
        archive = zip_of(tmp_path / "films.zip", {"a.png": film.read_bytes()})
        content = bytearray(archive.read_bytes())
        content[6] |= 1  # the flag in the entry's header
        content[content.rindex(b"PK\x01\x02") + 8] |= 1  # and in the list's
        archive.write_bytes(content)
        assert "Locked with a password; zip it again without one." in why(store, archive)

    def test_a_cut_zip(self, store: Path, film: Path, tmp_path: Path) -> None:
        archive = zip_of(tmp_path / "films.zip", {"a.png": film.read_bytes()})
        archive.write_bytes(archive.read_bytes()[:-30])
        assert why(store, archive).startswith("films.zip is cut short or damaged")

    def test_what_only_is_called_a_zip(self, store: Path, tmp_path: Path) -> None:
        (tmp_path / "films.zip").write_bytes(b"no archive at all")
        assert why(store, tmp_path / "films.zip") == (
            "films.zip is called a zip and is none. Get it again, or add the films themselves."
        )

    def test_leaving_while_it_is_unpacked_leaves_nothing(
        self, store: Path, film: Path, tmp_path: Path
    ) -> None:
        content = film.read_bytes()
        entries = {f"{number}.png": content + bytes([number]) for number in range(50)}
        archive = zip_of(tmp_path / "films.zip", entries)
        with closing(find_films([archive], store)) as events:
            for event in events:
                if isinstance(event, Progress) and str(event.stage) == "Unpacking":
                    break
        assert list(store.glob("*")) == []


class TestNetworkDrives:
    @pytest.fixture
    def gate(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[threading.Event]:
        """Everything in `tmp_path` lies on a server that answers once the gate is open."""
        gate = threading.Event()
        asked: list[threading.Thread] = []

        def touch(path: Path) -> None:
            asked.append(threading.current_thread())
            gate.wait(60)

        mounts = [("/proc", "proc"), (str(tmp_path), "nfs4")]
        monkeypatch.setattr(film_search.Drives, "of_computer", lambda: film_search.Drives(mounts))
        monkeypatch.setattr(film_search, "touch", touch)
        yield gate
        gate.set()
        for thread in asked:
            thread.join(60)

    def test_a_drive_that_does_not_answer_is_asked_once(
        self, gate: threading.Event, store: Path, film: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(film_search, "PATIENCE_S", 0.0)
        monkeypatch.setattr(film_search, "_ASK_AGAIN_S", 0.0)
        films, refused = search(store, film, film.with_name("other.png"))
        assert films == []
        assert [one.name for one in threading.enumerate()].count("network drive") == 1
        assert [str(one.refusal.reason) for one in refused] == [
            f"{name} lies on a network drive that does not answer. Check the connection, or copy "
            "the films to this computer."
            for name in ("film.png", "other.png")
        ]

    def test_one_may_stop_while_it_is_waited_for(
        self, gate: threading.Event, store: Path, film: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(film_search, "_ASK_AGAIN_S", 0.0)
        events = find_films([film], store)
        assert isinstance(next(events), Progress)
        waiting = next(events)
        assert isinstance(waiting, Progress)
        assert str(waiting.stage) == "Waiting for the network drive"
        events.close()

    def test_a_drive_that_answers_is_read(
        self, gate: threading.Event, store: Path, film: Path
    ) -> None:
        gate.set()
        (found,), _ = search(store, film)
        assert found.path == film


class TestSeenFilms:
    def test_the_second_time_the_first_name_is_told(self) -> None:
        seen = SeenFilms()
        assert seen.register("aa", "one.png") is None
        assert seen.register("bb", "two.png") is None
        assert seen.register("aa", "copy of one.png") == "one.png"
        assert seen.register("aa", "one.png") == "one.png"

    def test_a_film_that_was_put_away_is_new_again(self) -> None:
        seen = SeenFilms()
        seen.register("aa", "one.png")
        seen.forget("aa")
        seen.forget("cc")
        assert seen.register("aa", "two.png") is None
        seen.clear()
        assert seen.register("aa", "three.png") is None
