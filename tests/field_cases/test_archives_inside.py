"""Archives inside archives, tar and tar.gz, with the same safety as zips."""

import gzip
import io
import json
import os
import random
import shutil
import tarfile
from pathlib import Path

import pytest

from core.data import archive as archive_module
from core.data.records import scan
from core.data.unpacked import Unpacked
from core.errors import ArchiveError
from core.prediction.film_search import FoundFilm, RefusedFilm, find_films
from tests.core.data.zip_box import JPEG, PNG, Box, names, reasons, zipped


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def tarred(
    *entries: tuple[str | tarfile.TarInfo, bytes], layout: int = tarfile.PAX_FORMAT
) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=layout) as made:
        for entry, content in entries:
            info = tarfile.TarInfo(entry) if isinstance(entry, str) else entry
            info.size = len(content)
            made.addfile(info, io.BytesIO(content))
    return target.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


FILMS = tuple((f"{label}/{n}.png", PNG) for label in ("COVID", "NORMAL") for n in (1, 2))
CLASSES = {"COVID": 2, "NORMAL": 2}


@pytest.mark.parametrize("layout", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_tar_is_used_as_a_zip_is(box: Box, layout: int, is_packed: bool) -> None:
    content = tarred(*FILMS, ("NORMAL/" + "long" * 30 + "/3.png", JPEG), layout=layout)
    unpacked = box.extract(gzip.compress(content) if is_packed else content)
    assert scan([(unpacked, box.archive)]).counts == {"COVID": 2, "NORMAL": 3}
    assert unpacked.left_out == ()
    assert box.extract(gzip.compress(content) if is_packed else content) == unpacked


def test_archives_inside_stand_for_folders(box: Box) -> None:
    films = [(name.partition("/")[2], film) for name, film in FILMS[:2]]
    for covid, normal in (
        (("x/COVID.zip", zipped(*films)), ("x/NORMAL.tar", tarred(*films))),
        (("x/COVID.tar.gz", gzip.compress(tarred(*films))), ("x/NORMAL.ZIP", zipped(*films))),
        (("x/COVID.tgz", gzip.compress(tarred(*films))), ("x/NORMAL/1.zip", zipped(*films))),
    ):
        for pack in (zipped, tarred):
            dataset = scan([(box.extract(pack(covid, normal)), box.archive)])
            assert dataset.counts == CLASSES


def test_a_dataset_in_an_archive_in_an_archive_is_found(box: Box) -> None:
    inner = zipped(*FILMS)
    assert scan([(box.extract(zipped(("data.zip", inner))), box.archive)]).counts == CLASSES
    twice = zipped(("a/outer.zip", zipped(("data.zip", inner), ("readme.txt", b"cite us"))))
    unpacked = box.extract(twice)
    assert scan([(unpacked, box.archive)]).counts == CLASSES
    assert reasons(unpacked) == {"a/outer/readme.txt": "A text file, not an X-ray."}
    assert sorted(path.name for path in unpacked.folder.iterdir()) == [
        "000001.png", "000002.png", "000003.png", "000004.png", "index.json",
    ]  # fmt: skip


def test_a_film_packed_by_gzip_alone_is_used(box: Box) -> None:
    unpacked = box.extract(zipped(("N/a.png.gz", gzip.compress(PNG)), ("N/b.png", JPEG)))
    assert names(unpacked) == ["N/a.png", "N/b.png"]


def test_names_in_another_code_page_are_read_in_tars_too(box: Box) -> None:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.GNU_FORMAT, encoding="gbk") as made:
        info = tarfile.TarInfo("肺炎/1.png")
        info.size = len(PNG)
        made.addfile(info, io.BytesIO(PNG))
    unpacked = box.extract(target.getvalue())
    assert names(unpacked) == ["肺炎/1.png"]
    assert unpacked.code_page == "gb18030"


LEFT_OUT: dict[str, tuple[str | tarfile.TarInfo, bytes, str]] = {
    "parent path": ("../bad.png", PNG, "leads out of the archive"),
    "absolute path": ("/tmp/bad.png", PNG, "absolute path"),
    "drive letter": ("C:\\films\\bad.png", PNG, "absolute path"),
    "link": (special("bad", tarfile.SYMTYPE, "/etc/passwd"), b"", "A link"),
    "hard link": (special("bad", tarfile.LNKTYPE, "a.png"), b"", "A link"),
    "pipe": (special("bad", tarfile.FIFOTYPE), b"", "ordinary"),
    "device": (special("bad", tarfile.BLKTYPE), b"", "ordinary"),
    "empty": ("bad.png", b"", "empty"),
    "second of a name": ("good/a.png", PNG, "same name"),
    "hidden": (".git/bad.png", PNG, "Hidden"),
    "text": ("bad.txt", b"notes", "A text file"),
    "rar": ("bad.rar", b"Rar!\x1a\7\0", "archive inside"),
    "cut gzip": ("bad.tar.gz", gzip.compress(tarred(*FILMS))[:-20], "end is missing"),
    "broken tar": ("bad.tar", tarred(*FILMS)[:1500], "cut short or damaged"),
    "broken zip": ("bad.zip", zipped(*FILMS)[:150], "cut short or damaged"),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_one_bad_member_is_left_out_with_a_reason_and_the_rest_is_used(box: Box, case: str) -> None:
    name, content, expected = LEFT_OUT[case]
    unpacked = box.extract(tarred(("good/a.png", JPEG), (name, content)))
    assert names(unpacked) == ["good/a.png"]
    assert [expected in str(refusal.reason) for refusal in unpacked.left_out] == [True]
    assert sorted(path.name for path in unpacked.folder.iterdir()) == ["000001.jpg", "index.json"]
    assert sorted(path.name for path in box.root.iterdir()) == ["films.zip", "store"]


def test_a_broken_list_of_files_is_refused_as_a_whole(box: Box) -> None:
    whole = tarred(*FILMS)
    second = whole.index(b"COVID/2.png")
    for broken in (
        whole[: len(PNG) + 300],  # the first film ends early
        whole[:second] + b"\xff" * 512 + whole[second + 512 :],
        tarred((special("x", tarfile.XHDTYPE), bytes(2 * 2**20)), *FILMS),  # a giant header
    ):
        assert "films.zip" in box.refusal(broken)
        assert box.left_behind() == []


def test_no_archive_inside_is_a_bomb(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "MAX_RATIO_FREE_BYTES", 2**20)
    zeros = gzip.compress(PNG + bytes(8 * 2**20))
    assert "far more than its size" in box.refusal(zipped(("a.png.gz", zeros)))
    assert "far more than its size" in box.refusal(gzip.compress(tarred(("a", bytes(2**23)))))
    assert box.left_behind() == []


def test_archives_are_not_opened_without_end(box: Box) -> None:
    content = zipped(("a.png", PNG))
    for number in range(9):
        content = zipped((f"{number}.zip", content))
    unpacked = box.extract(zipped(("deep.zip", content), ("b.png", PNG)))
    assert names(unpacked) == ["b.png"]
    assert "inside too many others" in str(unpacked.left_out[0].reason)


def test_the_files_of_all_archives_inside_are_counted(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_module, "MAX_FILES", 6)
    inside = [(f"{n}.zip", zipped(*FILMS)) for n in range(2)]
    unpacked = box.extract(zipped(*inside))
    assert [file.name.partition("/")[0] for file in unpacked.files] == ["0"] * 4
    assert "Too many files" in str(unpacked.left_out[0].reason)


def test_films_in_tars_are_found_when_they_are_dropped(tmp_path: Path) -> None:
    for name, content in (
        ("films.tar", tarred(*FILMS)),
        ("films.tar.gz", gzip.compress(tarred(*FILMS))),
        ("films", tarred(("x.zip", zipped(*FILMS)))),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        found = [e for e in find_films([path], tmp_path / "store") if isinstance(e, FoundFilm)]
        assert len(found) == 4
        assert all(film.path.read_bytes() == PNG for film in found)
    path.write_bytes(gzip.compress(b"no tar"))
    refused = [e for e in find_films([path], tmp_path / "store") if isinstance(e, RefusedFilm)]
    assert "A text file" in str(refused[0].refusal.reason)


# Fuzzing


def mutated(content: bytes, random_: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(random_.choice([1, 1, 2, 5, 20])):
        # The headers are where most decisions are taken.
        header = random_.choice([0, 0, 512, 1024, 1536, 2048])
        place = min(header + random_.randrange(512), len(changed) - 1)
        match random_.randrange(5):
            case 0:
                changed[place] = random_.randrange(256)
            case 1:
                changed[place] ^= 1 << random_.randrange(8)
            case 2:
                changed[place : place + 8] = random_.choice([b"\xff" * 8, bytes(8), b"77777777"])
            case 3:
                del changed[place : place + random_.randrange(1, 40)]
            case _:
                changed[place:place] = changed[place : place + random_.randrange(1, 40)]
    # The checksum of a header is mended as often as not, so that the fields behind it are read.
    for start in (0, 512, 1024, 1536, 2048):
        if random_.random() < 0.5 and len(changed) >= start + 512:
            block = changed[start : start + 512]
            total = sum(block) - sum(block[148:156]) + 256
            changed[start + 148 : start + 156] = b"%06o\0 " % total
    return bytes(changed)


def unpack_mutated(box: Box, n_tars: int, seed: int) -> set[str]:
    random_, outcomes, said = random.Random(seed), set(), set()
    bases = [
        tarred(("影像/a.png", PNG), ("b.jpg", JPEG)),
        tarred(("long" * 30 + "/a.png", PNG), layout=tarfile.GNU_FORMAT),
        tarred(("a.zip", zipped(("a.png", PNG))), ("b.jpg", JPEG), layout=tarfile.USTAR_FORMAT),
    ]
    for number in range(n_tars):
        content = mutated(bases[number % len(bases)], random_)
        if number % 7 == 0:
            content = gzip.compress(content, 1)
        try:
            unpacked = box.extract(content)
        except ArchiveError as error:
            outcomes.add("refused")
            said.add(str(error))
        else:
            outcomes.add("used")
            assert isinstance(unpacked, Unpacked)
            listed = {file.path.name for file in unpacked.files} | {"index.json"}
            assert set(os.listdir(unpacked.folder)) == listed
            assert json.loads((unpacked.folder / "index.json").read_text(encoding="utf-8"))
            shutil.rmtree(unpacked.folder)
        assert box.left_behind() == []
        assert set(os.listdir(box.root)) <= {"films.zip", "store"}
    assert all("films" in sentence for sentence in said)
    return outcomes


def test_mutated_tars_raise_nothing_foreign_and_leave_nothing_behind(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # a second for every hundred tars
    assert unpack_mutated(box, 1000, seed=20) == {"refused", "used"}


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(20))
def test_twenty_thousand_mutated_tars_raise_nothing_foreign(box: Box, seed: int) -> None:
    assert unpack_mutated(box, 1000, 1000 + seed) == {"refused", "used"}
