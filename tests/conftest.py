"""How large networks are: as wide as they are in the tests of core, narrow where a window or a
command trains them and only has to save, show and read what came of it."""

import gc
import signal
from pathlib import Path

import pytest

from core.models import resnet, weights
from tests.core.training.narrow import make_narrow

TESTS = Path(__file__).parent
NARROW = (TESTS / "app", TESTS / "test_bad_inputs.py")
_WIDTHS = {
    (module, name): getattr(module, name)
    for module in (resnet, weights)
    for name in ("STEM_WIDTH", "STAGE_WIDTHS")
}

_REQUESTS_TO_END = {
    getattr(signal, name): answer
    for name, answer in (
        ("SIGINT", signal.default_int_handler),
        ("SIGTERM", signal.SIG_DFL),
        ("SIGHUP", signal.SIG_DFL),
    )
    if hasattr(signal, name)
}
_narrowed: list[Path] = []  # the file of the test before, if it had narrow networks


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture of the test: those of a session must be as narrow as the test.

    Requests to end are heard again: a shell ignores them for its background jobs, the program
    once it ends, and children inherit that.
    """
    for number, answer in _REQUESTS_TO_END.items():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, answer)
    if any(item.path.is_relative_to(place) for place in NARROW):
        make_narrow(setattr)
        _narrowed[:] = [item.path]
    elif _narrowed:
        _narrowed.clear()
        for (module, name), width in _WIDTHS.items():
            setattr(module, name, width)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Collect garbage where widgets live, once a test of the window has switched it off.

    Python's own collector may run in any thread; one that meets the remains of a widget there
    ends the process (see app/failures.py).
    """
    if gc.isenabled():
        return
    counts = gc.get_count()
    for generation, most in ((2, 30), (1, 10), (0, 700)):
        if counts[generation] > most:
            gc.collect(generation)
            return
