"""A world on each kind of database, kept for all schedules of this folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import KINDS, make_settings

if TYPE_CHECKING:
    from tests.torture.world import World


@pytest.fixture(scope="module", params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator["World"]:
    """The product with its stand-in for Stripe, in which one schedule after another is played."""
    from tests.torture.world import World

    folder: Path = tmp_path_factory.mktemp("torture")
    with request.getfixturevalue(f"{request.param}_copies").fresh(folder) as url:
        made = World(make_settings(data_dir=folder, database_url=url, pauses=True))
        yield made
        made.close()
