"""Folders whose names are not UTF-8, as old Chinese zips leave them on Linux."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.records import scan
from core.data.sources import list_folder
from core.data.unpacked import Unpacked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode elsewhere")


def write_films(root: Path, folders: list[bytes]) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (len(folders), 3, 32, 32), np.uint8)
    for films, folder in zip(grey, folders, strict=True):
        path = os.path.join(os.fsencode(root), folder)
        os.mkdir(path)
        for number, film in enumerate(films):
            Image.fromarray(film).save(os.fsdecode(path) + f"/{number}.png")


def classes_in(root: Path) -> dict[str, int]:
    *_, unpacked = list_folder(root)
    assert isinstance(unpacked, Unpacked)
    return scan([(unpacked, root)]).counts


def test_gbk_class_names_of_equal_length_stay_apart(tmp_path: Path) -> None:
    names = ["正常肺部", "新冠肺炎"]
    write_films(tmp_path, [name.encode("gbk") for name in names])
    assert classes_in(tmp_path) == dict.fromkeys(sorted(names), 3)


def test_names_in_no_known_encoding_stay_apart(tmp_path: Path) -> None:
    write_films(tmp_path, [b"class\xff\xfe", b"class\xfe\xff"])
    assert len(classes_in(tmp_path)) == 2
