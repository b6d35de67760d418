import hashlib
from pathlib import Path

import pytest

from core.data.grouping import group_by_patient
from core.data.records import Record


def films(*names: str, copies: dict[str, str] | None = None) -> list[Record]:
    """Records of `<class>/<file>`; `copies` tells whose content a file has."""
    labels = {name: n for n, name in enumerate(sorted({name.split("/")[0] for name in names}))}
    return [
        Record(
            name,
            Path(name),
            hashlib.sha256((copies or {}).get(name, name).encode()).hexdigest(),
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
    names = [f"N/{n}_a.png" for n in range(12)] + [f"V/{n}_b.png" for n in range(12, 24)]
    grouping = group_by_patient(films(*names, "V/single.png"))
    assert grouping.pattern == "before_underscore"
    assert grouping.groups[-1] == "V/single.png"


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([f"{c}/{n}.png" for c in "NV" for n in range(9)], id="no underscore"),
        pytest.param([f"{c}/IM_{n}.png" for c in "NV" for n in range(9)], id="one prefix for all"),
        pytest.param(
            [f"{c}/{c}_{n}.png" for c in "NV" for n in range(9)], id="the class as prefix"
        ),
        pytest.param([f"{c}/_{n}.png" for c in "NV" for n in range(9)], id="nothing before it"),
        pytest.param(
            [*PLAUSIBLE, *(f"V/{n}.png" for n in range(3))], id="too many without underscore"
        ),
        pytest.param(
            [*PLAUSIBLE, "X/p_1.png", "X/q_1.png"], id="a class of fewer than three patients"
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
