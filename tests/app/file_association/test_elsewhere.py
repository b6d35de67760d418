import sys

import pytest

from app.file_association import FileAssociationError, association


def test_macos_says_in_words_what_to_do_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    mac = association()
    assert not mac.is_registered()
    with pytest.raises(FileAssociationError, match=r"Drop the model file on the window, or open"):
        mac.register()
    mac.unregister()
