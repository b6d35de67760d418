import errno
import functools
import os
import subprocess
import sys

import numpy as np
import pytest

from core import files
from core.prediction import fast as fast_network
from core.prediction.fast import build_fast, open_fast
from core.runtime.paddle import paddle
from tests.core.models.networks import SIZE, card_of, eager, films, network_of, traced
from tests.core.training.narrow import make_narrow

TRACED = functools.cache(traced)


@pytest.fixture(autouse=True)
def _narrow(monkeypatch):
    make_narrow(monkeypatch.setattr)
    monkeypatch.setattr(fast_network, "trace", TRACED)


@pytest.fixture
def network():
    return network_of()


def kept(workspace):
    return sorted((workspace.caches / fast_network.FOLDER).iterdir())


def test_what_was_built_is_opened_next_time(network, workspace, monkeypatch):
    assert open_fast(card_of(), network, workspace) is None
    built = build_fast(card_of(), network, workspace)
    monkeypatch.setattr(fast_network, "trace", None)  # must not be needed
    opened = open_fast(card_of(), network, workspace)
    for fast in (built, opened):
        np.testing.assert_allclose(fast(films(2))[0], eager(network, films(2))[0], atol=1e-4)


def test_the_comparison_is_made_for_every_model_the_program_once_for_its_kind(
    network, workspace, monkeypatch
):
    build_fast(card_of(), network, workspace)
    other = network_of(seed=1)
    assert open_fast(card_of(seed=1), other, workspace) is None
    monkeypatch.setattr(fast_network, "trace", None)
    fast = build_fast(card_of(seed=1), other, workspace)
    np.testing.assert_allclose(fast(films(2))[0], eager(other, films(2))[0], atol=1e-4)
    assert len(kept(workspace)) == 3


def test_films_may_be_given_for_the_comparison(network, workspace):
    film = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
    assert build_fast(card_of(), network, workspace, [film]) is not None


@pytest.mark.parametrize("wrong", [1.001, np.nan])
def test_other_answers_are_refused_and_said(network, workspace, monkeypatch, caplog, wrong):
    def altered(weights):
        return {name: array * np.float32(wrong) for name, array in fold(weights).items()}

    fold = fast_network.fold
    monkeypatch.setattr(fast_network, "fold", altered)
    assert build_fast(card_of(), network, workspace) is None
    assert "differs" in caplog.text
    assert open_fast(card_of(), network, workspace) is None


@pytest.mark.parametrize(
    "damage",
    [lambda b: b"", lambda b: b[:-1], lambda b: b[:500] + b"?" + b[501:], lambda b: b[70:]],
)
def test_a_damaged_program_never_reaches_the_engine(network, workspace, damage):
    build_fast(card_of(), network, workspace)
    program = next(path for path in kept(workspace) if not path.suffix)
    whole = program.read_bytes()
    program.write_bytes(damage(whole))
    assert open_fast(card_of(), network, workspace) is None
    assert build_fast(card_of(), network, workspace) is not None
    assert program.read_bytes() == whole


def test_a_full_disk_costs_only_the_keeping(network, workspace, monkeypatch):
    def full(_path, _content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "write_bytes", full)
    fast = build_fast(card_of(), network, workspace)
    np.testing.assert_allclose(fast(films(1))[0], eager(network, films(1))[0], atol=1e-4)
    assert kept(workspace) == []


def test_without_room_for_temporary_files_the_eager_network_answers(
    network, workspace, monkeypatch
):
    def full(*_args, **_settings):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryDirectory", full)
    assert build_fast(card_of(), network, workspace) is None


@pytest.mark.parametrize("error", [RuntimeError("no kernel"), ValueError("?"), MemoryError()])
def test_an_engine_that_fails_leaves_the_eager_network(network, workspace, monkeypatch, error):
    def fail(_config):
        raise error

    build_fast(card_of(), network, workspace)
    monkeypatch.setattr(paddle.inference, "create_predictor", fail)
    assert open_fast(card_of(), network, workspace) is None
    assert build_fast(card_of(), network, workspace) is None


def test_no_temporary_file_is_left(network, workspace, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    build_fast(card_of(), network, workspace)
    open_fast(card_of(), network, workspace)
    assert list((tmp_path / "temporary").iterdir()) == []


TRAINING = """
import sys, threading
import numpy as np
from core.models.weights import to_arrays
from core.prediction.fast import build_fast
from core.runtime.devices import use_device
from core.runtime.paddle import F, paddle
from core.workspace import Workspace
from pathlib import Path
from tests.core.models.networks import SIZE, card_of, network_of
from tests.core.training.narrow import make_narrow

make_narrow(setattr)
workspace = Workspace(Path(sys.argv[1]))

def train(step_done=lambda: None):
    use_device("cpu")
    network = network_of(seed=3)
    network.train()
    optimiser = paddle.optimizer.AdamW(1e-3, parameters=network.parameters())
    rng, steps = np.random.default_rng(3), 0
    while steps < 20:
        images = paddle.to_tensor(rng.normal(size=(4, 3, SIZE, SIZE)).astype(np.float32))
        F.cross_entropy(network(images), paddle.to_tensor([0, 1, 2, 0])).backward()
        optimiser.step()
        optimiser.clear_grad()
        steps += 1
        step_done()
    return to_arrays(network)

alone, network, built = train(), network_of(), []
begun, finished = threading.Event(), threading.Event()

def build():
    use_device("cpu")
    begun.wait()
    for _ in range(3):
        built.append(build_fast(card_of(), network, workspace))
    finished.set()

thread = threading.Thread(target=build)
thread.start()
together = train(begun.set)
while not finished.is_set():
    again = train()
    assert all(np.array_equal(alone[name], again[name]) for name in alone)
thread.join()
assert all(np.array_equal(alone[name], together[name]) for name in alone)
assert None not in built
print("equal")
"""


@pytest.mark.slow
def test_a_training_beside_it_ends_with_the_weights_it_would_have_alone(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TRAINING, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        # More threads add up in an order of their own, and no two trainings are alike.
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.stdout.split() == ["equal"], done.stderr
