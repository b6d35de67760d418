import re
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.patients import MAX_TEMPLATE_LENGTH, patients_by, plausible_pattern
from core.data.records import Record
from core.errors import DatasetError


def patient(pattern: str, stem: str) -> str:
    return patients_by(pattern, [Record(f"COVID/{stem}.png", Path(), "0" * 64, 0)])[0]


@pytest.mark.parametrize(
    ("template", "stem", "expected"),
    [
        ("{patient}_*", "00012345_003", "00012345"),
        ("{patient}_*", "a_b_c", "a"),
        ("{patient}_*", "no underscore", ""),
        ("{patient}_*", "_003", ""),
        ("IM-{patient}-*", "IM-0115-0001", "0115"),
        ("IM-{patient}-*", "XIM-0115-0001", ""),
        ("IM-{patient}-*", "IM-0115", ""),
        ("IM-{patient}-*-*", "IM-0115-0001-0002", "0115"),
        ("IM-{patient}-*-*", "IM-0115-0001", ""),
        ("person{patient}_*", "person12_virus_7", "12"),
        ("*-{patient}", "Viral Pneumonia-12", "12"),
        ("*-{patient}", "a-b-3", "b-3"),
        ("*-{patient}-*", "left-p7-2020", "p7"),
        ("{patient}", "anything at all", "anything at all"),
        ("{patient}.frontal", "p7.frontal", "p7"),
        ("{patient}.frontal", ".frontal", ""),
        ("{patient}_*_x", "p7_x", ""),
        ("{patient}_*_x", "p7__x", "p7"),
        ("病人{patient}_*", "病人张三_1", "张三"),
        (".*{patient}(x)+", ".abc(x)+", "abc"),
    ],
)
def test_templates_are_read_as_their_words_say(template: str, stem: str, expected: str) -> None:
    assert patient(template, stem) == expected


TEXTS = st.text("ab-_", max_size=12)


@given(st.lists(TEXTS, min_size=1, max_size=3), st.lists(TEXTS, min_size=1, max_size=3), TEXTS)
def test_a_patient_is_found_only_where_a_regular_expression_finds_one(
    before: list[str], after: list[str], stem: str
) -> None:
    stem = "a" + stem
    found = patient("*".join(before) + "{patient}" + "*".join(after), stem)
    head, tail = (".*".join(map(re.escape, texts)) for texts in (before, after))
    assert not found or re.fullmatch(head + re.escape(found) + tail, stem)


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_template_and_no_name_raises_anything_but_a_refusal(pattern: str, stem: str) -> None:
    for template in (pattern, pattern + "{patient}" + stem):
        try:
            found = patient(template, stem)
        except DatasetError:
            continue
        assert found in PurePosixPath(f"{stem}.png").stem


@pytest.mark.parametrize(
    "template",
    ["", "*", "IM-", "patient", "{patient}{patient}", "{Patient}", "{patient}" + "x" * 99],
)
def test_what_is_no_template_is_refused_with_an_example(template: str) -> None:
    with pytest.raises(DatasetError, match=r"Write \{patient\} once .* such as IM-\{patient\}-\*"):
        patient(template, "IM-0115-0001")


def test_a_refusal_does_not_repeat_a_whole_novel() -> None:
    with pytest.raises(DatasetError) as caught:
        patient("x" * 10_000, "a")
    assert len(str(caught.value)) < MAX_TEMPLATE_LENGTH + 200


@pytest.mark.parametrize(
    ("pattern", "stem"),
    [
        ("before_last_number", "1" * 60_000 + "-" * 60_000 + "x"),
        ("before_last_number", "1-" * 60_000 + "x"),
        ("*a" * 40 + "{patient}" + "a*" * 5 + "b", "a" * 60_000),
        ("{patient}" + "a*" * 40 + "b", "a" * 60_000),
    ],
)
def test_hostile_names_are_read_at_once(pattern: str, stem: str) -> None:
    assert patient(pattern, stem) == ""  # with steps that go back: years


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("IM-0115-0001", "IM-0115"),
        ("IM-0115 - 0001", "IM-0115"),
        ("p7.2", "p7"),
        ("COVID-12", ""),  # no number is left
        ("0115", ""),
        ("IM-0115-0001a", ""),
        ("p7-", ""),
    ],
)
def test_the_last_number_is_taken_off(stem: str, expected: str) -> None:
    assert patient("before_last_number", stem) == expected


@pytest.mark.parametrize(
    ("stem", "expected"), [("00012345_003", "00012345"), ("a_b_c", "a"), ("a", ""), ("_a", "")]
)
def test_the_name_up_to_the_first_underscore(stem: str, expected: str) -> None:
    assert patient("before_underscore", stem) == expected


def test_the_folder_is_the_one_between_class_and_film() -> None:
    record = Record("COVID/p7/1.png", Path(), "0" * 64, 0, patient_folder="p7")
    assert patients_by("folder", [record]) == ["p7"]


@pytest.mark.parametrize("pattern", ["single_images", "dicom"])
def test_names_tell_nothing_where_they_are_not_asked(pattern: str) -> None:
    assert patient(pattern, "00012345_003") == ""


def test_no_films_have_no_plausible_pattern() -> None:
    assert plausible_pattern([]) is None
