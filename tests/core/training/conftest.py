from collections.abc import Iterator

import pytest

from tests.core.training.narrow import make_narrow


@pytest.fixture(scope="module")
def narrow_network() -> Iterator[None]:
    """ResNet-18 with an eighth of its channels: what is tested is the loop around it."""
    with pytest.MonkeyPatch.context() as patch:
        make_narrow(patch.setattr)
        yield
