import pytest

from core.diagnostics import diagnose
from core.workspace import Workspace


def test_the_self_test_trains_and_reads(workspace: Workspace) -> None:
    *_, text = diagnose(workspace)
    assert isinstance(text, str)
    assert text.endswith("self-test passed")
    assert str(workspace.root) not in text


def test_a_self_test_that_fails_says_so_and_names_no_file(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("/home/somebody/secret.png")

    monkeypatch.setattr("core.diagnostics.load_dataset", fail)
    *_, text = diagnose(workspace)
    assert isinstance(text, str)
    assert text.endswith("self-test FAILED: OSError")
