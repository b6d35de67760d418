import dataclasses
import re
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.patient_names import MAX_TEMPLATE_LENGTH, patients_by, patients_in_names
from core.data.patients import group_by_patient
from core.data.records import Record
from core.errors import DatasetError
from tests.core.data.named_films import digest_of
from tests.core.data.naming_habits import CLASSES, HABITS, count_pairs, made_films, records_of


def films(*names: str, copies: dict[str, str] | None = None) -> list[Record]:
    """Records of `<class>/<file>`; `copies` tells whose content a file has."""
    labels = {name: n for n, name in enumerate(sorted({name.split("/")[0] for name in names}))}
    return [
        Record(
            name,
            Path(name),
            digest_of((copies or {}).get(name, name)),
            labels[name.split("/")[0]],
        )
        for name in names
    ]


PLAUSIBLE = [
    f"{name}/{name}{patient}_{film}.png"
    for name in ("N", "V")
    for patient in range(5)
    for film in range(2)
]


def test_the_name_up_to_the_first_underscore_is_the_patient() -> None:
    grouping = group_by_patient(films(*PLAUSIBLE, "N/N0_2_right.png"))
    assert grouping.pattern == "before_underscore"
    assert grouping.groups[:3] == ("N0", "N0", "N1")
    assert grouping.groups[-1] == "N0"
    assert grouping.n_groups == 10


def test_a_patient_may_have_films_in_two_classes() -> None:
    records = films(*PLAUSIBLE, "V/N0_7.png")
    groups = group_by_patient(records).groups
    assert groups[-1] == groups[0]


def test_one_name_without_underscore_among_many_is_a_patient_of_its_own() -> None:
    names = [f"{c}/{c}{n // 2:03d}_{n}.png" for c in "NV" for n in range(24)]
    grouping = group_by_patient(films(*names, "V/single.png"))
    assert grouping.pattern == "before_underscore"
    assert grouping.groups[-1] == digest_of("V/single.png")
    assert grouping.n_known == 48


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([f"{c}/{n}.png" for c in "NV" for n in range(9)], id="numbers alone"),
        pytest.param([f"{c}/IM_{n}.png" for c in "NV" for n in range(9)], id="one prefix for all"),
        pytest.param(
            [f"{c}/{c}_{n}.png" for c in "NV" for n in range(9)], id="the class as prefix"
        ),
        pytest.param([f"{c}/_{n}.png" for c in "NV" for n in range(9)], id="nothing before it"),
        pytest.param(
            [
                f"{c}/{n // 2}_{n}.png" if n < 18 else f"{c}/{n}.png"
                for c in "NV"
                for n in range(20)
            ],
            id="too many without underscore",
        ),
        pytest.param(
            [f"{c}/p{n % 2}q_{n % 3}.png" for c in "NV" for n in range(6)],
            id="fewer than three patients",
        ),
        pytest.param([f"a_b/{c}/{n}.png" for c in "NV" for n in range(9)], id="only in the folder"),
    ],
)
def test_implausible_prefixes_make_every_image_its_own_group(names: list[str]) -> None:
    grouping = group_by_patient(films(*names))
    assert grouping.pattern == "single_images"
    assert grouping.n_groups == len(names)


def test_copies_of_one_image_are_one_group_where_there_are_no_patients() -> None:
    records = films("N/1.png", "N/2.png", "V/3.png", "V/4.png", copies={"V/4.png": "N/1.png"})
    groups = group_by_patient(records).groups
    assert groups[0] == groups[3]
    assert len(set(groups)) == 3


def test_patients_who_share_an_image_are_one_whatever_the_order() -> None:
    # 0 and 2 share a film, 2 and 4 another: the three are tied, and nobody else.
    copies = {"N/N2_0.png": "N/N0_0.png", "N/N4_1.png": "N/N2_1.png"}
    records = films(*PLAUSIBLE, copies=copies)
    expected = {f"N{n}": "N0" if n in (0, 2, 4) else f"N{n}" for n in range(5)}
    for ordered in (records, records[::-1], records[7:] + records[:7]):
        grouping = group_by_patient(ordered)
        assert grouping.n_groups == 8
        for record, group in zip(ordered, grouping.groups, strict=True):
            patient = record.name.split("/")[1].split("_")[0]
            assert group == expected.get(patient, patient)


def test_near_copies_tie_their_patients() -> None:
    records = films(*PLAUSIBLE)
    pairs = [(digest_of("N/N0_0.png"), digest_of("V/V3_1.png"))]
    grouping = group_by_patient(records, same_image=pairs)
    tied = {
        group
        for record, group in zip(records, grouping.groups, strict=True)
        if "/N0_" in record.name or "/V3_" in record.name
    }
    assert tied == {"N0"}
    assert (grouping.n_groups, grouping.n_patients) == (9, 10)


def test_near_copies_of_films_that_were_left_out_tie_nobody() -> None:
    pairs = [(digest_of("gone"), digest_of("N/N0_0.png")), (digest_of("gone"), digest_of("away"))]
    assert group_by_patient(films(*PLAUSIBLE), same_image=pairs).n_groups == 10


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=30))
def test_ties_do_not_depend_on_their_order(pairs: list[tuple[int, int]]) -> None:
    records = films(*PLAUSIBLE)
    digests = [record.digest for record in records]
    ties = [(digests[one], digests[other]) for one, other in pairs]
    grouping = group_by_patient(records, same_image=ties)
    back = group_by_patient(records, same_image=[(b, a) for a, b in reversed(ties)])
    assert back == grouping
    for one, other in pairs:
        assert grouping.groups[one] == grouping.groups[other]


def in_folders(*names: str) -> list[Record]:
    """The folder between class and film is the patient's."""
    return [
        dataclasses.replace(record, patient_folder=record.name.split("/", 1)[1].rpartition("/")[0])
        for record in films(*names)
    ]


def test_folders_of_patients_are_found_before_names() -> None:
    grouping = group_by_patient(
        in_folders(*(f"{c}/p{c}{n // 2}/x{n}_0.png" for c in "NV" for n in range(10)))
    )
    assert grouping.pattern == "folder"
    assert grouping.groups[:3] == ("pN0", "pN0", "pN1")


def test_a_name_without_its_last_number_is_found() -> None:
    grouping = group_by_patient(
        films(*(f"{c}/IM-{n // 2:04d}-{n % 2:04d}.png" for c in "N" for n in range(12)))
        + films(*(f"{c}/IM-{n // 2 + 50:04d}-{n % 2:04d}.png" for c in "V" for n in range(12)))
    )
    assert grouping.pattern == "before_last_number"
    assert grouping.groups[:3] == ("IM-0000", "IM-0000", "IM-0001")


def test_the_user_s_pattern_is_taken_even_where_it_is_implausible() -> None:
    grouping = group_by_patient(films("N/a_1.png", "N/a_2.png", "V/b.png"), None, "{patient}_*")
    assert grouping.pattern == "{patient}_*"
    # A name that does not fit is its own patient.
    assert grouping.patients == ("a", "a", digest_of("V/b.png"))


def test_the_user_can_say_that_every_film_is_another_patient() -> None:
    grouping = group_by_patient(films(*PLAUSIBLE), None, "single_images")
    assert grouping.n_groups == len(PLAUSIBLE)
    assert not grouping.has_patients


def test_a_pattern_without_patient_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"pattern IM-\* does not say where the patient stands"):
        group_by_patient(films(*PLAUSIBLE), None, "IM-*")


class TestDicom:
    def test_patients_in_the_files_go_before_names(self) -> None:
        records = films(*PLAUSIBLE)
        in_file = {record.digest: f"hash{n // 4}" for n, record in enumerate(records)}
        grouping = group_by_patient(records, in_file)
        assert grouping.pattern == "dicom"
        assert grouping.n_patients == 5
        assert grouping.groups[0] == grouping.groups[3] != grouping.groups[4]

    def test_files_without_patient_are_patients_of_their_own(self) -> None:
        records = films(*(f"{c}/{n}" for c in "NV" for n in range(20)))
        in_file = {record.digest: f"hash{n // 4}" for n, record in enumerate(records) if n}
        grouping = group_by_patient(records, in_file)
        assert grouping.pattern == "dicom"
        assert grouping.patients[0] == records[0].digest

    def test_some_patients_in_files_count_beside_those_of_names(self) -> None:
        records = films(*PLAUSIBLE)
        in_file = {records[0].digest: "hash", records[5].digest: "hash"}
        grouping = group_by_patient(records, in_file)
        assert grouping.pattern == "before_underscore"
        least = min(records[0].digest, records[5].digest)
        assert grouping.patients[0] == grouping.patients[5] == f"dicom:{least}"
        assert grouping.patients[1] == "N0"

    def test_the_key_with_which_patients_were_hashed_does_not_matter(self) -> None:
        records = films(*PLAUSIBLE)
        here, there = (
            group_by_patient(
                records, {film.digest: f"{key}{n // 4}" for n, film in enumerate(records)}
            )
            for key in ("hash", "other key's hash")
        )
        assert here == there

    def test_a_number_that_a_fifth_of_the_films_share_is_nobody_s(self) -> None:
        records = films(*PLAUSIBLE)
        in_file = {record.digest: "hash" for record in records}
        assert group_by_patient(records, in_file) == group_by_patient(records)
        in_file |= {record.digest: f"hash{n // 2}" for n, record in enumerate(records) if n > 5}
        grouping = group_by_patient(records, in_file)
        assert grouping.patients[:6] == ("N0", "N0", "N1", "N1", "N2", "N2")
        assert all(patient.startswith("dicom:") for patient in grouping.patients[6:])

    def test_an_empty_patient_id_tells_nothing(self) -> None:
        records = films(*PLAUSIBLE)
        in_file = {record.digest: "" for record in records}
        assert group_by_patient(records, in_file) == group_by_patient(records)


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
    assert patients_in_names([]) == ([], ())


@pytest.mark.parametrize("habit", HABITS)
def test_patients_are_found_where_names_tell_them_and_nowhere_else(habit: str) -> None:
    path, told = HABITS[habit]
    films = made_films()
    for class_name, (true, found, false) in count_pairs(films, [path(f) for f in films]).items():
        assert (found, false) == (true if class_name in told else 0, 0)


@pytest.mark.parametrize("habit", HABITS)
def test_whose_patient_is_unknown_is_said(habit: str) -> None:
    path, told = HABITS[habit]
    films = made_films()
    records = records_of([path(film) for film in films])
    grouping = group_by_patient(records)
    unknown = {films[place].class_name for place in grouping.unknown(records)}
    assert unknown == set(CLASSES) - set(told)
    assert grouping.knows_patients == (not unknown)


def test_each_source_has_its_own_pattern() -> None:
    path = HABITS["NIH"][0]
    nih = [
        dataclasses.replace(record, source="nih")
        for record in records_of([path(f) for f in made_films()])
    ]
    names = [f"{c}/IM-{n // 3:04d}-{n % 3:04d}.jpeg" for c in CLASSES for n in range(30)]
    other = [dataclasses.replace(record, source="other") for record in records_of(names)]
    grouping = group_by_patient([*nih, *other])
    assert grouping.pattern == "several"
    assert grouping.patients[: len(nih)] == group_by_patient(nih).patients
    assert grouping.patients[len(nih) :] == group_by_patient(other).patients


def test_a_class_of_two_habits_tells_the_patients_of_one() -> None:
    told = [f"{c}/{1000 + n // 2 * 7:08d}_{n % 2:03d}.png" for c in CLASSES for n in range(30)]
    records = records_of([*told, *(f"COVID/covid ({n}).png" for n in range(20))])
    grouping = group_by_patient(records)
    assert grouping.n_known == 60
    assert not grouping.knows_patients


def test_a_small_class_has_the_pattern_of_names_of_the_same_shape() -> None:
    path = HABITS["NIH"][0]
    names = [path(film) for film in made_films()]
    records = records_of([*names, "X/00000017_000.png", "X/00001281_009.png"])
    grouping = group_by_patient(records)
    assert grouping.n_known == len(records)
    assert grouping.patients[-1] == "00001281"  # who has films in NORMAL too


def test_a_number_like_a_year_is_a_patient_where_others_of_its_shape_are_no_years() -> None:
    classes = (*CLASSES, "X")
    names = [f"{c}/{k}{n // 2:03d}_{n % 2}.png" for k, c in enumerate(classes) for n in range(12)]
    assert group_by_patient(records_of(names)).n_patients == 18
    years = [name for name in names if name.startswith("X/")]  # 2000_0 to 2005_1
    assert group_by_patient(records_of(years)).n_known == 0


def test_patients_with_one_film_in_each_class_are_found() -> None:
    names = [
        f"{c}/{1281 + 19 * n:08d}_{k:03d}.png" for k, c in enumerate(CLASSES) for n in range(9)
    ]
    grouping = group_by_patient(records_of(names))
    assert grouping.pattern == "before_underscore"
    assert grouping.n_patients == 9


def test_a_wrapper_folder_changes_no_group() -> None:
    for path, _ in HABITS.values():
        names = [path(film) for film in made_films()]
        inside = [f"export 7/{name}" for name in names]
        assert (
            group_by_patient(records_of(names)).groups
            == group_by_patient(records_of(inside)).groups
        )
