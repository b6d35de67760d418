import sys

import pytest

from core.models import paddle_inference
from core.models.paddle_inference import trace
from tests.core.models.networks import traced
from tests.core.training.narrow import make_narrow


@pytest.fixture(autouse=True)
def _narrow(monkeypatch):
    make_narrow(monkeypatch.setattr)


@pytest.mark.slow
def test_a_process_of_its_own_traces_the_same_program_every_time():
    program = trace("resnet18", 3)
    assert program == traced("resnet18", 3)
    assert len(program) < 100_000  # no weights in it


def test_a_process_that_fails_is_an_error(monkeypatch, tmp_path):
    worker = tmp_path / "worker.py"
    worker.write_text("raise SystemExit(3)")
    monkeypatch.setattr(paddle_inference, "_WORKER", worker)
    with pytest.raises(RuntimeError, match="code 3"):
        trace("resnet18", 3)


def test_a_process_that_hangs_is_ended(monkeypatch, tmp_path):
    worker = tmp_path / "worker.py"
    worker.write_text("import time; time.sleep(100)")
    monkeypatch.setattr(paddle_inference, "_WORKER", worker)
    monkeypatch.setattr(paddle_inference, "_MOST_SECONDS", 0.2)
    with pytest.raises(RuntimeError, match="too long"):
        trace("resnet18", 3)


def test_a_process_that_cannot_start_is_an_error(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(OSError, match="No such file"):
        trace("resnet18", 3)
