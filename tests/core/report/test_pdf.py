"""What the pages say, read by PDFium, which is the reader in Chrome."""

import ctypes
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from PIL import Image

from core.errors import ImageReadError, Message, RunFolderError
from core.events import Progress
from core.prediction.calibration import Calibration, Coverage
from core.prediction.explanation import Explanation
from core.prediction.reading import FilmResult
from core.report.facts import ReportContext
from core.report.paper import BOTTOM, Paper
from core.report.pdf import n_table_pages, write_report
from tests.core.prediction.made_results import (
    film_result,
    neighbours,
    novelty,
    opinion,
)
from tests.core.report.made_reports import checks, context, explanation, pixels

DISCLAIMER = "Research and teaching only, never diagnosis."


def pages(
    path: Path, films: Sequence[FilmResult], of: ReportContext | None = None, **options: Any
) -> list[str]:
    """Write a report and read the text of its pages."""
    for event in write_report(path, films, of or context(), **options):
        assert isinstance(event, Progress)
    with pypdfium2.PdfDocument(path) as document:
        return [page.get_textpage().get_text_range() for page in document]


def explained(_film: FilmResult) -> Explanation:
    return explanation()


def linked(document: pypdfium2.PdfDocument, number: int) -> list[int]:
    """The pages that the links of a page lead to, from 0."""
    page, place, link, found = document[number], ctypes.c_int(0), pdfium.FPDF_LINK(), []
    while pdfium.FPDFLink_Enumerate(page, ctypes.byref(place), ctypes.byref(link)):
        target = pdfium.FPDFLink_GetDest(document, link)
        found.append(pdfium.FPDFDest_GetDestPageIndex(document, target))
    return found


def flat(text: str) -> str:
    """Text without its line breaks."""
    return " ".join(text.split())


def test_a_report_of_many_has_a_cover_a_table_and_a_page_a_film(tmp_path: Path) -> None:
    films = [film_result(f"film {number}.png") for number in range(3)]
    cover, table, *each = pages(tmp_path / "out.pdf", films, explain=explained)
    assert "Reading report" in cover
    assert "3 films, read by best.safetensors, 2026-11-28 12:30" in cover
    assert "90.0 % of 60 test films were classified correctly (interval 79.9 % to" in flat(cover)
    assert "film 2.png" in table
    assert len(each) == 3
    for number, page in enumerate(each):
        assert f"film {number}.png" in page
        assert "COVID-19" in page
        assert "75.0 %" in page
    assert f"Page {len(each) + 2}" in each[-1]


def test_the_disclaimer_stands_on_every_page(tmp_path: Path) -> None:
    films = [film_result(str(number)) for number in range(60)]
    told = pages(tmp_path / "out.pdf", films, most_pages=2)
    assert len(told) == 1 + n_table_pages(60) + 2
    assert all(DISCLAIMER in page for page in told)


def test_a_report_of_one_film_begins_with_it(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(pixels()).save(path)
    first, second = pages(tmp_path / "out.pdf", [film_result(path)])
    assert "a.png" in first
    assert "No heat map was computed." in first
    assert "ab" * 32 in second


def test_everything_that_is_known_of_a_film_is_on_its_page(tmp_path: Path) -> None:
    told = film_result(
        opinion=opinion(
            0.5,
            0.375,
            0.125,
            candidates=(0, 1),
            neighbours=neighbours(pixels(64, 64)),
            is_near_copy=True,
        ),
        true_class="Viral_Pneumonia",
        header={"PatientID": "P-17", "StudyDate": ""},
        path=tmp_path / "a.png",
    )
    Image.fromarray(pixels()).save(told.path)
    found = explanation(checks=checks(lung_share=None))
    page = flat(pages(tmp_path / "out.pdf", [told], explain=lambda _film: found)[0])
    for words in (
        "Caution",
        "COVID-19 50.0 % · not sure: COVID-19, Normal remain possible",
        "Seen in training",
        "Strangeness 2.5, usual up to 4",
        "Nearest training films",
        "True class: Viral pneumonia",
        "What speaks for COVID-19",
        "Heat inside the lungs",
        "PatientID",
        "P-17",
        "0f" * 32,
    ):
        assert words in page
    assert "StudyDate" not in page


def test_both_languages_can_be_selected_and_searched(tmp_path: Path) -> None:
    words = {"Reading report": "阅片报告", "All films": "全部胸片"}
    chinese = dataclasses.replace(
        context("zh_CN"), say=lambda message: words.get(str(message), str(message))
    )
    cover, table, *_ = pages(
        tmp_path / "out.pdf", [film_result("胸片.png"), film_result()], chinese
    )
    assert "阅片报告" in cover
    assert "新冠肺炎" in table
    assert "胸片.png" in table
    content = (tmp_path / "out.pdf").read_bytes()
    assert b"+NotoSansCJKSC" in content  # a part of the font, embedded
    assert len(content) < 100_000
    with pypdfium2.PdfDocument(content) as document:
        assert document.get_metadata_value("Title") == "阅片报告"


def test_characters_that_the_font_lacks_become_a_box(tmp_path: Path) -> None:
    page = pages(tmp_path / "out.pdf", [film_result("a\U0001f600\nb\udcff.png")])[0]
    assert r"a□\nb\xff.png" in page


def test_the_table_leads_to_the_films_pages(tmp_path: Path) -> None:
    n = 60
    told = pages(tmp_path / "out.pdf", [film_result(f"{i}.png") for i in range(n)])
    first = 1 + n_table_pages(n)
    assert f"{first + n}" in told[first - 1]  # the number of the last film's page
    with pypdfium2.PdfDocument(tmp_path / "out.pdf") as document:
        targets = [page for table in range(1, first) for page in linked(document, table)]
        assert targets == list(range(first, first + n))
        assert [item.get_title() for item in document.get_toc()][2:4] == ["0.png", "1.png"]


def test_only_the_first_films_get_a_page_where_there_are_very_many(tmp_path: Path) -> None:
    asked: list[str] = []

    def explain(one: FilmResult) -> Explanation:
        asked.append(one.file)
        return explanation()

    path = tmp_path / "first.png"
    Image.fromarray(pixels()).save(path)
    films = [film_result("first", path=path), *(film_result(str(i)) for i in range(199))]
    told = pages(tmp_path / "out.pdf", films, explain=explain, most_pages=1)
    assert asked == ["first"]
    assert len(told) == 1 + n_table_pages(200) + 1
    assert "The table holds all 200 films; the first 1 have a page of their own." in flat(told[0])
    assert "What speaks for" in told[-1]


def test_a_film_that_is_gone_is_said_on_its_page(tmp_path: Path) -> None:
    def gone(_film: FilmResult) -> Explanation:
        raise ImageReadError(Message("a.png cannot be opened."))

    page = pages(tmp_path / "out.pdf", [film_result(tmp_path / "a.png")], explain=gone)[0]
    assert "a.png cannot be opened" in page
    assert "75.0 %" in page


def test_a_thousand_classes_fit(tmp_path: Path) -> None:
    names = tuple(f"class {number}" for number in range(1000))
    many = context(
        classes=names,
        display_names={name: {"en": name, "zh_CN": name} for name in names},
        metrics={},
    )
    films = [film_result(opinion=opinion(*[1 / 1000] * 1000, candidates=tuple(range(900))))] * 2
    told = pages(tmp_path / "out.pdf", films, many)
    assert "and 992 more classes" in told[2]


@pytest.mark.parametrize(
    "test",
    [
        None,
        {"n": True, "accuracy": 0.5, "classes": []},
        {"n": 5, "accuracy": 0.5, "classes": [{"n": 1}] * 3},
    ],
)
def test_a_card_with_odd_figures_counts_as_untested(tmp_path: Path, test: object) -> None:
    made = context(metrics={"test": test})
    assert "never tested" in flat(pages(tmp_path / "out.pdf", [film_result()], made)[1])


def test_a_calibrated_model_says_on_what_it_was_calibrated(tmp_path: Path) -> None:
    fitted = Calibration(
        temperature=1.25,
        set_threshold=0.3,
        n=66,
        loss_before=0.5,
        loss_after=0.4,
        ece_before=0.101,
        ece_after=0.131,  # worse: that is said too
        n_test=60,
        test_ece=0.08,
        test_coverage=0.9,
        coverage=(Coverage(60, 54), Coverage(0, 0), Coverage(0, 0)),
    )
    made = context(calibration=fitted.to_json())
    page = flat(pages(tmp_path / "out.pdf", [film_result()], made)[1])
    assert "temperature 1.25 on 66 validation X-rays" in page
    assert "10.1% before, 13.1% after" in page
    assert "true class of 54 of 60 test X-rays (90.0%, interval 79.9% to 95.3%, 95%)" in page


def test_an_answer_that_is_not_reliable_is_withheld(tmp_path: Path) -> None:
    hidden = film_result(
        opinion=opinion(novelty=novelty(is_familiar=False)), path=tmp_path / "a.png"
    )
    Image.fromarray(pixels()).save(hidden.path)
    found = explanation(checks=checks())
    told = pages(tmp_path / "out.pdf", [hidden], explain=lambda _film: found)
    assert "Not reliable The answer is withheld" in flat(told[0])
    assert not any("COVID-19" in page for page in told[:1])


def test_colour_films_and_thin_ones_are_drawn(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    colour = random.integers(0, 256, (900, 20, 3), dtype=np.uint8)
    Image.fromarray(colour).save(tmp_path / "thin.png")
    pages(tmp_path / "out.pdf", [film_result(tmp_path / "thin.png")], explain=explained)
    with pypdfium2.PdfDocument(tmp_path / "out.pdf") as document:
        pictures = document[0].get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE])
        shapes = [picture.get_px_size() for picture in pictures]
    assert shapes.count((16, 720)) == 2


def test_the_same_films_give_the_same_file(tmp_path: Path) -> None:
    Image.fromarray(pixels()).save(tmp_path / "a.png")
    films = [film_result("a.png", path=tmp_path / "a.png")] * 2
    pages(tmp_path / "a.pdf", films, explain=explained)
    pages(tmp_path / "b.pdf", films, explain=explained)
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_stopping_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "out.pdf").write_bytes(b"old")
    work = write_report(tmp_path / "out.pdf", [film_result()] * 3, context())
    next(iter(work))
    del work
    assert (tmp_path / "out.pdf").read_bytes() == b"old"


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="Choose another file"):
        pages(tmp_path / "none" / "out.pdf", [film_result()])


@pytest.mark.parametrize("n_classes", [8, 12, 20])
def test_the_cover_of_a_model_of_many_classes_stays_on_its_page(
    n_classes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[int, float, str]] = []
    text = Paper.text

    def noted(self: Paper, x: float, baseline: float, words: str, *rest: Any, **how: Any) -> float:
        written.append((self.n_pages, baseline, words))
        return text(self, x, baseline, words, *rest, **how)

    monkeypatch.setattr(Paper, "text", noted)
    names = tuple(f"Class {label}" for label in range(n_classes))
    measures = {"n": 20, "sensitivity": 0.9, "specificity": None, "precision": 0.8}
    many = context(
        classes=names,
        display_names={name: {"en": name, "zh_CN": name} for name in names},
        metrics={"test": {"n": 60, "accuracy": 0.9, "classes": [measures] * n_classes}},
    )
    answer = opinion(*np.full(n_classes, 1 / n_classes))
    cover, *_ = pages(tmp_path / "out.pdf", [film_result(opinion=answer)] * 2, many)
    # Below it stands the line with disclaimer and page number, at the end of every page.
    body = [y for page, y, words in written if page == 1 and words not in (DISCLAIMER, "Page 1")]
    assert max(body) <= BOTTOM
    assert "more classes" in cover.split("Sensitivity")[1]
