"""What the tests of rehearsals share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailproxy.capture.bodies import BodyStore


@pytest.fixture
def store() -> Iterator[BodyStore]:
    with BodyStore() as made:
        yield made
