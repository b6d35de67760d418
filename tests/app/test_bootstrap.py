"""Set-up and command line, with other programs replaced at the process boundary."""

import json
import os
import subprocess
import sys
import threading
import venv
from collections.abc import Callable, Sequence
from ctypes.util import find_library
from pathlib import Path
from types import ModuleType

import pytest

from app.bootstrap import ROOT, Request, UsageError, console, main, parse
from app.bootstrap.environment import (
    Terminal,
    choose_tag,
    is_installed,
    only_one,
    read_requirements,
)
from app.bootstrap.screen import find_screen, missing_for_x11, missing_library

PYPROJECT = """\
[project]
name = "fake"
dependencies = ["pneumoscope-absent>=1,<2"]

[project.optional-dependencies]
cpu = ["paddlepaddle>=3"]
gpu = ["paddlepaddle-gpu>=3"]
test = ["pneumoscope-absent-test>=4"]
"""
COMMON, CPU, GPU = "pneumoscope-absent>=1,<2", "paddlepaddle>=3", "paddlepaddle-gpu>=3"


class FakeTerminal(Terminal):
    """Records what would run; a fake venv leaves the files that a real one leaves."""

    def __init__(
        self,
        root: Path,
        fails: Callable[[list[str]], bool] = lambda command: False,
        smi: str = "",
        paddle: tuple[int, str] = (0, ""),
    ) -> None:
        self.root = root
        self.fails = fails
        self.smi = smi
        self.paddle = paddle  # of importing it
        self.lines: list[str] = []
        self.ran: list[list[str]] = []
        self.became: list[str] = []
        self.has_told = threading.Event()

    def tell(self, line: str) -> None:
        self.lines.append(line)
        self.has_told.set()

    def run(self, command: Sequence[str | Path]) -> int:
        words = [str(word) for word in command]
        self.ran.append(words)
        if self.fails(words):
            return 1
        if "venv" in words:
            python = self.root / ".venv" / "bin" / "python"
            python.parent.mkdir(parents=True)
            python.touch()
        return 0

    def read(self, command: Sequence[str | Path], timeout_s: float) -> tuple[int, str]:
        words = [str(word) for word in command]
        if "nvidia-smi" in words[0]:
            return 0, self.smi
        if words[2] == "import pip":
            return (0, "") if Path(words[0]).exists() else (127, "no such file")
        return self.paddle

    def become(self, command: Sequence[str | Path]) -> int:
        self.became = [str(word) for word in command]
        return 42

    def verbs(self) -> list[str]:
        """What was done: venv, trial or install."""
        return [
            "trial" if "--dry-run" in words else "venv" if "venv" in words else "install"
            for words in self.ran
        ]


PARALLEL = ("-n", "auto", "--dist", "loadfile")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project nobody has set up, on a machine without nvidia-smi."""
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    monkeypatch.setenv("LANG", "C")
    monkeypatch.delenv("LC_ALL", raising=False)
    return tmp_path


def installed(root: Path) -> dict[str, object]:
    """The stamp of a finished set-up; empty where there is none."""
    stamp = root / ".venv" / "pneumoscope.json"
    values: dict[str, object] = json.loads(stamp.read_text()) if stamp.exists() else {}
    return values


def smi(version: str) -> str:
    return f"| NVIDIA-SMI 550.54.15   Driver Version: 550.54.15   CUDA Version: {version}  |"


class TestCommandLine:
    """The words after main.py."""

    def test_first_word_and_screen_choose_the_face(self) -> None:
        for words, screen, face in (
            ("", True, "window"),
            ("demo", True, "window"),
            ("demo", False, "headless"),
            ("demo --out x", True, "headless"),
            ("train data.zip", True, "headless"),
            ("check --help", False, "headless"),
            ("test -k lock", False, "test"),
            ("-h", False, "help"),
            ("--help", True, "help"),
        ):
            assert parse(words.split(), lambda screen=screen: screen).face == face, words

    def test_device_build_is_taken_out_wherever_it_stands(self) -> None:
        for argv in (
            ["--device-build", "gpu", "check", "a b.zip"],
            ["check", "--device-build=gpu", "a b.zip"],
            ["check", "a b.zip", "--device-build", "gpu"],
        ):
            assert parse(argv) == Request("headless", ("check", "a b.zip"), "gpu")
        for argv in (["--device-build", "tpu"], ["demo", "--device-build"]):
            with pytest.raises(UsageError, match="takes cpu or gpu"):
                parse(argv)

    def test_nobody_looks_for_a_screen_where_no_window_is_wanted(self) -> None:
        for argv in (["check"], ["demo", "--out", "x"], ["test"], ["--help"]):
            parse(argv, lambda: pytest.fail("looking can take seconds"))

    def test_word_that_is_no_command_and_no_file_is_wrong_usage(self, root: Path) -> None:
        with pytest.raises(UsageError, match="“trian” is neither a command nor a file"):
            parse(["trian"])
        terminal = FakeTerminal(root)
        assert main(["--frobnicate"], root, terminal) == 2
        assert terminal.ran == []

    @pytest.mark.parametrize("words", [["模型 1/best.safetensors"], ["demo"]])
    def test_window_opens_with_the_whole_paths_of_files(
        self, root: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
    ) -> None:
        model = root / "模型 1" / "best.safetensors"
        model.parent.mkdir()
        model.touch()
        monkeypatch.chdir(root)
        window = ModuleType("app.application")
        opened: list[tuple[list[str], bool]] = []
        window.__dict__["run_window"] = lambda paths, demo: opened.append((paths, demo)) or 0
        monkeypatch.setitem(sys.modules, "app.application", window)
        monkeypatch.setattr("app.bootstrap.parse", lambda argv: parse(argv, lambda: True))
        monkeypatch.setattr("app.bootstrap.missing_for_x11", lambda: None)
        monkeypatch.setattr(sys, "argv", ["pneumoscope", *words])
        assert console() == 0
        assert opened == [([], True) if words == ["demo"] else ([str(model)], False)]

    @pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a screen")
    def test_window_without_screen_says_how_to_run_headless(self, root: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-E", "-S", ROOT / "main.py"],
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            cwd=root,
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert "main.py demo" in done.stderr
        assert "main.py train DATA" in done.stderr

    def test_help_needs_the_standard_library_only(self, root: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-I", "-S", ROOT / "main.py", "--help"],
            capture_output=True,
            text=True,
            cwd=root,
        )
        assert (done.returncode, done.stderr) == (0, "")
        for command in ("demo", "check", "train", "evaluate", "predict", "test"):
            assert f"main.py {command}" in done.stdout


class TestSetUp:
    """A start where packages are missing."""

    def test_first_start_makes_venv_installs_and_goes_on_with_the_same_words(
        self, root: Path
    ) -> None:
        terminal = FakeTerminal(root)
        assert main(["--device-build", "cpu", "check", "a b.zip", "--json"], root, terminal) == 42
        assert terminal.verbs() == ["venv", "install"]
        assert terminal.ran[0][1:] == ["-m", "venv", str(root / ".venv")]
        assert terminal.ran[1][-2:] == [COMMON, CPU]
        python = str(root / ".venv" / "bin" / "python")
        assert terminal.became == [python, str(root / "main.py"), "check", "a b.zip", "--json"]

    def test_later_starts_go_straight_on_or_install_what_is_new(self, root: Path) -> None:
        main(["test"], root, FakeTerminal(root))
        terminal = FakeTerminal(root)
        assert main(["check"], root, terminal) == 42  # what the tests have, the program has too
        assert (terminal.ran, terminal.lines) == ([], [])
        (root / "pyproject.toml").write_text(PYPROJECT.replace("absent>=1", "absent>=1.5"))
        main(["test", "-x"], root, terminal)
        assert terminal.verbs() == ["install"]
        assert {"pneumoscope-absent>=1.5,<2", "pneumoscope-absent-test>=4"} <= {*terminal.ran[0]}
        assert terminal.became[-2:] == ["test", "-x"]

    def test_suitable_interpreter_installs_nothing(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("pneumoscope_absent", "pneumoscope_absent_test"):
            (root / f"{name}-4.dist-info").mkdir()
        monkeypatch.syspath_prepend(root)
        (root / "tests").mkdir()
        monkeypatch.chdir(root)
        monkeypatch.setenv("QT_QPA_PLATFORM", "")
        monkeypatch.delenv("QT_QPA_PLATFORM")
        terminal = FakeTerminal(root)
        assert main(["test", "-q"], root, terminal) == 42
        assert terminal.ran == []
        assert terminal.became == [sys.executable, "-m", "pytest", *PARALLEL, "-q"]
        assert os.environ["QT_QPA_PLATFORM"] == "offscreen"

    def test_real_project_is_installed_here(self) -> None:
        requirements = read_requirements(ROOT / "pyproject.toml", with_tests=True)
        assert is_installed(requirements, None)
        assert not is_installed(requirements, "gpu") or not is_installed(requirements, "cpu")

    def test_interrupted_set_up_ends_with_code_130_and_is_begun_anew(self, root: Path) -> None:
        def interrupted(command: list[str]) -> bool:
            if "install" in command:
                raise KeyboardInterrupt
            return False

        assert main(["check"], root, FakeTerminal(root, fails=interrupted)) == 130
        (root / ".venv" / "half").touch()
        again = FakeTerminal(root)
        assert main(["check"], root, again) == 42
        assert again.verbs() == ["venv", "install"]
        assert not (root / ".venv" / "half").exists()

    @pytest.mark.parametrize(
        "stamp", [None, "", "[]", '{"build": "cpu"}', '{"build": 1, "requirements": 2}']
    )
    def test_venv_in_doubt_is_made_anew(self, root: Path, stamp: str | None) -> None:
        main(["check"], root, FakeTerminal(root))
        if stamp is None:
            (root / ".venv" / "bin" / "python").unlink()
        else:
            (root / ".venv" / "pneumoscope.json").write_text(stamp)
        (root / ".venv" / "leftover").touch()
        terminal = FakeTerminal(root)
        assert main(["check"], root, terminal) == 42
        assert terminal.verbs() == ["venv", "install"]
        assert not (root / ".venv" / "leftover").exists()

    def test_real_venv_without_pip_is_recognised_and_made_anew(self, root: Path) -> None:
        class HalfReal(FakeTerminal):
            def read(self, command: Sequence[str | Path], timeout_s: float) -> tuple[int, str]:
                if "import pip" in command:
                    return Terminal().read(command, timeout_s)
                return super().read(command, timeout_s)

        main(["check"], root, FakeTerminal(root))
        (root / ".venv" / "bin" / "python").unlink()
        venv.create(root / ".venv", with_pip=False, symlinks=os.name != "nt")
        config = root / ".venv" / "pyvenv.cfg"
        assert config.exists()
        (root / "pyproject.toml").write_text(PYPROJECT.replace("absent>=1", "absent>=1.5"))
        terminal = HalfReal(root)
        assert main(["check"], root, terminal) == 42
        assert terminal.verbs() == ["venv", "install"]
        assert not config.exists()

    def test_what_prevents_the_set_up_is_one_line_with_the_remedy(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        terminal = FakeTerminal(root, fails=lambda command: "install" in command)
        assert main(["check"], root, terminal) == 1
        assert "Check the internet connection" in terminal.lines[-1]
        assert ".venv-setup.log" in terminal.lines[-1]
        assert terminal.became == []
        assert not installed(root)
        with monkeypatch.context() as patch:
            patch.setattr("app.bootstrap.environment.find_spec", lambda name: None)
            assert main(["check"], root, terminal) == 1
        assert "apt install python3-venv" in terminal.lines[-1]
        (root / ".venv-setup.lock").unlink()
        (root / ".venv-setup.lock").mkdir()
        assert main(["check"], root, terminal) == 1
        assert ".venv-setup.lock cannot be changed" in terminal.lines[-1]


class TestBuilds:
    """Paddle for processors or for graphics cards."""

    def test_driver_gets_the_newest_build_it_runs(self, root: Path) -> None:
        failed = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."
        for report, tag in {
            failed: None,
            smi("11.7"): None,
            smi("11.8"): "cu118",
            smi("12.5"): "cu118",
            smi("12.6"): "cu126",
            smi("12.8"): "cu126",
            smi("12.10"): "cu129",
            "| Driver Version: 590.1   CUDA UMD Version: 13.1 |": "cu129",
        }.items():
            assert choose_tag(FakeTerminal(root, smi=report), None) == tag, report

    def test_driver_decides_for_the_gpu_build_from_paddles_index(self, root: Path) -> None:
        terminal = FakeTerminal(root, smi=smi("12.6"))
        assert main(["check"], root, terminal) == 42
        assert terminal.verbs() == ["venv", "install"]
        words = terminal.ran[1]
        assert words[-2:] == [COMMON, GPU]
        assert words[words.index("--extra-index-url") + 1].endswith("/stable/cu126/")

    def test_user_who_insists_is_obeyed(self, root: Path) -> None:
        assert choose_tag(FakeTerminal(root, smi=smi("12.6")), "cpu") is None
        # Without a driver that answers, the build that asks least of it.
        assert choose_tag(FakeTerminal(root), "gpu") == "cu118"

    @pytest.mark.parametrize("trouble", ["index", "import"])
    def test_gpu_build_out_of_reach_or_that_does_not_load_gives_way_to_the_cpu_build_for_good(
        self, root: Path, trouble: str
    ) -> None:
        terminal = FakeTerminal(root, smi=smi("12.9"))
        if trouble == "index":
            terminal.fails = lambda command: GPU in command
        else:
            terminal.paddle = (1, "ImportError: libcuda.so.1: cannot open shared object file")
        assert main(["check"], root, terminal) == 42
        assert any("cu129/ cannot be used here" in line for line in terminal.lines)
        assert terminal.verbs() == ["venv", "install", "venv", "install"]
        assert installed(root) == {"build": "cpu", "requirements": [COMMON, CPU]}

        again = FakeTerminal(root, smi=smi("12.9"))
        main(["check"], root, again)
        assert again.ran == []

    def test_another_build_gets_a_new_environment(self, root: Path) -> None:
        main(["check"], root, FakeTerminal(root))
        terminal = FakeTerminal(root)
        main(["check", "--device-build", "gpu"], root, terminal)
        assert terminal.verbs() == ["trial", "venv", "install"]
        assert installed(root) == {"build": "gpu", "requirements": [COMMON, GPU]}

    def test_build_in_use_stays_where_the_other_cannot_be_had(self, root: Path) -> None:
        for first, second in (("cpu", "gpu"), ("gpu", "cpu")):
            main(["check", "--device-build", first], root, FakeTerminal(root))
            terminal = FakeTerminal(root, fails=lambda command: "--dry-run" in command)
            main(["check", "--device-build", second], root, terminal)
            assert "venv" not in terminal.verbs()
            assert installed(root)["build"] == first


class TestLock:
    """Two starts at once."""

    def test_second_start_waits_and_says_so(self, tmp_path: Path) -> None:
        terminal = FakeTerminal(tmp_path)
        path = tmp_path / "lock"

        def second() -> None:
            with only_one(path, terminal):
                pass

        with only_one(path, FakeTerminal(tmp_path)):
            waiting = threading.Thread(target=second)
            waiting.start()
            assert terminal.has_told.wait(20)
            assert waiting.is_alive()
        waiting.join()
        assert terminal.lines == ["Another start of PneumoScope is setting up; waiting for it."]

    def test_lock_of_a_killed_process_is_taken_over(self, tmp_path: Path) -> None:
        path = tmp_path / "lock"
        code = (
            "import sys; from pathlib import Path\n"
            "from app.bootstrap.environment import Terminal, only_one\n"
            "with only_one(Path(sys.argv[1]), Terminal()):\n"
            "    print('held', flush=True); sys.stdin.read()"
        )
        holder = subprocess.Popen(
            [sys.executable, "-c", code, path],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        with holder:
            assert holder.stdout is not None
            assert holder.stdout.readline().strip() == b"held"
            holder.kill()
        with only_one(path, FakeTerminal(tmp_path)):
            pass


class TestSystemLibraries:
    """What pip cannot install."""

    def test_import_error_of_a_library_names_the_packages(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reason = "cannot open shared object file: No such file or directory"
        message = str(missing_library(f"ImportError: libEGL.so.1: {reason}"))
        assert "libEGL.so.1 is missing" in message
        assert "apt install libgomp1 libglib2.0-0 libegl1" in message
        assert "`sudo apt install libgomp1`" in str(missing_library(f"libgomp.so.1: {reason}"))
        assert missing_library("ModuleNotFoundError: No module named 'numpy'") is None
        monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
        assert missing_for_x11() is None

    def test_library_missing_at_run_time_is_one_line(
        self, root: Path, headless: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def run(argv: list[str]) -> int:
            raise ImportError("libgomp.so.1: cannot open shared object file: No such file")

        headless.__dict__["run"] = run
        (root / "pneumoscope_absent-1.dist-info").mkdir()
        monkeypatch.syspath_prepend(root)
        terminal = FakeTerminal(root)
        assert main(["check", "x.zip"], root, terminal) == 1
        assert "libgomp.so.1 is missing" in terminal.lines[-1]


class FakeXcb:
    """libxcb with a server that answers, refuses, or does not answer at all."""

    def __init__(self, error: int, silence: threading.Event | None = None) -> None:
        # Functions, because they take declarations of their arguments.
        self.xcb_connection_has_error = lambda connection: error
        self.xcb_disconnect = lambda connection: None
        self.xcb_connect = lambda *asked: silence.wait() if silence else 1


class TestScreen:
    """A machine that may have a screen."""

    @pytest.fixture
    def no_screen(self, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
        """A machine of which nothing says that it has a screen."""
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(sys, "platform", "linux")
        return monkeypatch

    def test_drawing_that_nobody_sees_is_no_screen(self, no_screen: pytest.MonkeyPatch) -> None:
        no_screen.setenv("DISPLAY", ":0")
        no_screen.setenv("WAYLAND_DISPLAY", "wayland-0")
        for system in ("linux", "win32"):
            no_screen.setattr(sys, "platform", system)
            for platform in ("offscreen", "minimal", "minimalegl", "offscreen:a=b"):
                no_screen.setenv("QT_QPA_PLATFORM", platform)
                assert not find_screen()

    def test_screens_other_than_x11_are_believed(self, no_screen: pytest.MonkeyPatch) -> None:
        no_screen.setattr("ctypes.CDLL", lambda name: pytest.fail("X11 was asked"))
        for name, value in (("WAYLAND_DISPLAY", "wayland-0"), ("QT_QPA_PLATFORM", "eglfs")):
            with no_screen.context() as machine:
                machine.setenv(name, value)
                assert find_screen()

    def test_x11_server_is_a_screen_where_it_lets_us_in(
        self, no_screen: pytest.MonkeyPatch
    ) -> None:
        no_screen.setenv("DISPLAY", ":0")
        for platform in ("", "xcb"):
            no_screen.setenv("QT_QPA_PLATFORM", platform)
            for error, is_found in ((0, True), (1, False)):
                no_screen.setattr("ctypes.CDLL", lambda name, error=error: FakeXcb(error))
                assert find_screen() is is_found

    def test_x11_server_that_never_answers_is_no_screen(
        self, no_screen: pytest.MonkeyPatch
    ) -> None:
        silence = threading.Event()
        no_screen.setattr("ctypes.CDLL", lambda name: FakeXcb(0, silence))
        no_screen.setattr("app.bootstrap.screen._LIMIT_S", 0.0)
        no_screen.setenv("DISPLAY", "far.away:0")
        before = threading.enumerate()
        try:
            assert not find_screen()
        finally:
            silence.set()
            for thread in threading.enumerate():
                if thread not in before:
                    thread.join()

    def test_without_libxcb_the_display_is_believed(self, no_screen: pytest.MonkeyPatch) -> None:
        def missing(name: str) -> object:
            raise OSError(f"{name}: cannot open shared object file")

        no_screen.setattr("ctypes.CDLL", missing)
        no_screen.setenv("DISPLAY", ":0")
        assert find_screen()

    @pytest.mark.skipif(find_library("xcb") is None, reason="asks the real libxcb of X11")
    def test_display_of_a_session_that_ended_is_wrong_usage_and_no_abort(
        self, tmp_path: Path
    ) -> None:
        variables = ("WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "LC_ALL", "LANG")
        environment = {name: v for name, v in os.environ.items() if name not in variables}
        done = subprocess.run(
            [sys.executable, ROOT / "main.py"],
            env={**environment, "DISPLAY": f"unix:{tmp_path}/gone", "LANG": "C"},
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("There is no screen for the window.")


def test_help_needs_no_standard_output(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["--help"], tmp_path, FakeTerminal(tmp_path)) == 0
    sys.stdout.close()


def test_another_program_goes_on_without_standard_streams(
    monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    class RealBecome(FakeTerminal):
        become = Terminal.become

    class Became(Exception):
        pass

    def execv(program: str, words: list[str]) -> None:
        raise Became(words)

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "execv", execv)
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    with pytest.raises(Became, match="check"):
        main(["check"], root, RealBecome(root))
    sys.stdout.close()
    sys.stderr.close()


@pytest.fixture
def headless(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Takes the place of `app.cli.options`; its `run` is up to the test."""
    module = ModuleType("app.cli.options")
    monkeypatch.setitem(sys.modules, "app.cli.options", module)
    return module


def test_installed_program_hands_its_words_over_and_installs_nothing(
    headless: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["pneumoscope", "predict", "m.safetensors", "a.png"])
    seen: list[list[str]] = []
    headless.__dict__["run"] = lambda argv: seen.append(argv) or 7
    assert console() == 7
    assert seen == [["predict", "m.safetensors", "a.png"]]
