import pytest

from core.report.facts import film_text, percent
from tests.core.prediction.made_results import STRANGE, film_result, neighbours, opinion
from tests.core.report.made_reports import checks, context


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "0.0 %"),
        (1e-9, "< 0.1 %"),
        (0.0312, "3.1 %"),
        (0.9994, "99.9 %"),
        (0.99999, "> 99.9 %"),
        (1.0, "100.0 %"),
    ],
)
def test_a_share_is_never_rounded_to_certainty(share: float, words: str) -> None:
    assert percent(share) == words


def test_a_film_is_told_in_a_few_lines() -> None:
    stamp = checks(is_trustworthy=False, reasons=(STRANGE,), doubts=(STRANGE,))
    text = film_text(
        film_result(
            opinion=opinion(neighbours=neighbours()),
            checks=stamp,
            true_class="Viral_Pneumonia",
            header={"PatientID": "P-17"},
        ),
        context(),
    )
    assert text.startswith("films/a.png\n  COVID-19  75.0 %\n  ")
    for words in (
        "calibrated",
        "Doubtful",
        str(STRANGE),
        "Nearest training films: COVID-19, Normal, Viral pneumonia, COVID-19, Normal",
        "True class: Viral pneumonia",
        "PatientID: P-17",
        "best.safetensors (abababababab)",
    ):
        assert words in text
    assert text.endswith("\nResearch and teaching only, never diagnosis.\n")


def test_of_many_classes_the_first_are_told() -> None:
    names = tuple(f"class {number}" for number in range(40))
    many = context(
        classes=names, display_names={name: {"en": name, "zh_CN": name} for name in names}
    )
    text = film_text(film_result(opinion=opinion(*[1 / 40] * 40)), many)
    assert "and 30 more classes" in text
