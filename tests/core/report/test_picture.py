"""Pictures with heat maps: what they show, and where they go."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import RunFolderError
from core.prediction.saliency_checks import heat_colours
from core.report.picture import (
    LEAST_WIDTH,
    MOST_SIDE,
    HeatFiles,
    draw_picture,
    film_with_heat,
    heat_of,
    legend,
    reduced,
    safe_stem,
    source_of,
    write_picture,
)
from tests.core.prediction.made_results import STRANGE, film_result, novelty, opinion
from tests.core.report.made_reports import checks, context, explanation, pixels


def test_the_film_keeps_its_resolution_and_gets_a_caption() -> None:
    picture = draw_picture(pixels(600, 700), film_result(), explanation(), context())
    assert picture.width == 700
    assert 600 < picture.height < 800
    strip = np.asarray(picture)[600:]
    assert strip.max() > 200  # something is written


def test_heat_lies_where_the_evidence_is() -> None:
    shown = film_with_heat(pixels(64, 64), explanation())
    corner = shown[0, 0].astype(int)
    assert corner[0] > corner[2] + 20  # warm
    assert (shown[40:, 40:] == 90).all()  # as the film


def test_a_map_without_evidence_is_cold() -> None:
    cold = explanation(cams=np.full((3, 4, 4), -1, np.float32))
    assert not heat_of(cold, (20, 30)).any()


@pytest.mark.parametrize(
    ("shape", "size"), [((4000, 2000), (1024, 2048)), ((100, 50), (500, 1000)), ((9, 8, 3), None)]
)
def test_giant_films_are_reduced_and_tiny_ones_enlarged(
    shape: tuple[int, ...], size: tuple[int, int] | None
) -> None:
    picture = draw_picture(np.zeros(shape, np.uint8), film_result(), None, context())
    assert LEAST_WIDTH <= picture.width <= MOST_SIDE
    if size is not None:
        assert picture.width == size[0]
        assert picture.height > size[1]


def test_a_reduced_film_keeps_its_sides() -> None:
    assert reduced(np.zeros((100, 40), np.uint8), 50).shape == (50, 20)
    assert reduced(np.zeros((100, 1), np.uint8), 10).shape == (10, 1)
    assert reduced(np.zeros((10, 10, 3), np.uint8), 50).shape == (10, 10, 3)


def test_the_legend_goes_through_all_colours() -> None:
    bar = legend(256, 4)
    assert bar.shape == (4, 256, 3)
    assert (bar[0, -1] == heat_colours()[-1, :3]).all()
    assert (bar[0, 0] == 0).all()


def test_the_caption_grows_with_what_must_be_said() -> None:
    plain = draw_picture(pixels(), film_result(), None, context()).height
    strange = film_result(opinion=opinion(novelty=novelty(is_familiar=False)))
    assert draw_picture(pixels(), strange, None, context()).height > plain


def test_a_map_that_failed_its_checks_says_so_under_any_class() -> None:
    failed = checks(is_trustworthy=False, reasons=(STRANGE,))
    good, bad = (
        draw_picture(pixels(), film_result(), one, context()).height
        for one in (explanation(2), explanation(2, checks=failed))
    )
    assert bad > good


def test_the_file_says_what_it_is(tmp_path: Path) -> None:
    made = film_result()
    write_picture(tmp_path / "out.png", pixels(), made, explanation(), context())
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.info["Description"] == "Research and teaching only, never diagnosis."
        assert picture.info["Source"] == source_of(made.digest)
        picture.load()


def test_a_strip_stays_as_tall_as_a_film_may_be() -> None:
    picture = draw_picture(pixels(20_000, 16), film_result(), explanation(), context())
    assert picture.width == LEAST_WIDTH
    assert picture.height < 1.2 * MOST_SIDE
    across = np.asarray(picture.convert("L"))[MOST_SIDE // 2]
    assert across[LEAST_WIDTH // 2] == 90  # the film, in the middle
    assert across[0] < 30


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
