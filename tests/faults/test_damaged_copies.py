"""Damage to what the program keeps of a dataset is found and read again, never trained on."""

import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import cache as cache_module
from core.data.archive import extract
from core.data.cache import (
    COLOUR_FILE,
    GREY_FILE,
    INDEX_FILE,
    PRINTS_FILE,
    THUMBNAIL_FILE,
    TRACES_FILE,
    ImageCache,
    open_cache,
)
from core.data.records import Record
from core.data.unpacked import Unpacked
from core.errors import DatasetError
from core.events import Progress
from core.sealed_json import read_sealed, write_sealed
from tests.core.data.zip_box import zipped

SIZE, N = 16, 5
FILES = (GREY_FILE, COLOUR_FILE, THUMBNAIL_FILE, PRINTS_FILE, TRACES_FILE, INDEX_FILE)


@pytest.fixture
def records(tmp_path: Path) -> list[Record]:
    made = []
    for number in range(N):
        shape = (20, 24, 3) if number == 0 else (20, 24)
        levels = np.random.default_rng(number).integers(0, 256, shape).astype(np.uint8)
        path = tmp_path / f"{number}.png"
        Image.fromarray(levels).save(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        made.append(Record(f"N/{path.name}", path, digest, 0))
    return made


def opened(records: list[Record], store: Path) -> ImageCache:
    *_, cache = open_cache(records, SIZE, store)
    assert isinstance(cache, ImageCache)
    return cache


def content(cache: ImageCache) -> bytes:
    """All that training and the audit read from a cache."""
    arrays = [cache.image(digest) for digest in cache.rows]
    arrays += [cache.grey[:], cache.colour[:], cache.thumbnails[:], cache.prints, cache.traces]
    return b"".join(array.tobytes() for array in arrays) + repr(cache.headers).encode()


def flip_bit(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


def flips(folder: Path, names: tuple[str, ...], n: int) -> list[tuple[Path, int]]:
    """Draw n bits of files, each file alike often."""
    random = np.random.default_rng(14)
    paths = [folder / name for name in names]
    return [
        (path, int(random.integers(8 * path.stat().st_size)))
        for path in (paths[number % len(paths)] for number in range(n))
    ]


def check_flips(records: list[Record], store: Path, n: int) -> None:
    expected = content(opened(records, store))
    [folder] = store.glob("*/")
    for path, bit in flips(folder, FILES, n):
        flip_bit(path, bit)
        assert content(opened(records, store)) == expected, (path.name, bit)
    assert [path.name for path in store.glob("*/")] == [folder.name]  # nothing was left over


def test_no_flipped_bit_of_a_cache_is_read(records: list[Record], tmp_path: Path) -> None:
    check_flips(records, tmp_path / "caches", 36)


@pytest.mark.nightly
def test_none_of_many_flipped_bits_of_a_cache_is_read(
    records: list[Record], tmp_path: Path
) -> None:
    check_flips(records, tmp_path / "caches", 5_000)


@pytest.mark.parametrize("name", [GREY_FILE, COLOUR_FILE, THUMBNAIL_FILE])
def test_a_damaged_image_alone_is_made_anew_and_told(
    name: str, records: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = content(opened(records, tmp_path / "caches"))
    [path] = (tmp_path / "caches").glob(f"*/{name}")
    whole = path.read_bytes()
    path.write_bytes(bytes(SIZE * SIZE) + whole[SIZE * SIZE :])
    decoded: list[str] = []
    decode = cache_module._decode

    def noting(film: Record, size: int, key: bytes) -> object:
        decoded.append(film.name)
        return decode(film, size, key)

    monkeypatch.setattr(cache_module, "_decode", noting)
    cache = opened(records, tmp_path / "caches")
    assert cache.repair_note is None
    assert content(cache) == expected
    assert len(cache.repaired) == len(decoded) == 1
    assert "copies of 1 films were damaged" in str(cache.repair_note)
    assert path.read_bytes() == whole
    assert content(opened(records, tmp_path / "caches")) == expected
    assert len(decoded) == 1  # it was repaired on the disk


def test_swapped_images_are_told_apart(records: list[Record], tmp_path: Path) -> None:
    expected = content(opened(records, tmp_path / "caches"))
    [path] = (tmp_path / "caches").glob(f"*/{GREY_FILE}")
    images = np.frombuffer(path.read_bytes(), np.uint8).reshape(N, -1)
    path.write_bytes(images[[0, 2, 1, 3, 4]].tobytes())
    assert content(opened(records, tmp_path / "caches")) == expected


def test_a_rebuilt_cache_says_so(records: list[Record], tmp_path: Path) -> None:
    opened(records, tmp_path / "caches")
    [path] = (tmp_path / "caches").glob(f"*/{INDEX_FILE}")
    path.write_text("[" * 200_000)
    first = next(iter(open_cache(records, SIZE, tmp_path / "caches")))
    assert isinstance(first, Progress)
    assert "damaged: reading the films again" in str(first.stage)


@pytest.mark.parametrize("n_bytes", [0, 1, SIZE * SIZE * 2 + 7])
def test_a_cache_cut_while_it_is_in_use_is_read_from_the_films(
    n_bytes: int, records: list[Record], tmp_path: Path
) -> None:
    expected = content(opened(records, tmp_path / "caches"))
    cache = opened(records, tmp_path / "caches")
    assert content(cache) == expected  # all is checked by now
    for name in (GREY_FILE, COLOUR_FILE, THUMBNAIL_FILE):
        os.truncate(cache.folder / name, min(n_bytes, (cache.folder / name).stat().st_size - 1))
    assert content(cache) == expected
    for name in (GREY_FILE, COLOUR_FILE, THUMBNAIL_FILE):  # and lengthened, as a hole of zeros
        os.truncate(cache.folder / name, 2**20)
    assert content(cache) == expected


def test_a_film_that_is_gone_too_is_refused_and_drawn_black(
    records: list[Record], tmp_path: Path
) -> None:
    opened(records, tmp_path / "caches")
    for path in (tmp_path / "caches").glob("*/*.u8"):
        path.write_bytes(bytes(path.stat().st_size))
    records[2].path.unlink()
    cache = opened(records, tmp_path / "caches")
    with pytest.raises(DatasetError, match=r"2\.png cannot be opened"):
        cache.image(records[2].digest)
    assert not cache.thumbnail(records[2].digest).any()


def test_a_film_that_became_another_one_is_not_taken_for_it(
    records: list[Record], tmp_path: Path
) -> None:
    opened(records, tmp_path / "caches")
    [path] = (tmp_path / "caches").glob(f"*/{GREY_FILE}")
    path.write_bytes(bytes(path.stat().st_size))
    records[2].path.write_bytes(records[3].path.read_bytes())
    with pytest.raises(DatasetError, match="was changed"):
        opened(records, tmp_path / "caches").image(records[2].digest)


# What was unpacked of a zip.


def png(seed: int) -> tuple[str, bytes]:
    path = f"{'AB'[seed % 2]}/{seed}.png"
    levels = np.random.default_rng(seed).integers(0, 256, (9, 9)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "PNG")
    return path, file.getvalue()


def unpacked(archive: Path, store: Path) -> list[tuple[str, str, bytes]]:
    *_, found = extract(archive, store)
    assert isinstance(found, Unpacked)
    return [(one.name, one.digest, one.path.read_bytes()) for one in found.files]


def check_index_flips(tmp_path: Path, n: int) -> None:
    archive, store = tmp_path / "films.zip", tmp_path / "datasets"
    archive.write_bytes(zipped(*(png(seed) for seed in range(4))))
    os.utime(archive, ns=(0, 0))  # so that its hash is remembered
    expected = unpacked(archive, store)
    [index], names = store.glob("*/index.json"), store / "archives.json"
    assert names.exists()
    for path, bit in flips(store, (str(index.relative_to(store)), names.name), n):
        flip_bit(path, bit)
        assert unpacked(archive, store) == expected, (path.name, bit)
    assert sorted(path.name for path in store.iterdir()) == sorted([index.parent.name, names.name])


def test_no_flipped_bit_of_an_index_moves_a_film(tmp_path: Path) -> None:
    check_index_flips(tmp_path, 60)


@pytest.mark.nightly
def test_none_of_many_flipped_bits_of_an_index_moves_a_film(tmp_path: Path) -> None:
    check_index_flips(tmp_path, 20_000)


HOSTILE: dict[str, Callable[[bytes], bytes]] = {
    "brackets": lambda _: b"[" * 200_000,
    "nothing": lambda _: b"",
    "not UTF-8": lambda _: b"\xff\xfe{}",
    "another object": lambda _: b"{}",
    "half": lambda whole: whole[: len(whole) // 2],
    "twice": lambda whole: whole + whole,
    "a number": lambda _: b"1" * 10_000,
    "infinity": lambda _: b'{"sha256": Infinity}',
    "nul": lambda whole: whole.replace(b" ", b"\0"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_json_in_place_of_ours_is_made_anew(
    kind: str, records: list[Record], tmp_path: Path
) -> None:
    archive, store = tmp_path / "films.zip", tmp_path / "datasets"
    archive.write_bytes(zipped(*(png(seed) for seed in range(4))))
    os.utime(archive, ns=(0, 0))
    expected = unpacked(archive, store), content(opened(records, tmp_path / "caches"))
    for path in [*store.rglob("*.json"), *(tmp_path / "caches").rglob("*.json")]:
        path.write_bytes(HOSTILE[kind](path.read_bytes()))
    assert (unpacked(archive, store), content(opened(records, tmp_path / "caches"))) == expected


@pytest.mark.parametrize("missing", ["files", "left_out", "version"])
def test_a_sealed_index_without_an_entry_is_made_anew(missing: str, tmp_path: Path) -> None:
    archive, store = tmp_path / "films.zip", tmp_path / "datasets"
    archive.write_bytes(zipped(*(png(seed) for seed in range(4)), ("A/x.txt", b"no image")))
    expected = unpacked(archive, store)
    [index] = store.glob("*/index.json")
    values = read_sealed(index)
    values.pop(missing)
    write_sealed(index, values)
    assert unpacked(archive, store) == expected
