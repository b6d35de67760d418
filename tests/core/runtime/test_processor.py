import ctypes
import os
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.runtime import threads as processor_threads
from core.runtime.threads import (
    KEEP_BYTES,
    M_ARENA_MAX,
    M_MMAP_MAX,
    M_MMAP_THRESHOLD,
    M_TRIM_THRESHOLD,
    keep_freed_memory,
    mkl_path,
    physical_core_count,
    processor_variables,
    read_cpu_info,
    thread_count,
    tune_process,
    windows_flags,
)

AVX2 = frozenset({"avx", "avx2", "fma"})
AVX512 = AVX2 | {"avx512f", "avx512dq", "avx512bw", "avx512vl"}


def test_mkl_is_opened_only_on_amd_with_the_instructions() -> None:
    for vendor, flags, path in (
        ("AuthenticAMD", AVX512, "7"),
        ("HygonGenuine", AVX512, "7"),
        ("AuthenticAMD", AVX512 - {"avx512vl"}, "5"),
        ("AuthenticAMD", AVX2, "5"),
        ("AuthenticAMD", frozenset({"avx2"}), None),
        ("AuthenticAMD", frozenset({"fma"}), None),
        ("AuthenticAMD", frozenset(), None),
        ("GenuineIntel", AVX512, None),
        ("", AVX512, None),
        ("", frozenset(), None),
    ):
        assert mkl_path(vendor, flags) == path, (vendor, flags)


def test_a_larger_machine_keeps_a_core_for_the_window() -> None:
    assert [thread_count(cores) for cores in (1, 2, 3, 4, 64)] == [1, 2, 2, 3, 63]


def test_what_the_user_set_is_never_overwritten() -> None:
    for environment, added in (
        ({}, {"OMP_NUM_THREADS": "7", "MKL_DEBUG_CPU_TYPE": "5"}),
        ({"OMP_NUM_THREADS": "1"}, {"MKL_DEBUG_CPU_TYPE": "5"}),
        ({"MKL_DEBUG_CPU_TYPE": ""}, {"OMP_NUM_THREADS": "7"}),
        ({"OMP_NUM_THREADS": "", "MKL_DEBUG_CPU_TYPE": "4"}, {}),
    ):
        assert processor_variables(environment, "AuthenticAMD", AVX2, cores=8) == added


def test_nothing_is_said_to_mkl_on_intel() -> None:
    assert processor_variables({}, "GenuineIntel", AVX512, cores=2) == {"OMP_NUM_THREADS": "2"}


def test_amd_without_the_fast_path_keeps_one_thread() -> None:
    added = processor_variables({}, "AuthenticAMD", frozenset(), cores=8)
    assert added == {"OMP_NUM_THREADS": "1"}


def test_windows_tells_the_instructions_feature_by_feature() -> None:
    for none in (set[int](), {10, 39}):
        assert windows_flags(none.__contains__) == set()
    for some in ({40}, {41}, {40, 41}):
        assert windows_flags(some.__contains__) == {"avx2", "fma"}


@pytest.mark.parametrize(
    ("told", "path"),
    [
        ("AMD64 Family 25 Model 33 Stepping 0, AuthenticAMD", "5"),
        ("Intel64 Family 6 Model 158 Stepping 10, GenuineIntel", None),
    ],
)
def test_windows_opens_the_fast_path_on_amd_alone(
    told: str, path: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Kernel:
        def IsProcessorFeaturePresent(self, feature: int) -> int:
            return int(feature in (40, 41))

    libraries = {"kernel32": Kernel()}
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(processor_threads.platform, "processor", lambda: told)
    monkeypatch.setattr(ctypes, "WinDLL", libraries.__getitem__, raising=False)
    assert read_cpu_info(tmp_path / "missing")[1] == {"avx2", "fma"}
    assert mkl_path(*read_cpu_info(tmp_path / "missing")) == path


def test_the_list_of_an_amd_processor_is_read(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    core = "processor\t: {}\nvendor_id\t: AuthenticAMD\nflags\t\t: fpu avx2 fma\nbugs\t\t: none\n\n"
    path.write_text(core.format(0) + core.format(1))
    assert read_cpu_info(path) == ("AuthenticAMD", frozenset({"fpu", "avx2", "fma"}))


def test_an_arm_list_without_vendor_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n")
    assert read_cpu_info(path) == ("", frozenset())
    assert mkl_path(*read_cpu_info(path)) is None


@pytest.mark.parametrize(
    ("told", "vendor"),
    [
        ("AMD64 Family 25 Model 33 Stepping 0, AuthenticAMD", "AuthenticAMD"),
        ("arm", "arm"),
        ("", ""),
    ],
)
def test_without_a_list_the_system_tells_a_vendor_but_no_flags(
    told: str, vendor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor_threads.platform, "processor", lambda: told)
    assert read_cpu_info(tmp_path / "missing") == (vendor, frozenset())
    assert mkl_path(*read_cpu_info(tmp_path / "missing")) is None


@pytest.mark.parametrize(
    ("physical", "logical", "allowed", "cores"),
    [(8, 16, 16, 8), (8, 16, 2, 2), (None, 4, 4, 4), (None, None, 1, 1)],
)
def test_cores_are_physical_and_those_we_may_use(
    physical: int | None,
    logical: int | None,
    allowed: int,
    cores: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(psutil, "cpu_count", lambda logical: physical)
    monkeypatch.setattr(os, "cpu_count", lambda: logical)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(allowed)), raising=False)
    assert physical_core_count() == cores


class FakeLibrary:
    """A C library whose mallopt refuses some parameters."""

    def __init__(self, refused: set[int]) -> None:
        self.refused = refused
        self.calls: list[tuple[int, int]] = []

    def mallopt(self, parameter: int, value: int) -> int:
        self.calls.append((parameter, value))
        return int(parameter not in self.refused)


@pytest.mark.parametrize(
    ("platform", "refused", "kept", "calls"),
    [
        (
            "linux",
            set(),
            True,
            [(M_MMAP_THRESHOLD, KEEP_BYTES), (M_TRIM_THRESHOLD, KEEP_BYTES), (M_ARENA_MAX, 1)],
        ),
        (
            "linux",
            {M_MMAP_THRESHOLD},
            True,
            [
                (M_MMAP_THRESHOLD, KEEP_BYTES),
                (M_MMAP_MAX, 0),
                (M_TRIM_THRESHOLD, KEEP_BYTES),
                (M_ARENA_MAX, 1),
            ],
        ),
        ("darwin", set(), False, []),
        ("win32", set(), False, []),
    ],
)
def test_big_blocks_are_kept_on_linux_alone(
    platform: str,
    refused: set[int],
    kept: bool,
    calls: list[tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library = FakeLibrary(refused)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    assert keep_freed_memory() is kept
    assert library.calls == calls


@pytest.mark.parametrize("function", [keep_freed_memory, processor_threads.release_freed_memory])
def test_a_c_library_without_these_calls_is_left_alone(
    function: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert not function()


def test_all_settings_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    library = FakeLibrary(set())
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    monkeypatch.setattr(processor_threads, "read_cpu_info", lambda: ("AuthenticAMD", AVX512))
    monkeypatch.setattr(processor_threads, "physical_core_count", lambda: 6)
    environment = {"HOME": "/", "OMP_NUM_THREADS": "3"}
    tune_process(environment)
    assert environment == {"HOME": "/", "OMP_NUM_THREADS": "3", "MKL_DEBUG_CPU_TYPE": "7"}
    assert len(library.calls) == 3
