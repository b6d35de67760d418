"""What others read in what we export."""

import errno
import hashlib
import json
import shutil
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest

from core import files
from core.config import Preprocessing, TrainingConfig
from core.errors import ModelFileError
from core.images.reading import READER_VERSION
from core.models import export
from core.models.export import FILES, READER_RULES, ExportError, export_model
from core.models.model_card import DISCLAIMER
from core.models.model_file import save_model
from core.models.weights import random_weights, to_arrays
from tests.core.models.model_bytes import CLASSES, card
from tests.core.models.networks import SIZE, ask_at_once, eager, films, network_of
from tests.core.training.narrow import make_narrow

ASK_PADDLE = export._ask_paddle


@pytest.fixture(autouse=True)
def _narrow(monkeypatch):
    make_narrow(monkeypatch.setattr)
    monkeypatch.setattr(export, "_ask_paddle", ask_at_once)


@pytest.fixture
def network():
    return network_of()


@pytest.fixture
def model(network, tmp_path):
    path = tmp_path / "模型.safetensors"
    described = card(
        preprocessing=Preprocessing(image_size=SIZE, mean=0.5, std=0.25),
        reader_version=READER_VERSION,
        calibration={"temperature": 1.5},
    )
    save_model(path, described, to_arrays(network))
    return path


def in_a_process(code, *arguments):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def full(_path, _content):
    raise OSError(errno.ENOSPC, "No space left on device")


def is_close(got, wanted):
    return np.abs(got - wanted).max() <= 1e-4 * max(1, np.abs(wanted).max())


class TestOnnx:
    def test_onnx_runtime_gives_the_eager_networks_answers(self, model, network, tmp_path):
        out = tmp_path / "out.onnx"
        report = export_model(model, "onnx", out)
        assert report.checked_with == f"ONNX Runtime {onnxruntime.__version__}"
        assert report.difference <= 1e-4
        session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
        for n in (1, 3):
            got = session.run(None, {"images": films(n)})
            assert all(is_close(*pair) for pair in zip(got, eager(network, films(n)), strict=True))

    def test_it_carries_its_description(self, model, tmp_path):
        report = export_model(model, "onnx", tmp_path / "out.onnx")
        session = onnxruntime.InferenceSession(str(tmp_path / "out.onnx"))
        told = session.get_modelmeta()
        assert json.loads(told.custom_metadata_map["pneumoscope"]) == report.description
        assert told.custom_metadata_map["disclaimer"] == told.description == DISCLAIMER
        assert [one.name for one in session.get_outputs()] == ["logits", "feature_map"]
        (images,) = session.get_inputs()
        assert (images.name, images.shape) == ("images", ["N", 3, SIZE, SIZE])

    @pytest.mark.parametrize("architecture", ["resnet34", "resnet50"])
    def test_every_kind_of_block_is_written(self, architecture, tmp_path):
        model = tmp_path / "model.safetensors"
        described = card(architecture=architecture, reader_version=READER_VERSION)
        save_model(model, described, to_arrays(network_of(architecture)))
        assert export_model(model, "onnx", tmp_path / "out.onnx").difference <= 1e-4

    def test_a_finer_feature_map_is_described_as_it_is(self, network, tmp_path):
        model = tmp_path / "fine.safetensors"
        fine = TrainingConfig(map_detail="fine")
        save_model(model, card(reader_version=READER_VERSION, training=fine), to_arrays(network))
        told = export_model(model, "onnx", tmp_path / "out.onnx").description
        session = onnxruntime.InferenceSession(str(tmp_path / "out.onnx"))
        assert [one["shape"] for one in told["outputs"]] == [o.shape for o in session.get_outputs()]

    def test_onnx_itself_finds_nothing_wrong(self, model, tmp_path):
        onnx = pytest.importorskip("onnx")
        export_model(model, "onnx", tmp_path / "out.onnx")
        loaded = onnx.load(tmp_path / "out.onnx")
        onnx.checker.check_model(loaded, full_check=True)
        assert [one.version for one in loaded.opset_import] == [17]
        assert {one.name for one in loaded.graph.initializer} >= {"conv1.weight", "fc.bias"}


class TestStateDict:
    SCRIPT = """
import sys, numpy as np, paddle
from tests.core.training.narrow import make_narrow
make_narrow(setattr)
from core.models.resnet import build_resnet
state = paddle.load(sys.argv[1])
network = build_resnet("resnet18", 3)
missing, unexpected = network.set_state_dict(state)
assert not missing and not unexpected, (missing, unexpected)
wanted = np.load(sys.argv[2])
network.eval()
with paddle.no_grad():
    got = network(paddle.to_tensor(wanted["images"])).numpy()
np.testing.assert_allclose(got, wanted["logits"], atol=1e-4)
"""

    def test_paddle_loads_it(self, model, network, tmp_path):
        out = tmp_path / "out.pdparams"
        report = export_model(model, "pdparams", out)
        assert (report.checked_with, report.difference) == ("PneumoScope", 0.0)
        logits, _ = eager(network, films(2))
        np.savez(tmp_path / "wanted.npz", images=films(2), logits=logits)
        in_a_process(self.SCRIPT, out, tmp_path / "wanted.npz")

    def test_its_names_are_those_of_paddles_own_networks(self, network):
        from core.runtime.paddle import paddle

        theirs = paddle.vision.models.resnet18(num_classes=3).state_dict()
        assert set(network.state_dict()) == set(theirs)

    def test_a_file_that_reads_otherwise_is_refused(self, model, tmp_path, monkeypatch):
        monkeypatch.setattr("core.models.export.read_state_dict", lambda _path: {})
        with pytest.raises(ExportError, match="not written as it is"):
            export_model(model, "pdparams", tmp_path / "out.pdparams")
        assert not (tmp_path / "out.pdparams").exists()


class TestPaddle:
    SCRIPT = """
import os, sys, numpy as np
os.chdir(sys.argv[1])
from PIL import Image
wanted = np.load(sys.argv[2])
Image.fromarray(wanted["film"]).save("film.png")
lines = open("README.txt", encoding="utf-8").read().split("\\n")
exec("\\n".join(line[4:] for line in lines if line.startswith("    ")))
np.testing.assert_allclose(x, wanted["images"], atol=1e-6)
np.testing.assert_allclose(logits, wanted["logits"], atol=1e-4)
np.testing.assert_allclose(feature_map, wanted["maps"], atol=1e-4)
np.testing.assert_allclose(p[0], wanted["probabilities"], atol=1e-4)
"""

    def test_the_lines_of_its_readme_give_our_answer(self, model, network, tmp_path):
        from core.images.film import square
        from core.models.resnet import to_input
        from core.prediction.calibration import softmax

        report = export_model(model, "paddle", tmp_path / "out")
        assert report.difference <= 1e-4
        film = np.random.default_rng(0).integers(0, 256, (90, 70)).astype(np.uint8)
        prepared = square(film, SIZE)[None]
        images = to_input(prepared, Preprocessing(image_size=SIZE, mean=0.5, std=0.25)).numpy()
        logits, maps = eager(network, images)
        np.savez(
            tmp_path / "wanted.npz",
            film=film,
            images=images,
            logits=logits,
            maps=maps,
            probabilities=softmax(logits / 1.5)[0],
        )
        in_a_process(self.SCRIPT, tmp_path / "out", tmp_path / "wanted.npz")

    @pytest.mark.slow
    def test_an_older_export_is_replaced_as_a_whole(self, model, tmp_path):
        (tmp_path / "out").mkdir()  # an empty folder does as well
        export_model(model, "paddle", tmp_path / "out")
        before = (tmp_path / "out" / "inference.json").stat().st_ino
        report = export_model(model, "paddle", tmp_path / "out")
        assert (tmp_path / "out" / "inference.json").stat().st_ino != before
        assert sorted(path.name for path in report.files) == sorted(FILES)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["out", model.name]

    @pytest.mark.parametrize("stranger", ["notes.txt", "pneumoscope.json"])
    def test_a_folder_with_other_things_is_left_alone(self, model, tmp_path, stranger):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / stranger).write_text("{}")
        with pytest.raises(ExportError, match="is no export of PneumoScope's"):
            export_model(model, "paddle", tmp_path / "out")
        assert [path.name for path in (tmp_path / "out").iterdir()] == [stranger]

    @pytest.mark.slow
    def test_what_fails_halfway_leaves_the_older_export(self, model, tmp_path, monkeypatch):
        export_model(model, "paddle", tmp_path / "out")
        before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}

        monkeypatch.setattr(files, "write_text", full)
        with pytest.raises(ExportError, match="No space left on device"):
            export_model(model, "paddle", tmp_path / "out")
        assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == before
        assert sorted(path.name for path in tmp_path.iterdir()) == ["out", model.name]


class TestDescription:
    def test_it_states_input_output_and_origin(self, model, tmp_path):
        told = export_model(model, "pdparams", tmp_path / "out.pdparams").description
        assert told["disclaimer"] == DISCLAIMER
        assert told["classes"] == list(CLASSES)
        assert told["source"]["file"] == "模型.safetensors"
        assert told["source"]["sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()
        assert told["preprocessing"]["size"] == [SIZE, SIZE]
        assert (told["preprocessing"]["mean"], told["preprocessing"]["std"]) == (0.5, 0.25)
        assert told["probabilities"] == {
            "calibrated": True,
            "temperature": 1.5,
            "formula": "softmax(logits / temperature)",
        }

    def test_a_model_of_another_reader_is_refused(self, network, tmp_path):
        assert READER_VERSION in READER_RULES
        model = tmp_path / "old.safetensors"
        save_model(model, card(reader_version=1), to_arrays(network))
        with pytest.raises(ExportError, match="read films by other rules"):
            export_model(model, "pdparams", tmp_path / "out.pdparams")

    def test_an_odd_temperature_counts_as_none(self, network, tmp_path):
        model = tmp_path / "odd.safetensors"
        for temperature in (None, "2", 0, -1, True):
            odd = card(reader_version=READER_VERSION, calibration={"temperature": temperature})
            save_model(model, odd, to_arrays(network))
            told = export_model(model, "pdparams", tmp_path / "out.pdparams").description
            assert told["probabilities"]["calibrated"] is False


class TestPlace:
    def test_another_ending_is_refused(self, model, tmp_path):
        for name in ("out", "out.png", "out.pdparams", ".onnx"):
            with pytest.raises(ExportError, match=r"ends in \.onnx"):
                export_model(model, "onnx", tmp_path / name)

    def test_what_is_there_is_never_replaced(self, model, tmp_path):
        (tmp_path / "out.onnx").mkdir()
        with pytest.raises(ExportError, match="exists already"):
            export_model(model, "onnx", tmp_path / "out.onnx")
        itself = shutil.copy(model, tmp_path / "model.onnx")
        with pytest.raises(ExportError, match="exists already"):
            export_model(itself, "onnx", itself)
        assert itself.read_bytes() == model.read_bytes()
        beside = tmp_path / "weights.pdparams.json"  # a file of others
        beside.write_text('{"mine": true}', encoding="utf-8")
        with pytest.raises(ExportError, match=r"weights\.pdparams\.json exists already"):
            export_model(model, "pdparams", tmp_path / "weights.pdparams")
        assert beside.read_text(encoding="utf-8") == '{"mine": true}'
        assert not (tmp_path / "weights.pdparams").exists()

    def test_a_full_disk_is_said_in_words(self, model, tmp_path, monkeypatch):
        monkeypatch.setattr(files, "write_bytes", full)
        with pytest.raises(ExportError, match=r"No space left on device\. Free some space"):
            export_model(model, "onnx", tmp_path / "out.onnx")

    def test_a_hostile_model_is_refused_before_anything_is_written(self, tmp_path):
        (tmp_path / "m.safetensors").write_bytes(b"\x80\x04hello")
        with pytest.raises(ModelFileError, match="pickle"):
            export_model(tmp_path / "m.safetensors", "onnx", tmp_path / "new" / "out.onnx")
        assert not (tmp_path / "new").exists()


class TestProcess:
    """Paddle answers in a process of its own."""

    def test_it_exports_a_model_and_leaves_no_paddle_here(self, tmp_path, monkeypatch):
        monkeypatch.undo()  # as wide as networks are, and in a process
        model = tmp_path / "model.safetensors"
        save_model(model, card(reader_version=READER_VERSION), random_weights("resnet18", 3, 0))
        in_a_process(
            """
import sys
from pathlib import Path
from core.models.export import export_model
assert export_model(Path(sys.argv[1]), "paddle", Path(sys.argv[2])).difference <= 1e-4
assert "paddle" not in sys.modules
""",
            model,
            tmp_path / "out",
        )

    @pytest.mark.parametrize(
        ("worker", "most_s", "words"),
        [("raise SystemExit(3)", 60, "code 3"), ("import time; time.sleep(100)", 0.5, "too long")],
    )
    def test_one_that_fails_or_hangs_is_an_error(
        self, worker, most_s, words, model, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(export, "_ask_paddle", ASK_PADDLE)
        monkeypatch.setattr(export, "_WORKER", worker)
        monkeypatch.setattr(export, "_MOST_SECONDS", most_s)
        with pytest.raises(ExportError, match=words):
            export_model(model, "paddle", tmp_path / "out")
        assert list(tmp_path.iterdir()) == [model]
