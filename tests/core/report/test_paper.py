import pytest

from core.report.paper import break_lines, fit_line


def width_of(text: str) -> float:
    """Chinese characters are twice as wide as others."""
    return sum(2 if ord(character) > 0x2E80 else 1 for character in text)


def test_text_breaks_at_spaces() -> None:
    assert break_lines("one two three four", 9, width_of) == ["one two", "three", "four"]


def test_chinese_breaks_between_characters() -> None:
    assert break_lines("胸片阅片报告", 6, width_of) == ["胸片阅", "片报告"]


def test_no_line_starts_with_a_closing_mark_or_ends_with_an_opening_one() -> None:
    assert break_lines("胸片。报告", 4, width_of) == ["胸", "片。", "报告"]
    assert break_lines("胸（片）", 6, width_of) == ["胸", "（片）"]


def test_a_long_name_breaks_anywhere() -> None:
    lines = break_lines("see abcdefghij now", 4, width_of)
    assert lines == ["see", "abcd", "efgh", "ij", "now"]
    assert break_lines("胸", 1, width_of) == ["胸"]


def test_a_line_feed_starts_a_line() -> None:
    assert break_lines("a\n\nb", 9, width_of) == ["a", "", "b"]


@pytest.mark.parametrize("text", ["（（（（", "。。。。。。", "a b  c ， d", "x" * 50 + "，胸片"])
def test_nothing_is_lost(text: str) -> None:
    lines = break_lines(text, 5, width_of)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("width", [1, 2, 5, 9, 16, 30])
def test_a_name_that_is_too_long_keeps_its_ends(width: int) -> None:
    name = "ward/patient 17 胸片.png"
    short = fit_line(name, width, width_of)
    assert width_of(short) <= max(width, 1)
    if width > width_of(name):
        assert short == name
    elif width > 4:
        assert short[0] == "w"
        assert short[-1] == "g"
        assert "…" in short
