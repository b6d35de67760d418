"""A model file says of itself what it was written with, or it is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import ModelFileError
from core.models import model_file
from core.models.model_card import ModelCard
from core.models.model_file import open_model, read_card, save_model
from tests.core.models.model_bytes import (
    arrays_for,
    card,
    opened_up,
    put_together,
    tiny_shapes,
    with_text,
)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A saved model of a few weights: all but the layout's size is real."""
    monkeypatch.setattr(model_file, "expected_shapes", tiny_shapes)
    path = tmp_path / "tiny.safetensors"
    save_model(path, card(), arrays_for(tiny_shapes("resnet18", 3)))
    return path


def opened_after_flips(path: Path, n: int) -> list[int]:
    """Flip n random bits, one at a time; return those with which the file still opens."""
    whole = path.read_bytes()
    bits = np.random.default_rng(14).integers(0, 8 * len(whole), n).tolist()
    opened = []
    for bit in bits:
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            open_model(path)
        except ModelFileError:
            continue
        opened.append(bit)
    return opened


def test_no_file_with_a_flipped_bit_opens(tiny: Path) -> None:
    assert opened_after_flips(tiny, 1_500) == []


@pytest.mark.nightly
def test_none_of_many_files_with_a_flipped_bit_opens(tiny: Path) -> None:
    assert opened_after_flips(tiny, 20_000) == []


def swap_classes(values: dict[str, Any]) -> None:
    values["classes"] = values["classes"][::-1]


def change_mean(values: dict[str, Any]) -> None:
    values["preprocessing"]["mean"] = 0.25


def change_metrics(values: dict[str, Any]) -> None:
    values["metrics"]["test"]["accuracy"] = 0.99


def change_split(values: dict[str, Any]) -> None:
    values["split"]["test"], values["split"]["train"] = [], []


def change_disclaimer(values: dict[str, Any]) -> None:
    values["disclaimer"] = "Fit for diagnosis."


def drop_checksum(values: dict[str, Any]) -> None:
    del values["card_sha256"]


def change_checksum(values: dict[str, Any]) -> None:
    values["card_sha256"] = "0" * 64


@pytest.mark.parametrize(
    "change",
    [
        swap_classes,
        change_mean,
        change_metrics,
        change_split,
        change_disclaimer,
        drop_checksum,
        change_checksum,
    ],
)
@pytest.mark.parametrize("reader", [open_model, read_card])
def test_a_changed_card_is_refused(tiny: Path, change: Any, reader: Any) -> None:
    header, body, values = opened_up(tiny)
    change(values)
    tiny.write_bytes(with_text(header, body, json.dumps(values)))
    with pytest.raises(ModelFileError, match="the checksum of its description is wrong"):
        reader(tiny)


def test_a_card_that_is_laid_out_otherwise_is_the_same(tiny: Path) -> None:
    header, body, values = opened_up(tiny)
    expected = open_model(tiny).card
    text = json.dumps(dict(reversed(values.items())), indent=1, ensure_ascii=True)
    tiny.write_bytes(put_together({**header, "__metadata__": {"pneumoscope": text}}, body))
    assert open_model(tiny).card == expected


@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_older_file_without_a_checksum_opens(tiny: Path, version: int) -> None:
    header, body, values = opened_up(tiny)
    values["format_version"] = version
    del values["card_sha256"]
    tiny.write_bytes(with_text(header, body, json.dumps(values)))
    opened = open_model(tiny).card
    assert isinstance(opened, ModelCard)
    assert (opened.format_version, opened.card_sha256) == (version, "")
