import argparse
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.cli import options
from app.i18n import set_language
from core.errors import DatasetError, Message

Command = Callable[..., Any]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("dream",),
        ("check",),
        ("check", "a.zip", "--json=yes"),
        ("train", "a.zip"),
        ("train", "a.zip", "--out"),
        ("train", "a.zip", "--out", "run", "--epoch", "3"),  # no abbreviations
        ("train", "a.zip", "--out", "run", "--epochs", "many"),
        ("train", "a.zip", "--out", "run", "--arch", "19"),
        ("train", "a.zip", "--out", "run", "--device", "toaster"),
        ("train", "a.zip", "--out", "run", "--epochs", "0"),
        ("train", "a.zip", "--out", "run", "--learning-rate", "nan"),
        ("train", "a.zip", "--out", "run", "--image-size", "31"),
        ("train", "a.zip", "--out", "run", "--seed", "-1"),
        ("evaluate", "model.safetensors"),
        ("evaluate", "model.safetensors", "a.zip", "--split", "train"),
        ("predict", "model.safetensors"),
        ("demo", "--json"),
        ("export", "model.safetensors"),
        ("export", "model.safetensors", "--format", "torch", "out"),
        ("export", "model.safetensors", "--format", "onnx"),
        ("check", "a.zip", "--surprise\nTraceback"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(command: Command, words: tuple[str, ...]) -> None:
    said = command(*words)
    assert (said.code, said.out) == (2, "")
    assert said.err.count("\n") == 1
    assert said.err.endswith("\n")


def test_every_command_explains_itself(command: Command) -> None:
    for name in options.COMMANDS:
        said = command(name, "--help")
        assert (said.code, said.err) == (0, "")
        assert said.out.startswith(f"usage: python3 main.py {name}")


def test_sentences_marked_for_argparse_are_its_own() -> None:
    source = inspect.getsource(argparse)
    words = [message.template for message in options.ARGPARSE_SENTENCES]
    assert [text for text in words if repr(text) not in source] == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("check", "--help"), "usage: "),
        (("check", "--help"), "positional arguments"),
        (("check", "--help"), "options"),
        (("check", "--help"), "show this help message and exit"),
        (("check",), "the following arguments are required: %s"),
        (("check", "a.zip", "--b"), "unrecognized arguments: %s"),
        (("train", "a.zip", "--out"), "expected one argument"),
        (("train", "a.zip", "--out"), "argument %(argument_name)s: %(message)s"),
        (("check", "a.zip", "--json=yes"), "ignored explicit argument %r"),
        (("dream",), "invalid choice: %(value)r (choose from %(choices)s)"),
        (("train", "a", "--out", "b", "--epochs", "x"), "invalid %(type)s value: %(value)r"),
    ],
)
def test_argparse_speaks_through_our_catalogue(
    command: Command, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], sentence: str
) -> None:
    def translated(text: str, **values: object) -> str:
        return ("译" + text).format(**values) if values else "译" + text

    monkeypatch.setattr(options, "tr", translated)
    said = command(*words)
    assert "译" + sentence.partition("%")[0] in said.out + said.err
    assert sentence in {message.template for message in options.ARGPARSE_SENTENCES}


def test_what_nobody_expected_is_one_line_with_its_details_in_a_file(
    command: Command, home: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall(*_given: object) -> None:
        raise ZeroDivisionError("a stone\nin the way")

    monkeypatch.setitem(options.COMMANDS, "check", fall)
    said = command("check", archive)
    assert (said.code, said.out) == (1, "")
    assert said.err.count("\n") == 1
    assert "(ZeroDivisionError: a stone)" in said.err
    log = home / "logs" / "headless.log"
    assert said.err.endswith(f"The details are in {log}.\n")
    assert "in the way" in log.read_text(encoding="utf-8")


def test_refusals_are_told_in_the_users_language(
    command: Command, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_given: object) -> None:
        raise DatasetError(Message("Research and teaching only, never diagnosis."))

    monkeypatch.setitem(options.COMMANDS, "check", refuse)
    monkeypatch.setattr(options, "say", lambda message: f"翻译：{message}")
    set_language("zh_CN")
    assert command("check", archive).err.startswith("翻译：")
