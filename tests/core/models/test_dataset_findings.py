"""Findings that travel with a model: red classes, warnings, and values that cannot be."""

import pytest

from core.errors import ConfigError
from core.models.dataset_findings import DatasetFindings, Telltale, ToldApart

NAMES = ("COVID", "NORMAL", "VIRAL")


def findings(**changes: object) -> DatasetFindings:
    values = {"counts": dict.fromkeys(NAMES, 50), "examined": NAMES, **changes}
    return DatasetFindings(**values)  # type: ignore[arg-type]


def apart(one: str, other: str, auroc: float = 0.97) -> ToldApart:
    return ToldApart(one=one, other=other, auroc=auroc)


def words(found: DatasetFindings) -> list[str]:
    return [str(warning) for warning in found.warnings()]


def test_a_class_is_red_where_it_is_told_from_every_other() -> None:
    found = findings(
        told_apart=(apart("COVID", "NORMAL", 1.0), apart("VIRAL", "COVID", 0.9)),
        properties=(Telltale(key="aspect", auroc=0.99), Telltale(key="height", auroc=0.97)),
    )
    assert found.auroc_of("COVID") == 0.9  # from its likest
    assert str(found.shortcut_of("COVID")) == (
        "COVID can be recognised without the lungs (AUROC 0.90), by ratio of width to height, "
        "height in pixels, so its answers may rest on that."
    )
    assert found.shortcut_of("NORMAL") is None  # told from COVID alone
    assert words(found) == [str(found.shortcut_of("COVID"))]


def test_two_classes_that_are_told_apart_are_warned_of_though_neither_is_red() -> None:
    found = findings(told_apart=(apart("NORMAL", "VIRAL"),))
    assert [found.shortcut_of(name) for name in NAMES] == [None, None, None]
    assert words(found) == ["NORMAL and VIRAL can be told apart without the lungs (AUROC 0.97)."]


def test_a_single_source_goes_before_a_confounder() -> None:
    found = findings(
        told_apart=(apart("COVID", "NORMAL"), apart("COVID", "VIRAL")), single_source=("COVID",)
    )
    assert "come from a source that no other class has" in str(found.shortcut_of("COVID"))
    assert len(words(found)) == 1


def test_what_else_is_known_is_told() -> None:
    assert words(findings()) == []
    found = findings(
        counts={"COVID": 10, "NORMAL": 40, "VIRAL": 20},
        has_patients=False,
        n_test=9,
        n_leaking=2,
        n_left_out=3,
    )
    assert [sentence.split(" ")[0] for sentence in words(found)] == [
        "Of",
        "The",
        "The",
        "Changed",
    ]
    assert "2 of 9" in words(found)[0]
    assert "4.0 times" in words(found)[2]


def test_it_passes_through_json_and_lies_are_refused() -> None:
    found = findings(told_apart=(apart("COVID", "NORMAL"),), single_source=("VIRAL",))
    assert DatasetFindings.from_json(found.to_json()) == found
    for lie in ({"single_source": ["X"]}, {"n_leaking": 1}, {"counts": {}}, {"more": 1}):
        with pytest.raises(ConfigError):
            DatasetFindings.from_json({**found.to_json(), **lie})
