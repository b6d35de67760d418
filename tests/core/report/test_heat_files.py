from pathlib import Path

import pytest
from PIL import Image

from core.errors import RunFolderError
from core.report.picture import HeatFiles, safe_stem, write_picture
from tests.core.prediction.made_results import film_result
from tests.core.report.made_reports import context, explanation, pixels


@pytest.mark.parametrize(
    ("file", "stem"),
    [
        ("ward/film 1.png", "film 1"),
        ("C:\\films\\胸片.dcm", "胸片"),
        ("films.zip/NORMAL/a.b.png", "a.b"),
        ("no ending", "no ending"),
        ("../..", "film"),
        ("a<b>:c|d?.png", "a_b__c_d_"),
        ("bad\nname\udcff.png", "bad_name_xff"),
        ("CON.png", "_CON"),
        ("lpt1.x.png", "_lpt1.x"),
        (".hidden", "hidden"),
        ("", "film"),
        ("a" * 300 + ".png", "a" * 120),
        ("胸" * 100 + ".png", "胸" * 40),
    ],
)
def test_a_name_is_safe_everywhere(file: str, stem: str) -> None:
    assert safe_stem(file) == stem


def test_the_folder_is_made_and_names_are_never_given_twice(tmp_path: Path) -> None:
    files = HeatFiles(tmp_path / "new" / "heat")
    places = [files.place(file, "aa") for file in ("a/x.png", "b/x.png", "b/X.jpg")]
    assert [place.name for place in places] == [
        "x.heatmap.png",
        "x (2).heatmap.png",
        "X (3).heatmap.png",
    ]
    assert places[0].parent.is_dir()


def test_what_lies_there_is_kept_but_for_our_picture_of_the_same_film(tmp_path: Path) -> None:
    made = film_result()
    for name in ("ours", "other", "foreign", "text"):
        path = tmp_path / f"{name}.heatmap.png"
        if name == "foreign":
            Image.new("L", (9, 9)).save(path)
        elif name == "text":
            path.write_text("mine", encoding="utf-8")
        else:
            write_picture(path, pixels(), made, explanation(), context())
    (tmp_path / "folder.heatmap.png").mkdir()
    files = HeatFiles(tmp_path)
    assert files.place("ours.png", made.digest).name == "ours.heatmap.png"
    assert files.place("other.png", "1f" * 32).name == "other (2).heatmap.png"
    for name in ("foreign", "text", "folder"):
        assert files.place(f"{name}.png", made.digest).name == f"{name} (2).heatmap.png"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RunFolderError, match="Choose another folder"):
        HeatFiles(tmp_path / "file" / "heat")
