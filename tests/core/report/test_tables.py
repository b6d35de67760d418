import csv
import dataclasses
import json
from pathlib import Path

import pytest

from core.errors import Message, RunFolderError
from core.report.facts import film_facts, film_text
from core.report.tables import films_tsv, write_films_csv, write_films_json
from tests.core.prediction.made_results import (
    STRANGE,
    film_result,
    neighbours,
    novelty,
    opinion,
)
from tests.core.report.made_reports import checks, context

DISCLAIMER = "Research and teaching only, never diagnosis."


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))


def test_the_table_tells_everything_of_a_film(tmp_path: Path) -> None:
    made = film_result(
        opinion=opinion(
            0.5,
            0.4375,
            0.0625,
            candidates=(0, 1),
            neighbours=neighbours(),
            is_near_copy=True,
        ),
        true_class="NORMAL",
        checks=checks(is_trustworthy=False, reasons=(STRANGE,)),
    )
    write_films_csv(tmp_path / "out.csv", [made], context("zh_CN"))
    (row,) = rows_of(tmp_path / "out.csv")
    assert row.pop("reasons")
    assert row == {
        "file": "films/a.png",
        "class": "COVID",
        "COVID": "0.500000",
        "NORMAL": "0.437500",
        "Viral_Pneumonia": "0.062500",
        "display_name": "新冠肺炎",
        "true_class": "NORMAL",
        "calibrated": "true",
        "sure": "false",
        "candidates": "COVID; NORMAL",
        "novelty_score": "2.5",
        "novelty_threshold": "4",
        "is_familiar": "true",
        "novelty_reason": "It resembles the training films.",
        "verdict": "caution",
        "seen_in_training": "true",
        "fingerprint_distance": "3",
        "fingerprint_limit": "8",
        "nearest_source": "source A (NORMAL 90)",
        "lung_share": "0.625",
        "heat_agreement": "0.5",
        "heat_is_trustworthy": "false",
        "heat_reasons": str(STRANGE),
        "neighbours": "COVID; NORMAL; Viral_Pneumonia; COVID; NORMAL",
        "model_split": "",
        "sha256": "0f" * 32,
        "model": "best.safetensors",
        "model_sha256": "ab" * 32,
        DISCLAIMER: "",
    }


def test_class_and_figures_of_an_answer_that_is_not_reliable_are_left_blank(
    tmp_path: Path,
) -> None:
    hidden = film_result(opinion=opinion(novelty=novelty(is_familiar=False)))
    answer = ("class", "COVID", "NORMAL", "Viral_Pneumonia", "display_name", "sure", "candidates")
    for shows_all in (False, True):
        shown = dataclasses.replace(context(), shows_all=shows_all)
        write_films_csv(tmp_path / "out.csv", [hidden], shown)
        (row,) = rows_of(tmp_path / "out.csv")
        assert row["verdict"] == "not_reliable"
        assert str(STRANGE) in row["reasons"]
        assert [bool(row[name]) for name in answer] == [shows_all] * len(answer)
        assert ("COVID" in film_text(hidden, shown)) is shows_all


def test_what_is_not_known_is_empty(tmp_path: Path) -> None:
    plain = film_result(opinion=opinion(novelty=None, is_calibrated=False))
    write_films_csv(tmp_path / "out.csv", [plain], context())
    (row,) = rows_of(tmp_path / "out.csv")
    empty = {name for name, value in row.items() if not value}
    assert empty == {
        "fingerprint_distance",
        "fingerprint_limit",
        "nearest_source",
        "true_class",
        "novelty_score",
        "novelty_threshold",
        "is_familiar",
        "novelty_reason",
        "lung_share",
        "heat_agreement",
        "heat_is_trustworthy",
        "heat_reasons",
        "neighbours",
        "model_split",
        DISCLAIMER,
    }


def test_no_name_becomes_a_formula(tmp_path: Path) -> None:
    write_films_csv(
        tmp_path / "out.csv", [film_result("=1+1.png"), film_result("@a\nb.png")], context()
    )
    assert [row["file"] for row in rows_of(tmp_path / "out.csv")][:1] == ["'=1+1.png"]
    text = films_tsv([film_result("=1+1.png"), film_result("a\tb\nc.png")], context())
    lines = text.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("'=1+1.png\t")
    assert len({line.count("\t") for line in lines}) == 1


def test_dicom_fields_have_a_column_each_where_asked_for(tmp_path: Path) -> None:
    films = [film_result(), film_result(header={"PatientID": "P-17", "StudyDate": ""})]
    write_films_csv(tmp_path / "out.csv", films, context())
    assert [row["PatientID"] for row in rows_of(tmp_path / "out.csv")] == ["", "P-17"]
    assert "dicom" not in film_facts(films[0], context())
    assert film_facts(films[1], context())["dicom"]["PatientID"] == "P-17"


def test_a_film_the_model_learned_from_is_told(tmp_path: Path) -> None:
    learned = film_result(part="train")
    write_films_csv(tmp_path / "out.csv", [learned, film_result()], context())
    assert [row["model_split"] for row in rows_of(tmp_path / "out.csv")] == ["train", ""]
    assert "learned this very X-ray" in film_text(learned, context())
    assert "trained on this" not in film_text(film_result(), context())


def test_json_holds_model_films_and_disclaimer(tmp_path: Path) -> None:
    named = dataclasses.replace(context(), say=lambda message: f"<{message}>")
    write_films_json(tmp_path / "out.json", [film_result("胸片\udcff.png", checks=checks())], named)
    told = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert told["disclaimer"] == f"<{DISCLAIMER}>"
    assert told["model"]["sha256"] == "ab" * 32
    assert told["model"]["test"] == context().card.metrics.get("test")
    (one,) = told["predictions"]
    assert one["file"] == "胸片\udcff.png"
    assert one["class"] == "COVID"
    assert one["probabilities"] == {"COVID": 0.75, "NORMAL": 0.125, "Viral_Pneumonia": 0.125}
    assert one["novelty"]["reason"] == "<It resembles the training films.>"
    assert one["heat_checks"]["lung_share"] == 0.625


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="Choose another file") as caught:
        write_films_json(tmp_path / "none" / "out.json", [film_result()], context())
    assert isinstance(caught.value.message, Message)
