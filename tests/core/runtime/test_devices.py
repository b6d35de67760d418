import pytest

from core.errors import DeviceError
from core.runtime.devices import Device, choose_device, list_devices, precision_for

CPU = Device("cpu", "CPU", 8 << 30)
OLD_CARD = Device("gpu:0", "GTX 1080", 8 << 30, (6, 1))
NEW_CARD = Device("gpu:1", "H100", 80 << 30, (9, 0))


def test_the_device_asked_for_is_taken() -> None:
    for wanted, available, chosen in (
        ("auto", [CPU], CPU),
        ("auto", [CPU, OLD_CARD, NEW_CARD], OLD_CARD),
        ("cpu", [CPU, OLD_CARD], CPU),
        ("gpu", [CPU, OLD_CARD, NEW_CARD], OLD_CARD),
        ("gpu:1", [CPU, OLD_CARD, NEW_CARD], NEW_CARD),
    ):
        assert choose_device(wanted, available) is chosen


def test_a_device_that_is_not_there_is_refused_with_the_choice() -> None:
    for wanted in ("gpu", "gpu:0", "gpu:7", "tpu", ""):
        with pytest.raises(
            DeviceError, match=r"on this machine. Choose one of: auto, cpu, gpu:1.$"
        ):
            choose_device(wanted, [CPU, NEW_CARD])


def test_mixed_precision_needs_a_card_with_tensor_cores() -> None:
    for device, precision in (
        (CPU, "float32"),
        (OLD_CARD, "float32"),
        (NEW_CARD, "mixed"),
        (Device("gpu:0", "V100", 16 << 30, (7, 0)), "mixed"),
        (Device("gpu:0", "unknown", 16 << 30), "float32"),
        (Device("cpu", "odd", 1, (9, 0)), "float32"),
    ):
        assert precision_for(device) == precision


def test_the_cpu_is_listed_first_with_its_memory() -> None:
    devices = list_devices()
    assert devices[0].name == "cpu"
    assert not devices[0].is_gpu
    assert devices[0].memory_bytes > 1 << 28
    assert devices[0].description == "CPU"
    assert all(device.is_gpu for device in devices[1:])


def test_cards_are_listed_with_name_memory_and_capability(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.runtime.paddle import paddle

    class Card:
        name, total_memory, major, minor = "H100", 80 << 30, 9, 0

    monkeypatch.setattr(paddle, "is_compiled_with_cuda", lambda: True)
    monkeypatch.setattr(paddle.device.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(paddle.device.cuda, "get_device_properties", lambda _: Card)
    assert list_devices()[1:] == (
        Device("gpu:0", "H100", 80 << 30, (9, 0)),
        Device("gpu:1", "H100", 80 << 30, (9, 0)),
    )
