"""Share how the tests of the simulation look at a refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.simulation.answers import STATUSES


def check_refused(code: str, method: Callable[..., object], **arguments: Any) -> None:
    """Assert that a call is refused with the code, and the status that belongs to it."""
    with pytest.raises(ClientError) as caught:
        method(**arguments)
    response = caught.value.response
    assert response["Error"]["Code"] == code
    assert response["ResponseMetadata"]["HTTPStatusCode"] == STATUSES[code]
