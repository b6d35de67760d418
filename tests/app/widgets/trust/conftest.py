import gettext
from collections.abc import Iterator

import pytest

from app import resources, translation


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    translation._Active.catalogue = gettext.NullTranslations()
    yield
    translation.set_language("en")


@pytest.fixture
def colours() -> dict[str, str]:
    return resources.colours("dark")
