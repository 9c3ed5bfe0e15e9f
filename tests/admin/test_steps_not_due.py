"""Test that a step is taken when it is due, by who asked for it, and not otherwise."""

from __future__ import annotations

import pytest
from django.test import Client

from cfsigned_django.rotation.models import KeyPair
from tests.admin import (
    LIST,
    FakeCloudFront,
    Visitor,
    activated,
    address,
    fresh,
    imported,
    moved,
    started,
    trusted,
)
from tests.admin.test_revoke import DENIED


@pytest.mark.parametrize("step", ["trust", "activate", "retire", "finish"])
def test_step_that_is_not_due_is_not_taken(admin: Visitor, step: str) -> None:
    """A page that is no longer true, or an address that was guessed, changes nothing."""
    key_pair = imported()

    page = admin.post(address(step, key_pair))

    assert f"This step is not due: {key_pair} is Active." in page
    assert fresh(key_pair).status == "active"


def test_start_is_not_due_twice(admin: Visitor) -> None:
    """While one rotation is under way no second one begins."""
    started()

    assert "This step is not due now." in admin.post(address("start"), algorithm="RSA_2048")
    assert KeyPair.objects.count() == 1


def test_step_before_its_time_is_not_taken(admin: Visitor) -> None:
    """A key whose wait is not over does not sign, whoever asks."""
    imported()
    key_pair = trusted(good_for=60)

    page = admin.post(address("activate", key_pair))

    assert "when it has worked for 5 min." in page
    assert fresh(key_pair).status == "trusted"


def test_step_of_no_key_leads_back(admin: Visitor) -> None:
    """A key pair that does not exist is a message, not an error."""
    page = admin.get(f"{LIST}00000000-0000-4000-8000-000000000000/activate/")

    assert "There is no such key pair." in page


def test_step_needs_csrf(admin: Visitor) -> None:
    """No other site can make a person's browser take a step."""
    key_pair = imported()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = admin.client.cookies

    for step, of in (("start", None), ("check", key_pair), ("revoke", key_pair)):
        assert strict.post(address(step, of)).status_code == 403


def test_looking_at_a_step_changes_nothing(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """Every page of a step may be opened, and reloaded, for free."""
    imported()
    key_pair = started()
    before = list(KeyPair.objects.values())
    cloudfront.calls.clear()

    for step in ("trust", "revoke"):
        admin.get(address(step, key_pair))

    assert list(KeyPair.objects.values()) == before
    assert cloudfront.calls == []


@pytest.mark.parametrize("step", ["finish", "retire"])
def test_only_the_check_is_quiet(admin: Visitor, cloudfront: FakeCloudFront, step: str) -> None:
    """What an open page may send to look does not let a key count as taken out by hand."""
    former = imported()
    activated(former_retiring_for=8 * 86400)
    if step == "finish":
        cloudfront.failure = DENIED
        admin.take("revoke", former, typed=str(former))
        cloudfront.failure = None
        moved(former, claimed_until=-1)
    assert str(former) in cloudfront.trusted

    answer = admin.client.post(address(step, former), {"quiet": "1"})

    assert answer.status_code == 302
    assert fresh(former).removed_at is not None
    assert str(former) not in cloudfront.trusted
