"""Line 11 of issue 12: the level of folders that is the class, in trees of every shape."""

from itertools import product
from pathlib import Path

import pytest

from core.audit.report import class_findings
from core.data.layout import Place, arrange
from core.data.records import Dataset, scan
from core.data.unpacked import SourceFile, Unpacked
from core.errors import DatasetError

FINDINGS = ("Normal", "TB")


def tree(*levels: tuple[str, ...], n: int = 6) -> list[str]:
    """Name `n` files in every folder of the product of these levels."""
    return [f"{'/'.join(path)}/{number}.png" for path in product(*levels) for number in range(n)]


def classes(names: list[str], level: int | None = None) -> set[str]:
    (places,), _ = arrange([names], ("",), None if level is None else [level])
    return {place.class_name for place in places if isinstance(place, Place)}


def scanned(*sources: tuple[str, list[str]], levels: list[int | None] | None = None) -> Dataset:
    return scan(
        [
            (
                Unpacked(
                    Path("s"),
                    tuple(SourceFile(name, Path(name), f"{source}{name}") for name in names),
                    (),
                ),
                Path(source),
            )
            for source, names in sources
        ],
        levels=levels,
    )


SUBDIVISIONS = {
    "views": ("AP", "Lateral", "PA"),
    "sexes": ("male", "female"),
    "sexes in Chinese": ("男", "女"),
    "hospitals": ("Hospital A", "Hospital B"),
    "sites": ("site1", "site2", "site3"),
    "dates": ("2020-03-21", "2020-04-02"),
    "years": ("2019", "2020"),
    "splits": ("split_1", "split_2", "split_3"),
    "batches": ("batch1", "batch2"),
    "versions": ("original", "enhanced"),
    "versions of images": ("Original Images", "Augmented Images"),
    "machines": ("Siemens", "GE"),
    "names that say nothing": ("uno", "dos"),
}


@pytest.mark.parametrize("inner", SUBDIVISIONS.values(), ids=SUBDIVISIONS)
@pytest.mark.parametrize("outer", [FINDINGS, ("0", "1"), ("K1x", "K2y")])
def test_folders_that_repeat_in_every_class_are_no_classes(
    outer: tuple[str, ...], inner: tuple[str, ...]
) -> None:
    assert classes(tree(("data",), outer, inner)) == set(outer)


@pytest.mark.parametrize("outer", SUBDIVISIONS.values(), ids=SUBDIVISIONS)
def test_classes_inside_hospitals_views_or_dates_are_the_classes(outer: tuple[str, ...]) -> None:
    assert classes(tree(outer, FINDINGS)) == set(FINDINGS)


@pytest.mark.parametrize(
    "levels",
    [
        (FINDINGS, ("patient1", "patient2", "patient3"), ("study1", "study2")),
        (FINDINGS, ("p1", "p2", "p3"), ("2020-03-21",), ("PA", "Lateral")),
        (("Montgomery", "Shenzhen"), FINDINGS, ("F", "M")),
        (("train", "test"), FINDINGS, ("PA", "AP")),
        (FINDINGS, ("train", "test"), ("PA", "AP")),
        (("Hospital A", "Hospital B"), ("train", "val", "test"), FINDINGS),
        (("2020", "2021"), ("03", "04"), FINDINGS),
        (("patient1", "patient2", "patient3"), FINDINGS),
        (FINDINGS, ("images", "masks")),
        (FINDINGS, ("original", "enhanced"), ("PA", "AP")),
    ],
    ids=lambda levels: "_".join(level[0] for level in levels),
)
def test_deep_trees(levels: tuple[tuple[str, ...], ...]) -> None:
    assert classes(tree(*levels)) == set(FINDINGS)


@pytest.mark.parametrize("inner", [("AP", "Lateral", "PA"), ("uno", "dos")])
def test_class_folders_dropped_one_by_one_are_the_classes_too(inner: tuple[str, ...]) -> None:
    dataset = scanned(("Normal", tree(inner)), ("TB.zip", tree(inner)))
    assert dataset.counts == {"Normal": 6 * len(inner), "TB": 6 * len(inner)}


def test_zips_of_hospitals_hold_the_classes() -> None:
    dataset = scanned(("Shenzhen.zip", tree(FINDINGS)), ("Montgomery.zip", tree(FINDINGS)))
    assert dataset.classes == FINDINGS


@pytest.mark.parametrize(
    "names",
    [
        tree(("files",), ("p10", "p11"), ("p10000032", "p11000077"), ("s50414267", "s53189527")),
        tree(("2020", "2021"), ("03", "04"), ("1.2.840.113619.2.55", "1.2.840.113619.2.56")),
        tree(("2020", "2021"), ("03", "04"), ("01", "17")),
        tree(("DICOM",), ("PA000001", "PA000002"), ("ST000001",), ("SE000001", "SE000002")),
        tree(
            tuple(f"DOE_JOHN{chr(97 + n)}" for n in range(12)),
            ("CR_CHEST_20200103",),
            ("1.3.6.1.4.1.14519.5",),
            n=1,
        ),
        tree(("patient1", "patient2")),
        tree(("batch1", "batch2")),
        tree(("12345678", "87654321"), ("20200321", "20200322")),
        tree(("24010812", "24010813"), ("CR", "DX")),
        tree(("DICOM",), ("0000A1B2", "0000A1B3"), ("AA33EE01", "AA33EE02")),
        tree(("SMITH^JOHN", "DOE^JANE"), ("2020-01-02 CHEST PA",), n=1),
    ],
    ids=[
        "MIMIC",
        "dates and UIDs",
        "dates",
        "DICOMDIR",
        "names and studies",
        "patients",
        "batches",
        "IDs",
        "machines of patients",
        "hexadecimal",
        "DICOM names",
    ],
)
def test_trees_of_patients_and_studies_have_no_classes(names: list[str]) -> None:
    assert classes(names) == set()
    with pytest.raises(DatasetError, match="do not lie in class folders"):
        scanned(("x.zip", names))


def test_a_finding_divided_by_diseases_beside_one_divided_by_age() -> None:
    names = tree(("Abnormal",), ("TB", "Pneumonia")) + tree(("Normal",), ("adult", "child"))
    assert classes(names) == {"Abnormal", "Normal"}


@pytest.mark.parametrize("names", [("male", "female"), ("PA", "AP")])
def test_views_or_sexes_alone_are_classes_with_a_warning(names: tuple[str, ...]) -> None:
    dataset = scanned(("x.zip", tree(names)))
    assert set(dataset.classes) == set(names)
    (finding,) = class_findings(dataset)
    assert (finding.kind, finding.severity) == ("class_level", "warning")


def test_what_else_could_be_the_classes_is_a_finding() -> None:
    (sure,) = class_findings(scanned(("x.zip", tree(FINDINGS, ("AP", "PA")))))
    assert (sure.kind, sure.severity) == ("class_level", "note")
    assert "Other levels: 2: AP, PA" in str(sure.message)
    (unsure,) = class_findings(scanned(("x.zip", tree(("K1x", "K2y"), ("uno", "dos")))))
    assert unsure.severity == "warning"
    assert not list(class_findings(scanned(("x.zip", tree(FINDINGS)))))


def test_the_layout_says_why_and_what_else_there_is() -> None:
    layout = scanned(("x.zip", tree(("d",), FINDINGS, ("AP", "PA")))).layout
    assert layout is not None
    assert layout.levels == (2,)
    assert layout.is_certain
    assert "Normal, TB" in str(layout.reason)
    assert [(one.level, one.names) for one in layout.alternatives] == [(3, ("AP", "PA"))]


def test_a_guess_by_shape_alone_is_said_to_be_one() -> None:
    layout = scanned(("x.zip", tree(("K1x", "K2y"), ("uno", "dos")))).layout
    assert layout is not None
    assert not layout.is_certain


def test_a_chosen_level_counts_with_wrappers_and_parts() -> None:
    names = tree(("d",), ("train", "test"), FINDINGS, ("AP", "PA"))
    assert classes(names, 3) == set(FINDINGS)
    assert classes(names, 4) == {"AP", "PA"}
    assert classes(names, 2) == {"train", "test"}
    layout = scanned(("x.zip", names), levels=[4]).layout
    assert layout is not None
    assert layout.levels == (4,)
    assert [one.level for one in layout.alternatives] == [3]


def test_a_level_without_classes_is_refused_with_those_that_have_some() -> None:
    with pytest.raises(DatasetError, match=r"2: Normal, TB; 3: AP, PA"):
        scanned(("x.zip", tree(("d",), FINDINGS, ("AP", "PA"))), levels=[1])


def test_sources_can_be_chosen_as_the_classes() -> None:
    sources = (("Shenzhen", tree(FINDINGS)), ("Montgomery", tree(FINDINGS)))
    assert scanned(*sources, levels=[0, 0]).classes == ("Montgomery", "Shenzhen")


def test_a_level_with_the_classes_of_a_model_goes_before_others() -> None:
    names = tree(FINDINGS, ("AP", "PA"))
    (places,), _ = arrange([names], ("",), None, ("pa", "ap"))
    assert {place.class_name for place in places if isinstance(place, Place)} == {"AP", "PA"}
