import io
import sys
from collections.abc import Iterator

import pytest

from app.cli.console import LINE_INTERVAL_S, ProgressBars, last_of, tell
from core.errors import Message
from core.events import Progress


class Screen(io.StringIO):
    """A terminal that remembers."""

    def isatty(self) -> bool:
        return True


def steps(n: int, log: list[str]) -> Iterator[Progress | str]:
    try:
        for done in range(1, n + 1):
            yield Progress(Message("Unpacking"), done, n)
        yield "result"
    finally:
        log.append("tidied up")


def test_a_log_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    now = 100.0
    with ProgressBars(lambda: now) as bars:
        for done in range(1, 1001):
            now += LINE_INTERVAL_S / 128  # exact in binary; short work leaves a log empty
            bars.advance("Reading films", done, 1000, "loss 1.0")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1000 // 128
    assert lines[0] == "Reading films: 128 of 1000, loss 1.0"


def test_a_terminal_gets_one_bar_a_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", screen := Screen())
    with ProgressBars() as bars:
        bars.advance("Unpacking", 1, 2)
        bars.advance("Unpacking", 2, 2)
        bars.advance("Reading films", 0, 5)
    drawn = screen.getvalue()
    assert "Unpacking" in drawn
    assert "0/5" in drawn
    assert "\n" not in drawn  # the bars leave no lines behind
    with ProgressBars() as bars:
        bars.advance("Unpacking", 1, 2)
        tell("Epoch 1")  # does not tear the bar
    assert "\rEpoch 1\n" in screen.getvalue()


def test_a_remark_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    tell("a\nb\x1b[2J\u2028c\udcff")
    assert capsys.readouterr().err == "a\\nb\\x1b[2J\\u2028c\\xff\n"


def test_the_result_comes_back_and_the_work_has_tidied_up() -> None:
    log: list[str] = []
    with ProgressBars() as bars:
        assert last_of(steps(3, log), str, bars) == "result"
    assert log == ["tidied up"]


def test_work_tidies_up_when_its_progress_is_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(*_given: object) -> None:
        raise KeyboardInterrupt

    log: list[str] = []
    events = steps(3, log)
    bars = ProgressBars()
    monkeypatch.setattr(bars, "advance", interrupt)
    with pytest.raises(KeyboardInterrupt):
        last_of(events, str, bars)
    assert log == ["tidied up"]
