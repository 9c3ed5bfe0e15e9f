"""Test the way out in an emergency: it asks twice, and says what breaks and what signs then."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.storage import storages
from pytest_django import Settings

from cfsigned_django.rotation import store
from cfsigned_django.rotation.models import KeyPair, KnownReason
from cfsigned_django.rotation.steps import SignsAfter
from tests.admin import (
    FakeCloudFront,
    Visitor,
    activated,
    address,
    fresh,
    imported,
    log,
    moved,
    started,
    trusted,
)
from tests.admin.conftest import DENIED, LATE
from tests.admin.transcript import NOON, Transcript


def damaged() -> None:
    """Make a successor whose private key cannot be decrypted."""
    successor = trusted(good_for=3600)
    KeyPair.objects.filter(pk=successor.pk).update(encrypted_private_key="damaged")


#: What is next, whether a person changes CloudFront, and what then signs after a revocation.
SUCCESSIONS: list[tuple[Callable[[], object], bool, SignsAfter]] = [
    (lambda: trusted(spare=True, good_for=3600), False, SignsAfter.SUCCESSOR),
    (lambda: trusted(spare=True, good_for=60), False, SignsAfter.SUCCESSOR_EARLY),
    (started, False, SignsAfter.SUCCESSOR_EARLY),
    (lambda: None, False, SignsAfter.NEW_KEY),
    (damaged, False, SignsAfter.NEW_KEY),
    (lambda: None, True, SignsAfter.NOTHING),
    (started, True, SignsAfter.NOTHING),
    (damaged, True, SignsAfter.NOTHING),
]


def test_page_says_what_signs_afterwards(
    admin: Visitor, cloudfront: FakeCloudFront, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is next, the page of a revocation says which key takes over, and how well."""
    monkeypatch.setattr(store, "read_database_clock", lambda using: NOON)
    transcript = Transcript(admin)
    for prepare, by_hand, after in SUCCESSIONS:
        cloudfront.begin()
        key_pair = imported()
        prepare()
        settings.AWS_CLOUDFRONT_BY_HAND = by_hand
        admin.get(address("revoke", key_pair))
        assert admin.context["after"] == after
        transcript.add(f"{after}{', by hand' if by_hand else ''}")
        settings.AWS_CLOUDFRONT_BY_HAND = False
        KeyPair.objects.all().delete()

    imported()
    admin.get(address("revoke", started()))
    assert (admin.context["after"], admin.context["broken_minutes"]) == (SignsAfter.UNCHANGED, 0)
    transcript.add("a key that never signed")
    transcript.check("admin-revocation")


def test_key_of_the_settings_signs_again(
    admin: Visitor, cloudfront: FakeCloudFront, settings: Settings
) -> None:
    """By hand, a key of the settings that was never imported signs again, as the page says."""
    key_pair = activated()
    settings.AWS_CLOUDFRONT_BY_HAND = True

    admin.take("revoke", key_pair, typed=str(key_pair))

    assert admin.answers[0].context["after"] == SignsAfter.SETTINGS
    assert cloudfront.settings_key_id in storages["default"].url("a.jpg")


@pytest.mark.parametrize(
    ("retirement_seconds", "retiring_for", "minutes"),
    [
        # An hour for links; 4 minutes until each process has stopped and clocks agree.
        (None, None, 60),
        (None, 1801, 34),
        # Links that were issued under a longer lifetime are out, and break as well.
        (86400 + 240, None, 1440),
        (86400 + 240, 7200, 1324),
    ],
)
def test_page_says_how_many_minutes_break(
    admin: Visitor,
    settings: Settings,
    retirement_seconds: int | None,
    retiring_for: int | None,
    minutes: int,
) -> None:
    """Links break for as long as the longest one lives; of a retiring key, what is left."""
    settings.AWS_CLOUDFRONT_MAX_EXPIRE = 3600
    key_pair = imported()
    if retirement_seconds is not None:
        KeyPair.objects.update(retirement_seconds=retirement_seconds)
    if retiring_for is not None:
        activated(former_retiring_for=retiring_for)

    admin.get(address("revoke", key_pair))

    assert admin.context["broken_minutes"] == minutes


def test_minutes_are_rounded_up(admin: Visitor, settings: Settings) -> None:
    """A step of the expiry makes links live longer than they were asked to."""
    settings.AWS_CLOUDFRONT_MAX_EXPIRE = 5400
    settings.AWS_CLOUDFRONT_EXPIRE_STEP = 60

    admin.get(address("revoke", imported()))

    assert admin.context["broken_minutes"] == 91


@pytest.mark.parametrize("typed", ["", "yes", "K0000000000000"])
def test_nothing_happens_unless_the_id_is_typed(admin: Visitor, typed: str) -> None:
    """The second question is only answered by the id of the key itself."""
    key_pair = imported()

    admin.take("revoke", key_pair, typed=typed)

    assert set(admin.context["form"].errors) == {"typed"}
    assert fresh(key_pair).status == "active"


def test_key_without_an_id_is_named_by_its_fingerprint(admin: Visitor) -> None:
    """A key that CloudFront never had is confirmed by its fingerprint; no reason need be given."""
    key_pair = started()

    admin.take("revoke", key_pair, typed=key_pair.fingerprint[:12])

    assert fresh(key_pair).status == "revoked"
    assert fresh(key_pair).reason == KnownReason.REVOKED_IN_ADMIN


def test_revocation_ends_the_trust(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """The key leaves CloudFront at once, the spare signs, and the log has the reason."""
    key_pair = imported()
    successor = trusted(spare=True, good_for=3600)

    admin.take("revoke", key_pair, typed=str(key_pair), reason="leaked in a log")

    assert admin.levels == ["warning"]
    assert (fresh(key_pair).status, fresh(key_pair).encrypted_private_key) == ("revoked", "")
    assert fresh(key_pair).removed_at is not None
    assert cloudfront.trusted == {str(successor)}
    assert log() == [
        (str(key_pair), "revoked", "leaked in a log"),
        (str(successor), "active", ""),
    ]


def test_only_key_of_the_group_is_replaced(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """CloudFront keeps one key in a group: another one is made and signs before this one goes."""
    key_pair = imported()

    admin.take("revoke", key_pair, typed=str(key_pair), reason="leaked")

    successor = KeyPair.objects.get(status="active")
    assert cloudfront.trusted == {str(successor)}
    assert fresh(key_pair).removed_at is not None
    assert [entry[1:] for entry in log()] == [
        *(("pending", "leaked"), ("trusted", ""), ("revoked", "leaked"), ("active", "")),
    ]


@pytest.mark.parametrize("is_missing", [False, True])
def test_successor_is_brought_forward(
    admin: Visitor, cloudfront: FakeCloudFront, is_missing: bool
) -> None:
    """A successor that is not in the group yet, or no longer, is put into it, and signs."""
    key_pair = imported()
    successor = trusted() if is_missing else started()
    if is_missing:
        cloudfront.take_out(successor)

    admin.take("revoke", key_pair, typed=str(key_pair))

    successor = fresh(successor)
    assert (fresh(key_pair).status, successor.status) == ("revoked", "active")
    assert cloudfront.trusted == {str(successor)}
    first = (str(successor), "trusted", KnownReason.PUT_BACK if is_missing else "")
    assert log()[0] == first


def test_nothing_is_revoked_while_aws_fails_for_a_moment(
    admin: Visitor, cloudfront: FakeCloudFront
) -> None:
    """Links that work are better than none: nothing is done, and the page says to try again."""
    key_pair = imported()
    cloudfront.failure = LATE

    admin.take("revoke", key_pair, typed=str(key_pair))

    assert admin.levels == ["not done"]
    assert fresh(key_pair).status == "active"


def test_revocation_is_finished_later(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """If AWS refuses, the key stops signing all the same; one click takes it out afterwards."""
    imported()
    key_pair = activated()
    cloudfront.failure = DENIED
    page = admin.take("revoke", key_pair, typed=str(key_pair))
    assert admin.levels == ["warning", "error"]
    assert "cloudfront:GetKeyGroup" in page
    assert (fresh(key_pair).status, fresh(key_pair).removed_at) == ("revoked", None)
    cloudfront.failure = None
    moved(key_pair, claimed_until=-1)

    admin.take("finish", key_pair)

    assert fresh(key_pair).removed_at is not None
    assert str(key_pair) not in cloudfront.trusted
    assert log()[-1] == (str(key_pair), "revoked", KnownReason.REVOKED_IN_ADMIN)


def test_final_keys_cannot_be_revoked(admin: Visitor) -> None:
    """What is retired stays retired."""
    former = imported()
    activated(former_retiring_for=8 * 86400)
    admin.take("retire", former)

    admin.post(address("revoke", former), typed=str(former))

    assert admin.levels == ["warning"]
    assert fresh(former).status == "retired"
