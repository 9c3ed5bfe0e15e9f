"""Lose no setting of a key group that boto3 does not know, but revoke in any case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.unknown import UNKNOWN
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.steps import Action, Step, take
from tests.rotation import Site


@pytest.fixture
def add_novelty(key_group: Site, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what sets something in the key group that boto3 does not know."""
    api = key_group.account.api
    get, update = api.get_key_group, api.update_key_group

    def get_with_novelty(*, Id: str) -> dict[str, Any]:
        answer: dict[str, Any] = get(Id=Id)
        answer["KeyGroup"]["KeyGroupConfig"] |= {"Novelty": UNKNOWN}
        return answer

    def refuse_what_boto3_refuses(**arguments: Any) -> object:
        assert "Novelty" not in arguments["KeyGroupConfig"]
        return update(**arguments)

    def add() -> None:
        monkeypatch.setattr(api, "get_key_group", get_with_novelty)
        monkeypatch.setattr(api, "update_key_group", refuse_what_boto3_refuses)

    return add


def test_no_step_of_a_rotation_loses_it(key_group: Site, add_novelty: Callable[[], None]) -> None:
    """Add no key to the group; name the setting."""
    pending = key_group.started()
    before = key_group.members
    add_novelty()

    with pytest.raises(AwsError, match="Novelty") as caught:
        key_group.rotation().trust(pending, now=key_group.now)

    assert caught.value.code == "UnknownElement"
    assert not caught.value.is_temporary
    assert key_group.members == before


@pytest.mark.parametrize(
    "bring",
    [
        pytest.param(lambda site: site.imported(), id="no successor"),
        pytest.param(lambda site: site.alone(), id="only key of the group"),
    ],
)
def test_revocation_goes_on(
    key_group: Site, add_novelty: Callable[[], None], bring: Callable[[Site], KeyPair]
) -> None:
    """Replace and remove the key, and say what was lost."""
    key_pair = bring(key_group)
    add_novelty()

    outcome = take(
        key_group.rotation(),
        Step(action=Action.REVOKE, key_pair=key_pair),
        now=key_group.now,
        reason="x",
    )

    assert str(key_pair) not in key_group.members
    assert str(key_group.signing) in key_group.members
    assert "Novelty" in outcome.text
    assert outcome.is_warning


def test_revocation_that_is_finished_later(
    key_group: Site, add_novelty: Callable[[], None]
) -> None:
    """Say it as well if the page or a job finishes a revocation."""
    key_pair = key_group.alone()
    key_group.revoke(key_pair, by_hand=True)
    key_pair.refresh_from_db()
    add_novelty()

    outcome = take(
        key_group.rotation(), Step(action=Action.FINISH, key_pair=key_pair), now=key_group.now
    )

    assert str(key_pair) not in key_group.members
    assert "Novelty" in outcome.text
