"""Set-up and command line, with other programs replaced at the process boundary."""

import os
import subprocess
import sys
import threading
import venv
from collections.abc import Callable, Sequence
from ctypes.util import find_library
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from app.bootstrap import gpu
from app.bootstrap.arguments import Arguments, parse
from app.bootstrap.commands import ROOT, console, main
from app.bootstrap.environment import Environment, Stamp
from app.bootstrap.errors import UsageError
from app.bootstrap.lock import only_one
from app.bootstrap.requirements import module_of, read_requirements
from app.bootstrap.screen import find_screen
from app.bootstrap.system_libraries import missing_for_x11, missing_library
from app.bootstrap.terminal import Terminal

PYPROJECT = """\
[project]
name = "fake"
dependencies = ["pneumoscope-absent>=1,<2"]

[project.optional-dependencies]
cpu = ["paddlepaddle>=3"]
gpu = ["paddlepaddle-gpu>=3"]
test = ["pneumoscope-absent-test>=4"]
"""
NO_MODULE = (1, "ModuleNotFoundError: No module named 'paddle'")


class FakeTerminal(Terminal):
    """Records what would run; a fake venv and pip leave the files that real ones leave."""

    def __init__(
        self,
        root: Path,
        fails: Callable[[list[str]], bool] = lambda command: False,
        smi: str = "",
        probes: Sequence[tuple[int, str]] = (),
    ) -> None:
        self.root = root
        self.fails = fails
        self.smi = smi
        self.probes = list(probes)
        self.lines: list[str] = []
        self.ran: list[list[str]] = []
        self.became: list[str] = []

    def tell(self, line: str) -> None:
        self.lines.append(line)

    def run(self, command: Sequence[str | Path]) -> int:
        words = [str(word) for word in command]
        self.ran.append(words)
        if self.fails(words):
            return 1
        packages = self.root / ".venv" / "lib" / "python3.11" / "site-packages"
        if "venv" in words:
            python = self.root / ".venv" / "bin" / "python"
            python.parent.mkdir(parents=True)
            python.touch()
        elif "install" in words and "--dry-run" not in words:
            for name in ("paddlepaddle", "paddlepaddle-gpu"):
                if f"{name}>=3" in words:
                    record = packages / f"{name.replace('-', '_')}-3.3.1.dist-info"
                    record.mkdir(parents=True, exist_ok=True)
                    (record / "RECORD").touch()
        elif "uninstall" in words:
            for record in packages.glob("paddlepaddle*.dist-info"):
                (record / "RECORD").unlink()
                record.rmdir()
        return 0

    def read(self, command: Sequence[str | Path], timeout_s: float) -> tuple[int, str]:
        words = [str(word) for word in command]
        if words[0].endswith("nvidia-smi"):
            return 0, self.smi
        if "sys.version_info" in words[2]:
            return (0, "") if Path(words[0]).exists() else (127, "no such file")
        return self.probes.pop(0) if self.probes else (0, "")

    def become(self, command: Sequence[str | Path]) -> int:
        self.became = [str(word) for word in command]
        return 42

    def installs(self) -> list[list[str]]:
        return [words for words in self.ran if "install" in words]


PARALLEL = ("-n", "auto", "--dist", "loadfile")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project nobody has set up, on a machine without uv and nvidia-smi."""
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    monkeypatch.setenv("LANG", "C")
    monkeypatch.delenv("LC_ALL", raising=False)
    return tmp_path


@pytest.fixture
def driver(root: Path) -> None:
    """Makes `nvidia-smi` be found on PATH."""
    program = root / "programs" / "nvidia-smi"
    program.parent.mkdir()
    program.touch(mode=0o755)


def smi(version: str) -> str:
    return f"| NVIDIA-SMI 550.54.15   Driver Version: 550.54.15   CUDA Version: {version}  |"


# --- the command line


@pytest.mark.parametrize(
    ("argv", "screen", "face"),
    [
        ([], True, "window"),
        (["demo"], True, "window"),
        (["demo"], False, "headless"),
        (["demo", "--out", "x"], True, "headless"),
        (["train", "data.zip"], True, "headless"),
        (["check", "--help"], False, "headless"),
        (["test", "-k", "lock"], False, "test"),
        (["-h"], False, "help"),
        (["--help"], True, "help"),
    ],
)
def test_first_word_and_screen_choose_the_face(argv: list[str], screen: bool, face: str) -> None:
    assert parse(argv, lambda: screen).face == face


@pytest.mark.parametrize(
    "argv",
    [
        ["--device-build", "gpu", "check", "a b.zip"],
        ["check", "--device-build=gpu", "a b.zip"],
        ["check", "a b.zip", "--device-build", "gpu"],
    ],
)
def test_device_build_is_taken_out_wherever_it_stands(argv: list[str]) -> None:
    assert parse(argv, lambda: True) == Arguments("headless", ("check", "a b.zip"), "gpu")


@pytest.mark.parametrize("argv", [["--device-build", "tpu"], ["demo", "--device-build"]])
def test_unknown_device_build_is_wrong_usage(argv: list[str]) -> None:
    with pytest.raises(UsageError, match="takes cpu or gpu"):
        parse(argv, lambda: True)


@pytest.mark.parametrize("argv", [["check"], ["demo", "--out", "x"], ["test"], ["--help"]])
def test_nobody_looks_for_a_screen_where_no_window_is_wanted(argv: list[str]) -> None:
    def look() -> bool:
        pytest.fail("looking can take seconds")

    assert parse(argv, look).face != "window"


def test_dropped_paths_open_in_the_window(tmp_path: Path) -> None:
    asked = parse([str(tmp_path)], lambda: True)
    assert (asked.face, asked.paths, asked.is_demo) == ("window", [str(tmp_path)], False)


def test_paths_are_whole_wherever_they_were_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "模型 1" / "best.safetensors"
    model.parent.mkdir()
    model.touch()
    monkeypatch.chdir(tmp_path)
    asked = parse(["模型 1/best.safetensors"], lambda: True)
    assert asked.paths == [str(model)]
    assert asked.words == ("模型 1/best.safetensors",)


def test_demo_is_no_path() -> None:
    assert parse(["demo"], lambda: True).paths == []


def test_word_that_is_no_command_and_no_file_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="“trian” is neither a command nor a file"):
        parse(["trian"], lambda: True)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a screen")
def test_window_without_screen_says_how_to_run_headless(root: Path) -> None:
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-E", "-S", ROOT / "main.py"],
        env=environment,
        capture_output=True,
        text=True,
        cwd=root,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "main.py demo" in done.stderr
    assert "main.py train DATA" in done.stderr


def test_help_needs_the_standard_library_only(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", ROOT / "main.py", "--help"],
        capture_output=True,
        text=True,
        cwd=root,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for command in ("demo", "check", "train", "evaluate", "predict", "test"):
        assert f"main.py {command}" in done.stdout


def test_wrong_usage_ends_with_code_2_and_runs_nothing(root: Path) -> None:
    terminal = FakeTerminal(root)
    assert main(["--frobnicate"], root, terminal) == 2
    assert terminal.ran == []


# --- the first start


def test_first_start_makes_venv_installs_and_goes_on_with_the_same_words(root: Path) -> None:
    terminal = FakeTerminal(root)
    assert main(["--device-build", "cpu", "check", "a b.zip", "--json"], root, terminal) == 42
    assert terminal.ran[0][1:] == ["-m", "venv", str(root / ".venv")]
    assert terminal.installs()[0][-2:] == ["pneumoscope-absent>=1,<2", "paddlepaddle>=3"]
    python = str(root / ".venv" / "bin" / "python")
    assert terminal.became == [python, str(root / "main.py"), "check", "a b.zip", "--json"]


def test_second_start_goes_straight_on(root: Path) -> None:
    main(["check"], root, FakeTerminal(root))
    second = FakeTerminal(root)
    assert main(["check"], root, second) == 42
    assert (second.ran, second.lines) == ([], [])


def test_command_test_installs_the_test_extra_too(root: Path) -> None:
    main(["check"], root, FakeTerminal(root))
    terminal = FakeTerminal(root)
    main(["test", "-x"], root, terminal)
    assert "pneumoscope-absent-test>=4" in terminal.installs()[0]
    assert terminal.became[-2:] == ["test", "-x"]


def test_set_up_for_tests_serves_the_program(root: Path) -> None:
    main(["test"], root, FakeTerminal(root))
    terminal = FakeTerminal(root)
    main(["check"], root, terminal)
    assert terminal.ran == []


def test_changed_requirement_is_installed(root: Path) -> None:
    main(["check"], root, FakeTerminal(root))
    (root / "pyproject.toml").write_text(PYPROJECT.replace("absent>=1", "absent>=1.5"))
    terminal = FakeTerminal(root)
    main(["check"], root, terminal)
    assert "pneumoscope-absent>=1.5,<2" in terminal.installs()[0]


def test_suitable_interpreter_installs_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("pneumoscope_absent", "pneumoscope_absent_test"):
        (root / f"{module}.py").touch()
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


# --- interrupted and damaged


def test_interrupted_set_up_ends_with_code_130_and_is_taken_up_again(root: Path) -> None:
    def interrupted(command: list[str]) -> bool:
        if "install" in command:
            raise KeyboardInterrupt
        return False

    assert main(["check"], root, FakeTerminal(root, fails=interrupted)) == 130
    assert Environment(root, FakeTerminal(root)).stamp() is None

    again = FakeTerminal(root)
    assert main(["check"], root, again) == 42
    assert [words for words in again.ran if "venv" in words] == []
    assert len(again.installs()) == 1


def test_package_cut_off_half_way_is_not_taken_for_installed(root: Path) -> None:
    packages = root / ".venv" / "lib" / "python3.11" / "site-packages"
    cut_off = packages / "numpy-2.4.0.dist-info"
    whole = packages / "pillow-13.0.0.dist-info"
    for record in (cut_off, whole):
        record.mkdir(parents=True)
        (record / "METADATA").touch()
    (whole / "RECORD").touch()
    python = root / ".venv" / "bin" / "python"
    python.parent.mkdir()
    python.touch()
    main(["check"], root, FakeTerminal(root))
    assert not cut_off.exists()
    assert whole.exists()


def test_venv_whose_python_does_not_run_is_made_anew(root: Path) -> None:
    main(["check"], root, FakeTerminal(root))
    (root / ".venv" / "bin" / "python").unlink()
    (root / ".venv" / "leftover").touch()
    terminal = FakeTerminal(root)
    assert main(["check"], root, terminal) == 42
    assert "is damaged: making it anew" in terminal.lines[1]
    assert not (root / ".venv" / "leftover").exists()


def test_packages_that_do_not_load_after_repair_are_made_anew_once(root: Path) -> None:
    main(["check"], root, FakeTerminal(root))
    (root / ".venv" / "pneumoscope.json").unlink()
    terminal = FakeTerminal(root, probes=[NO_MODULE, NO_MODULE])
    assert main(["check"], root, terminal) == 1
    assert len([words for words in terminal.ran if "venv" in words]) == 1
    assert len(terminal.installs()) == 2
    assert "do not load (ModuleNotFoundError: No module named 'paddle')" in terminal.lines[-1]


@pytest.mark.parametrize(
    "content", ["", "[]", '{"build": "cpu"}', '{"build": 1, "requirements": 2}']
)
def test_damaged_stamp_counts_as_none(root: Path, content: str) -> None:
    (root / ".venv").mkdir()
    (root / ".venv" / "pneumoscope.json").write_text(content)
    assert Environment(root, FakeTerminal(root)).stamp() is None


def test_real_venv_without_pip_is_recognised_and_made_anew(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class HalfReal(FakeTerminal):
        def read(self, command: Sequence[str | Path], timeout_s: float) -> tuple[int, str]:
            if "sys.version_info" in str(command[2]):
                return Terminal().read(command, timeout_s)
            return super().read(command, timeout_s)

    venv.create(root / ".venv", with_pip=False, symlinks=os.name != "nt")
    config = root / ".venv" / "pyvenv.cfg"
    assert config.exists()
    terminal = HalfReal(root)
    assert main(["check"], root, terminal) == 42
    assert "venv" in terminal.ran[0]
    assert not config.exists()


# --- refusals


def test_failed_download_is_one_line_with_the_remedy(root: Path) -> None:
    terminal = FakeTerminal(root, fails=lambda command: "install" in command)
    assert main(["check"], root, terminal) == 1
    assert "Check the internet connection" in terminal.lines[-1]
    assert ".venv-setup.log" in terminal.lines[-1]
    assert terminal.became == []


def test_failed_set_up_leaves_no_stamp(root: Path) -> None:
    main(["check"], root, FakeTerminal(root, fails=lambda command: "install" in command))
    assert Environment(root, FakeTerminal(root)).stamp() is None


def test_python_without_ensurepip_names_the_debian_package(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.bootstrap.installer.find_spec", lambda name: None)
    terminal = FakeTerminal(root)
    assert main(["check"], root, terminal) == 1
    assert "apt install python3-venv" in terminal.lines[-1]


def test_folder_that_may_not_be_written_is_one_line(root: Path) -> None:
    (root / ".venv-setup.lock").mkdir()
    terminal = FakeTerminal(root)
    assert main(["check"], root, terminal) == 1
    assert ".venv-setup.lock cannot be changed" in terminal.lines[-1]


def test_missing_system_library_names_the_packages(root: Path) -> None:
    output = "ImportError: libEGL.so.1: cannot open shared object file: No such file or directory"
    terminal = FakeTerminal(root, probes=[(1, output)])
    assert main(["check"], root, terminal) == 1
    assert "libEGL.so.1 is missing" in terminal.lines[-1]
    assert "apt install libgomp1 libglib2.0-0 libegl1" in terminal.lines[-1]


def test_missing_openmp_asks_for_its_package_alone() -> None:
    message = missing_library("libgomp.so.1: cannot open shared object file: No such file")
    assert message is not None
    assert "`sudo apt install libgomp1`" in str(message)


def test_other_import_errors_are_not_about_system_libraries() -> None:
    assert missing_library("ModuleNotFoundError: No module named 'numpy'") is None


def test_x11_libraries_do_not_matter_offscreen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert missing_for_x11() is None


# --- the GPU build


@pytest.mark.parametrize(
    ("cuda", "tag"),
    [
        (None, None),
        ((11, 7), None),
        ((11, 8), "cu118"),
        ((12, 0), "cu118"),
        ((12, 5), "cu118"),
        ((12, 6), "cu126"),
        ((12, 8), "cu126"),
        ((12, 9), "cu129"),
        ((12, 10), "cu129"),
        ((13, 0), "cu129"),
    ],
)
def test_driver_gets_the_newest_build_it_runs(cuda: tuple[int, int] | None, tag: str) -> None:
    assert gpu.tag_for(cuda) == tag


@pytest.mark.parametrize(
    ("report", "version"),
    [
        (smi("12.4"), (12, 4)),
        ("| Driver Version: 590.1   CUDA UMD Version: 13.1 |", (13, 1)),
        ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", None),
    ],
)
def test_cuda_version_is_read_from_nvidia_smi(report: str, version: tuple[int, int] | None) -> None:
    assert gpu.cuda_version(report) == version


@pytest.mark.usefixtures("driver")
def test_driver_decides_for_the_gpu_build_from_paddles_index(root: Path) -> None:
    terminal = FakeTerminal(root, smi=smi("12.6"))
    assert main(["check"], root, terminal) == 42
    common, gpu_only = terminal.installs()
    assert common[-1] == "pneumoscope-absent>=1,<2"
    assert "--extra-index-url" not in common
    assert gpu_only[-1] == "paddlepaddle-gpu>=3"
    assert gpu_only[gpu_only.index("--extra-index-url") + 1].endswith("/stable/cu126/")


@pytest.mark.usefixtures("driver")
def test_cpu_is_kept_where_the_user_insists(root: Path) -> None:
    terminal = FakeTerminal(root, smi=smi("12.6"))
    main(["--device-build", "cpu", "check"], root, terminal)
    assert "paddlepaddle-gpu>=3" not in terminal.installs()[0]


def test_insisting_on_gpu_without_a_driver_takes_the_oldest_build(root: Path) -> None:
    terminal = FakeTerminal(root)
    main(["--device-build", "gpu", "check"], root, terminal)
    assert any("/cu118/" in word for word in terminal.installs()[1])


@pytest.mark.usefixtures("driver")
def test_index_out_of_reach_falls_back_to_the_cpu_build_with_a_line(root: Path) -> None:
    terminal = FakeTerminal(
        root, smi=smi("12.9"), fails=lambda command: "paddlepaddle-gpu>=3" in command
    )
    assert main(["check"], root, terminal) == 42
    assert any("cu129/ cannot be used here" in line for line in terminal.lines)
    stamp = Environment(root, terminal).stamp()
    assert stamp == Stamp("cpu", ("pneumoscope-absent>=1,<2", "paddlepaddle>=3"))


@pytest.mark.usefixtures("driver")
def test_gpu_build_that_does_not_load_gives_way_to_the_cpu_build(root: Path) -> None:
    libcuda = (1, "ImportError: libcuda.so.1: cannot open shared object file: No such file")
    terminal = FakeTerminal(root, smi=smi("12.9"), probes=[libcuda])
    assert main(["check"], root, terminal) == 42
    packages = root / ".venv" / "lib" / "python3.11" / "site-packages"
    assert [path.name for path in packages.iterdir()] == ["paddlepaddle-3.3.1.dist-info"]


@pytest.mark.usefixtures("driver")
def test_fallback_is_not_tried_again_at_each_start(root: Path) -> None:
    no_index = lambda command: "paddlepaddle-gpu>=3" in command  # noqa: E731
    main(["check"], root, FakeTerminal(root, smi=smi("12.9"), fails=no_index))
    terminal = FakeTerminal(root, smi=smi("12.9"))
    main(["check"], root, terminal)
    assert terminal.ran == []


def test_changing_the_build_removes_the_other_first(root: Path) -> None:
    main(["check"], root, FakeTerminal(root))
    terminal = FakeTerminal(root)
    main(["check", "--device-build", "gpu"], root, terminal)
    verbs = [next(word for word in words if "install" in word) for words in terminal.ran]
    assert verbs == ["install", "install", "uninstall", "install"]
    packages = root / ".venv" / "lib" / "python3.11" / "site-packages"
    assert [path.name for path in packages.iterdir()] == ["paddlepaddle_gpu-3.3.1.dist-info"]


@pytest.mark.parametrize(("first", "second"), [("cpu", "gpu"), ("gpu", "cpu")])
def test_build_in_use_stays_where_the_other_cannot_be_had(
    root: Path, first: str, second: str
) -> None:
    main(["check", "--device-build", first], root, FakeTerminal(root))
    packages = root / ".venv" / "lib" / "python3.11" / "site-packages"
    before = list(packages.iterdir())
    terminal = FakeTerminal(root, fails=lambda command: "--dry-run" in command)
    main(["check", "--device-build", second], root, terminal)
    assert list(packages.iterdir()) == before
    assert [words for words in terminal.ran if "uninstall" in words] == []


# --- two starts at once


def test_second_start_waits_and_says_so(tmp_path: Path) -> None:
    terminal = FakeTerminal(tmp_path)
    path = tmp_path / "lock"
    first = only_one(path, terminal)
    first.__enter__()
    with only_one(path, terminal, pause=lambda seconds: first.__exit__(None, None, None)):
        assert terminal.lines == ["Another start of PneumoScope is setting up; waiting for it."]


def test_lock_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import sys; from pathlib import Path; from app.bootstrap.lock import only_one\n"
        "from app.bootstrap.terminal import Terminal\n"
        "with only_one(Path(sys.argv[1]), Terminal()): print('held', flush=True); sys.stdin.read()"
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
        terminal = FakeTerminal(tmp_path)
        with only_one(path, terminal, pause=lambda seconds: holder.kill()):
            assert len(terminal.lines) == 1


# --- requirements


def test_modules_of_the_real_project_are_all_found_here() -> None:
    requirements = read_requirements(ROOT / "pyproject.toml", with_tests=True)
    assert [name for name in requirements.modules() if find_spec(name) is None] == []


def test_unmapped_requirement_is_imported_under_its_own_name() -> None:
    assert module_of("Some-Reader>=3,<4; sys_platform != 'win32'") == "some_reader"


def test_gdcm_is_imported_under_the_name_of_its_module() -> None:
    assert module_of("python-gdcm>=3,<4; sys_platform != 'win32'") == "gdcm"


# --- the screen


@pytest.fixture
def no_screen(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine of which nothing says that it has a screen."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    return monkeypatch


class FakeXcb:
    """libxcb with a server that answers, refuses, or does not answer at all."""

    def __init__(self, error: int, silence: threading.Event | None = None) -> None:
        self.xcb_connection_has_error = Function(lambda connection: error)
        self.xcb_disconnect = Function(lambda connection: None)
        self.xcb_connect = Function(lambda *asked: silence.wait() if silence else 1)


class Function:
    """One of a library's functions, which takes declarations."""

    def __init__(self, call: Callable[..., object]) -> None:
        self.call = call

    def __call__(self, *given: object) -> object:
        return self.call(*given)


@pytest.mark.parametrize("variable", ["offscreen", "minimal", "minimalegl", "offscreen:a=b"])
@pytest.mark.parametrize("system", ["linux", "win32"])
def test_drawing_that_nobody_sees_is_no_screen(
    no_screen: pytest.MonkeyPatch, variable: str, system: str
) -> None:
    no_screen.setattr(sys, "platform", system)
    no_screen.setenv("DISPLAY", ":0")
    no_screen.setenv("WAYLAND_DISPLAY", "wayland-0")
    no_screen.setenv("QT_QPA_PLATFORM", variable)
    assert not find_screen()


@pytest.mark.parametrize(
    "variables", [{"WAYLAND_DISPLAY": "wayland-0"}, {"QT_QPA_PLATFORM": "eglfs"}]
)
def test_screens_other_than_x11_are_believed(
    no_screen: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    no_screen.setattr("ctypes.CDLL", lambda name: pytest.fail("X11 was asked"))
    for name, value in variables.items():
        no_screen.setenv(name, value)
    assert find_screen()


@pytest.mark.parametrize("platform", ["", "xcb"])
@pytest.mark.parametrize(("error", "found"), [(0, True), (1, False)])
def test_x11_server_is_a_screen_where_it_lets_us_in(
    no_screen: pytest.MonkeyPatch, platform: str, error: int, found: bool
) -> None:
    no_screen.setattr("ctypes.CDLL", lambda name: FakeXcb(error))
    no_screen.setenv("DISPLAY", ":0")
    no_screen.setenv("QT_QPA_PLATFORM", platform)
    assert find_screen() is found


def test_x11_server_that_never_answers_is_no_screen(no_screen: pytest.MonkeyPatch) -> None:
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


def test_without_libxcb_the_display_is_believed(no_screen: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise OSError(f"{name}: cannot open shared object file")

    no_screen.setattr("ctypes.CDLL", missing)
    no_screen.setenv("DISPLAY", ":0")
    assert find_screen()


@pytest.mark.skipif(find_library("xcb") is None, reason="asks the real libxcb of X11")
def test_display_of_a_session_that_ended_is_wrong_usage_and_no_abort(tmp_path: Path) -> None:
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


# --- streams that are not there


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


# --- once the packages are there


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


def test_library_missing_at_run_time_is_one_line_too(
    root: Path, headless: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(argv: list[str]) -> int:
        raise ImportError("libgomp.so.1: cannot open shared object file: No such file")

    headless.__dict__["run"] = run
    for module in ("pneumoscope_absent", "paddle"):
        (root / f"{module}.py").touch()
    monkeypatch.syspath_prepend(root)
    terminal = FakeTerminal(root)
    assert main(["check", "x.zip"], root, terminal) == 1
    assert "libgomp.so.1 is missing" in terminal.lines[-1]
