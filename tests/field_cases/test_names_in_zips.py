"""Zip names: the field 0x7075 first, then UTF-8, then the code page that fits all names."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.data.archive import choose_code_page, extract
from core.data.unpacked import Unpacked
from core.data.zip_names import CODE_PAGES, code_page_called, guess_code_page
from tests.core.data.zip_box import PNG, Box, names, zipped

# Class folders as people call them, by the code page of the machine that packs them.
FOLDERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "cp850": (
        ("Lungenentzündung", "Gesund"), ("Größe",), ("Neumonía", "Normal"), ("niño", "tórax"),
        ("pulmão", "saudável"), ("Fièvre", "Contrôle"), ("lungebetændelse", "ødem"),
    ),
    "cp437": (("Lungenentzündung",), ("Neumonía",)),
    "cp1252": (("Lungenentzündung",), ("infecção", "não"), ("Contrôle",), ("saudáveis",)),
    "cp866": (("Пневмония", "Норма"), ("Здоровые",), ("COVID-19", "Без патологии")),
    "cp1251": (("Пневмония", "Норма"), ("туберкулёз",)),
    "gb18030": (("肺炎", "正常"), ("病毒性肺炎",), ("对照组",), ("结节",), ("训练集",), ("骨折",)),
    "cp932": (("肺炎", "正常"), ("ウイルス性肺炎",), ("胸部Ｘ線",), ("左",), ("心拡大",)),
    "cp950": (("肺炎", "正常"), ("細菌性肺炎",), ("對照組",), ("胸部X光",), ("骨折",)),
    "cp949": (("폐렴", "정상"), ("건강",), ("바이러스성 폐렴",), ("훈련", "시험", "검증")),
    "cp852": (("zapalenie płuc",), ("zápal plic",)),
}  # fmt: skip
CASES = [(page, folders) for page, several in FOLDERS.items() for folders in several]


def films(folders: Iterator[str] | tuple[str, ...]) -> list[tuple[str, bytes]]:
    return [(f"{folder}/{number}.png", PNG) for folder in folders for number in (1, 2)]


def packed_in(code_page: str, folders: tuple[str, ...], *, with_field: bool = False) -> bytes:
    """A zip whose names are in a code page that it does not name, as Windows writes them.

    Args:
        code_page: Of the names.
        folders: Each with two films.
        with_field: Whether each entry has the field 0x7075, as 7-Zip and WinRAR add it.
    """
    entries = []
    for number, (name, content) in enumerate(films(folders)):
        raw = name.encode(code_page)
        # A name of ASCII letters of the same length, which is written over afterwards.
        info = zipfile.ZipInfo(f"{number:02d}".ljust(len(raw), "z"))
        if with_field:
            field = struct.pack("<BI", 1, zlib.crc32(raw)) + name.encode()
            info.extra = struct.pack("<HH", 0x7075, len(field)) + field
        entries.append((info, content, raw))
    content = zipped(*((info, film) for info, film, _ in entries))
    for info, _, raw in entries:
        content = content.replace(info.filename.encode(), raw)
    return content


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


@pytest.mark.parametrize(("code_page", "folders"), CASES)
def test_the_code_page_that_makes_all_names_plausible_is_found(
    code_page: str, folders: tuple[str, ...]
) -> None:
    raw = [folder.encode(code_page) for folder in folders]
    assert [name.decode(guess_code_page(raw)) for name in raw] == list(folders)


def test_classes_have_the_names_that_their_makers_gave_them(box: Box) -> None:
    folders = ("Lungenentzündung", "Gesund")
    unpacked = box.extract(packed_in("cp850", folders))
    assert set(names(unpacked)) == {name for name, _ in films(folders)}
    assert unpacked.code_page == "cp850"


def test_the_field_of_the_zip_itself_goes_before_every_guess(box: Box) -> None:
    for code_page, folders in (
        ("cp932", ("肺炎", "正常")),
        ("cp866", ("Пневмония", "Норма")),
        ("cp850", ("öxëè", "ﾍﾟ".encode("cp932").decode("cp850"))),  # what no guess would find
    ):
        unpacked = box.extract(packed_in(code_page, folders, with_field=True))
        assert set(names(unpacked)) == {name for name, _ in films(folders)}
        assert unpacked.code_page == ""


def test_a_field_of_another_name_does_not_count(box: Box) -> None:
    content = packed_in("cp850", ("Lungenentzündung",), with_field=True)
    checksum = struct.pack("<I", zlib.crc32("Lungenentzündung/1.png".encode("cp850")))
    unpacked = box.extract(content.replace(checksum, b"\0\1\2\3"))
    assert "Lungenentzündung/1.png" in names(unpacked)
    assert unpacked.code_page == "cp850"


def test_ascii_and_declared_names_need_no_code_page(box: Box) -> None:
    assert box.extract(zipped(*films(("NORMAL", "肺炎")))).code_page == ""
    assert guess_code_page([b"NORMAL/1.png"]) == ""


def test_utf8_that_does_not_say_so_is_read_as_such() -> None:
    assert guess_code_page(["Lungenentzündung".encode(), "肺炎".encode()]) == "utf-8"


def test_names_that_fit_nowhere_are_still_told_apart(box: Box) -> None:
    raw = bytes([0xFF, 0x80, 0xFE]).decode("cp437")
    unpacked = box.extract(packed_in("cp437", (raw, raw + "x")))
    assert len(unpacked.files) == 4


def test_what_the_user_chooses_counts_until_it_is_taken_back(box: Box) -> None:
    content = packed_in("cp850", ("Lungenentzündung", "Gesund"))
    guessed = box.extract(content)
    choose_code_page(box.archive, box.store, "cp866")
    chosen = box.extract(content)
    assert chosen.code_page == "cp866"
    assert names(chosen) != names(guessed)
    assert {file.digest for file in chosen.files} == {file.digest for file in guessed.files}
    choose_code_page(box.archive, box.store, "")
    assert box.extract(content) == guessed


def test_a_choice_counts_for_archives_that_were_not_opened_yet(box: Box) -> None:
    box.archive.write_bytes(packed_in("cp850", ("Lungenentzündung", "Gesund")))
    choose_code_page(box.archive, box.store, "cp437")
    unpacked = list(extract(box.archive, box.store))[-1]
    assert isinstance(unpacked, Unpacked)
    assert unpacked.code_page == "cp437"


def test_every_code_page_is_known_to_python() -> None:
    for code_page in CODE_PAGES:
        assert b"NORMAL".decode(code_page) == "NORMAL"


def test_other_spellings_of_a_code_page_are_known() -> None:
    spelled = {"850": "cp850", "GBK": "gb18030", "Shift-JIS": "cp932", "utf8": "utf-8"}
    assert {name: code_page_called(name) for name in spelled} == spelled
    assert code_page_called("rot13") is None
    assert code_page_called("no\0code page") is None
