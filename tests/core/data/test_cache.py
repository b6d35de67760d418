import errno
import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import cache as cache_module
from core.data.cache import (
    COLOUR_FILE,
    GREY_FILE,
    INDEX_FILE,
    KEY_FILE,
    PRINTS_FILE,
    ImageCache,
    open_cache,
)
from core.data.records import Record
from core.errors import DatasetError, Message
from core.events import Progress
from core.images import reading as reading_module
from core.images.film import square
from core.images.reading import content_of, load_xray

ROOT = Path(__file__).parents[3]
SIZE = 32


def film(path: Path, seed: int, shape: tuple[int, ...] = (40, 50)) -> Record:
    levels = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    Image.fromarray(levels).save(path, "PNG")
    return record(path)


def record(path: Path) -> Record:
    return Record(f"N/{path.name}", path, hashlib.sha256(path.read_bytes()).hexdigest(), 0)


@pytest.fixture
def records(tmp_path: Path) -> list[Record]:
    folder = tmp_path / "films"
    folder.mkdir()
    return [film(folder / f"{n}.png", n) for n in range(6)]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "caches"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were decoded."""
    names: list[str] = []

    def noting(path: Path) -> bytes:
        names.append(path.name)
        return content_of(path)

    monkeypatch.setattr(cache_module, "content_of", noting)
    return names


def opened(records: list[Record], store: Path, size: int = SIZE) -> ImageCache:
    *_, cache = open_cache(records, size, store)
    assert isinstance(cache, ImageCache)
    return cache


def test_films_come_back_as_the_reader_squares_them(records: list[Record], store: Path) -> None:
    cache = opened(records, store)
    for item in records:
        expected = square(load_xray(item.path), SIZE)
        assert np.array_equal(cache.image(item.digest), expected)
        assert cache.image(item.digest).dtype == np.uint8


def test_progress_counts_every_film(records: list[Record], store: Path) -> None:
    *steps, _ = open_cache(records, SIZE, store)
    assert steps == [Progress(Message("Reading films"), n + 1, 6) for n in range(6)]


def test_a_second_opening_decodes_nothing(
    records: list[Record], store: Path, decoded: list[str]
) -> None:
    opened(records, store)
    assert len(decoded) == 6
    assert [type(step) for step in open_cache(records, SIZE, store)] == [ImageCache]
    assert len(decoded) == 6


def test_renamed_and_reordered_films_are_not_read_again(
    records: list[Record], store: Path, decoded: list[str]
) -> None:
    opened(records, store)
    moved = [replace(item, name=f"other/{n}.png") for n, item in enumerate(records[::-1])]
    opened(moved, store)
    assert len(decoded) == 6


def test_another_size_reader_or_content_is_another_cache(
    records: list[Record], store: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(records, store)
    opened(records, store, 48)
    opened(records[1:], store)
    monkeypatch.setattr(cache_module, "READER_VERSION", 99)
    opened(records, store)
    assert len(decoded) == 6 + 6 + 5 + 6
    assert len(list(store.glob("*/"))) == 4


def test_a_film_that_is_there_twice_is_decoded_once(
    records: list[Record], store: Path, decoded: list[str]
) -> None:
    twin = replace(records[0], name="V/twin.png")
    cache = opened([*records, twin], store)
    assert len(decoded) == 6
    assert len(cache.rows) == 6


def test_coloured_films_keep_their_colours(records: list[Record], store: Path) -> None:
    coloured = film(records[0].path.parent / "red.png", 9, (40, 50, 3))
    cache = opened([*records, coloured], store)
    image = cache.image(coloured.digest)
    expected = square(load_xray(coloured.path), SIZE)
    assert np.array_equal(image, expected)
    assert list(cache.colour_rows) == [coloured.digest]
    grey = cache.grey[cache.rows[coloured.digest]].astype(int)
    assert np.abs(grey - np.asarray(Image.fromarray(expected).convert("L"))).max() <= 1
    assert cache.image(records[0].digest).shape == (SIZE, SIZE)


def test_unreadable_films_are_told_under_their_own_names(
    records: list[Record], store: Path
) -> None:
    path = records[0].path.parent / "generated-name.png"
    path.write_bytes(records[0].path.read_bytes()[:200])
    broken = replace(record(path), name="N/thorax.png")
    cache = opened([*records, broken], store)
    assert list(cache.unreadable) == [broken.digest]
    assert str(cache.unreadable[broken.digest][0]).startswith("N/thorax.png is cut short")
    assert len(cache.rows) == 6
    renamed = [*records, replace(broken, name="N/other.png")]
    assert str(opened(renamed, store).unreadable[broken.digest][0]).startswith(
        "N/other.png is cut short"
    )


def test_a_dataset_of_unreadable_films_alone_is_no_crash(tmp_path: Path, store: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    cache = opened([record(path)], store)
    assert (cache.rows, cache.grey.shape) == ({}, (0, SIZE, SIZE))
    assert len(cache.unreadable) == 1


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        (GREY_FILE, cut),
        (GREY_FILE, Path.unlink),
        (COLOUR_FILE, Path.unlink),
        (COLOUR_FILE, lambda path: path.write_bytes(b"x")),
        (INDEX_FILE, cut),
        (INDEX_FILE, Path.unlink),
        (INDEX_FILE, lambda path: path.write_text("{}")),
        (INDEX_FILE, lambda path: path.write_text("[1]")),
        (INDEX_FILE, lambda path: path.write_bytes(b"\xff\xfe")),
        (INDEX_FILE, lambda path: path.write_text(path.read_text().replace("32", "33", 1))),
        (INDEX_FILE, lambda path: path.write_text("[" * 200_000)),
        (PRINTS_FILE, lambda path: path.write_bytes(bytes(path.stat().st_size))),
    ],
)
def test_a_damaged_cache_is_built_anew(
    name: str, damage, records: list[Record], store: Path, decoded: list[str]
) -> None:
    opened(records, store)
    [folder] = store.glob("*/")
    damage(folder / name)
    cache = opened(records, store)
    assert len(decoded) == 12
    assert np.array_equal(cache.image(records[3].digest), square(load_xray(records[3].path), SIZE))
    assert list(store.glob("*/")) == [folder]


@pytest.mark.parametrize("key", [b"", bytes(100)])
def test_a_damaged_key_to_the_patients_is_replaced(
    key: bytes, records: list[Record], store: Path
) -> None:
    store.mkdir()
    (store / KEY_FILE).write_bytes(key)
    assert opened(records, store).rows
    assert len((store / KEY_FILE).read_bytes()) == 32


def test_closing_removes_what_was_begun(records: list[Record], store: Path) -> None:
    steps = open_cache(records, SIZE, store)
    next(steps)
    assert len(list(store.glob("*/"))) == 1
    steps.close()  # type: ignore[attr-defined]
    assert list(store.glob("*/")) == []


def test_a_full_disk_is_told_and_leaves_nothing(
    records: list[Record], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DatasetError, match=r"No space left on device.*Free some disk space"):
        opened(records, store)
    assert list(store.glob("*/")) == []


def test_an_error_that_is_no_refusal_is_not_swallowed(
    records: list[Record], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cache_module, "read_film", fail)
    with pytest.raises(ZeroDivisionError):
        opened(records, store)
    assert list(store.glob("*/")) == []


def no_memory(*_: object) -> None:
    raise MemoryError


@pytest.mark.parametrize("reason", ["cannot be opened: No such file", "too little free memory"])
def test_a_film_that_cannot_be_had_just_now_is_refused_and_not_remembered(
    reason: str, records: list[Record], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = records[2].path
    away = path.with_suffix(".away")
    named = [*records[:2], replace(records[2], name="N/thorax.png"), *records[3:]]
    with monkeypatch.context() as patch:
        if "memory" in reason:
            patch.setattr(reading_module, "read_raster", no_memory)
        else:
            path.rename(away)
        with pytest.raises(DatasetError, match=rf"{reason}.*reconnect it, and open") as caught:
            opened(named, store)
    assert list(store.glob("*/")) == []
    if away.exists():
        assert "N/thorax.png" in str(caught.value)
        away.rename(path)
    cache = opened(named, store)
    assert cache.unreadable == {}
    assert len(cache.rows) == 6


BUILDER = """
import sys
from pathlib import Path
from core.data.cache import ImageCache, open_cache
from core.data.records import Record
*films, store = sys.argv[1:]
records = [Record(film, Path(film.split("=")[0]), film.split("=")[1], 0) for film in films]
for number, step in enumerate(open_cache(records, 32, Path(store))):
    if number == 2:
        print("in the middle", flush=True)
        sys.stdin.readline()
print(isinstance(step, ImageCache) and int(step.grey[:].astype(int).sum()), flush=True)
"""


def builder(records: list[Record], store: Path) -> subprocess.Popen[str]:
    """Another process that builds the cache and stops in the middle until it gets a line."""
    films = [f"{item.path}={item.digest}" for item in records]
    process = subprocess.Popen(
        [sys.executable, "-c", BUILDER, *films, str(store)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "in the middle\n"
    return process


def test_a_process_killed_while_building_leaves_nothing_that_is_used(
    records: list[Record], store: Path, decoded: list[str]
) -> None:
    with builder(records, store) as process:
        [part] = store.glob("*/")
        assert part.name.endswith(".part")
        process.kill()
    cache = opened(records, store)
    assert len(decoded) == 6
    assert np.array_equal(cache.image(records[5].digest), square(load_xray(records[5].path), SIZE))
    assert not part.exists()
    assert len(list(store.glob("*/"))) == 1


def test_two_processes_may_build_the_same_cache(records: list[Record], store: Path) -> None:
    with builder(records, store) as one, builder(records, store) as other:
        answers = {one.communicate("go\n")[0]}
        [first] = [folder for folder in store.glob("*/") if not folder.name.endswith(".part")]
        number = first.stat().st_ino
        answers.add(other.communicate("go\n")[0])
    assert first.stat().st_ino == number  # the slower one left it to those who use it
    cache = opened(records, store)
    assert answers == {f"{int(cache.grey[:].astype(int).sum())}\n"}
    assert len(list(store.glob("*/"))) == 1
    assert (one.returncode, other.returncode) == (0, 0)
