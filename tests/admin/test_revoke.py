"""Test the way out in an emergency: it asks twice, and says what breaks and what signs then."""

from __future__ import annotations

import pytest
from django.core.files.storage import storages
from pytest_django import Settings

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.rotation.models import KeyPair
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
from tests.admin.test_failures import LATE

DENIED = AwsError(
    what="read the key group",
    reason="the AWS credentials do not allow cloudfront:GetKeyGroup",
    next_step="Allow cloudfront:GetKeyGroup in IAM for the user or role whose credentials are used "
    "here.",
    code="AccessDenied",
    permission="cloudfront:GetKeyGroup",
)


def test_page_says_how_many_minutes_break(admin: Visitor, settings: Settings) -> None:
    """The blast radius is told in minutes: as long as the longest link lives."""
    settings.AWS_CLOUDFRONT_MAX_EXPIRE = 5400
    settings.AWS_CLOUDFRONT_EXPIRE_STEP = 60

    page = admin.get(address("revoke", imported()))

    assert "What breaks Up to 91 minutes of links: every link that K" in page


def test_page_says_what_is_left_of_a_retiring_key(admin: Visitor, settings: Settings) -> None:
    """A key that stopped signing breaks only what it signed before."""
    settings.AWS_CLOUDFRONT_MAX_EXPIRE = 3600
    former = imported()
    activated(former_retiring_for=1801)

    page = admin.get(address("revoke", former))

    # An hour for links, and 4 minutes until each process has stopped and clocks agree.
    assert "Up to 34 minutes of links" in page
    assert "as now." in page


def test_page_counts_the_links_of_settings_that_were_lowered(
    admin: Visitor, settings: Settings
) -> None:
    """Links that were issued under a longer lifetime are out, and break as well."""
    settings.AWS_CLOUDFRONT_MAX_EXPIRE = 3600
    former = imported()
    KeyPair.objects.update(retirement_seconds=86400 + 240)
    signs = admin.get(address("revoke", former))
    activated(former_retiring_for=7200)

    stopped = admin.get(address("revoke", former))

    assert "Up to 1440 minutes of links" in signs
    assert "Up to 1324 minutes of links" in stopped


def test_page_says_that_an_unused_key_breaks_nothing(admin: Visitor) -> None:
    """A key that never signed has no links."""
    imported()

    assert "What breaks Nothing: no link" in admin.get(address("revoke", started()))


@pytest.mark.parametrize(
    ("good_for", "sentence"),
    [(3600, ", at once."), (60, ", at once. CloudFront may not know it everywhere yet")],
)
def test_page_says_that_the_successor_takes_over(
    admin: Visitor, good_for: int, sentence: str
) -> None:
    """A TRUSTED successor signs at once, with a warning where its wait was not over."""
    key_pair = imported()
    successor = trusted(spare=True, good_for=good_for)

    page = admin.get(address("revoke", key_pair))

    assert f"What signs afterwards {successor}{sentence}" in page


def test_page_says_that_nothing_signs_afterwards(admin: Visitor, settings: Settings) -> None:
    """By hand, without a successor, pages will fail: the page proposes to start first."""
    settings.AWS_CLOUDFRONT_BY_HAND = True
    page = admin.get(address("revoke", imported()))

    assert "What signs afterwards Nothing: pages with links to files fail." in page
    assert "Start a rotation first, if there is time: a new key can sign after 5 min." in page


def test_page_says_that_a_new_key_is_made(admin: Visitor) -> None:
    """Where the site may change CloudFront, a key that signs is made first, as the page says."""
    key_pair = imported()
    said = admin.get(address("revoke", key_pair))

    page = admin.take("revoke", key_pair, typed=str(key_pair), reason="leaked")

    assert "What signs afterwards A new key, at once: it is made and put into the key group" in said
    successor = KeyPair.objects.get(status="active")
    assert f"{successor} signs now." in page
    assert log() == [
        f"{successor.get_algorithm_display()} {successor.fingerprint[:12]}: Pending (leaked)",
        f"{successor}: Trusted",
        f"{key_pair}: Revoked (leaked)",
        f"{successor}: Active",
    ]


def test_successor_is_brought_forward(admin: Visitor) -> None:
    """A successor that CloudFront does not trust yet is put into the key group, and signs."""
    key_pair = imported()
    successor = started()
    said = admin.get(address("revoke", key_pair))

    admin.take("revoke", key_pair, typed=str(key_pair))

    assert f"What signs afterwards {successor}, at once. CloudFront may not know it" in said
    assert fresh(successor).status == "active"


def test_nothing_is_revoked_while_aws_fails_for_a_moment(
    admin: Visitor, cloudfront: FakeCloudFront
) -> None:
    """Links that work are better than none: the page says that nothing was done, and to retry."""
    key_pair = imported()
    cloudfront.failure = LATE

    page = admin.take("revoke", key_pair, typed=str(key_pair))

    assert "Not done. Could not read the key group" in page
    assert fresh(key_pair).status == "active"


def test_page_proposes_to_bring_the_successor_forward(admin: Visitor, settings: Settings) -> None:
    """By hand, a successor that CloudFront does not trust yet is to be brought there first."""
    key_pair = imported()
    successor = started()

    settings.AWS_CLOUDFRONT_BY_HAND = True
    page = admin.get(address("revoke", key_pair))

    assert f"First add {successor} to CloudFront and check that it works" in page


def test_successor_that_cannot_be_opened_does_not_count(admin: Visitor, settings: Settings) -> None:
    """What cannot be opened cannot take over: a new key is made, where the site may make one."""
    key_pair = imported()
    successor = trusted(good_for=3600)
    KeyPair.objects.filter(pk=successor.pk).update(encrypted_private_key="damaged")

    assert "What signs afterwards A new key, at once" in admin.get(address("revoke", key_pair))
    settings.AWS_CLOUDFRONT_BY_HAND = True
    page = admin.get(address("revoke", key_pair))

    assert "What signs afterwards Nothing" in page
    assert f"The private key of {successor} cannot be opened: revoke that key first" in page


def test_page_says_that_the_key_of_the_settings_signs(
    admin: Visitor, cloudfront: FakeCloudFront, settings: Settings
) -> None:
    """By hand, a key of the settings that was never imported signs again."""
    key_pair = activated()

    settings.AWS_CLOUDFRONT_BY_HAND = True
    page = admin.get(address("revoke", key_pair))

    assert f"The key of the settings, {cloudfront.settings_key_id}." in page
    admin.take("revoke", key_pair, typed=str(key_pair))
    assert cloudfront.settings_key_id in storages["default"].url("a.jpg")


@pytest.mark.parametrize("typed", ["", "yes", "K0000000000000"])
def test_nothing_happens_unless_the_id_is_typed(admin: Visitor, typed: str) -> None:
    """The second question is only answered by the id of the key itself."""
    key_pair = imported()

    page = admin.take("revoke", key_pair, typed=typed)

    assert fresh(key_pair).status == "active"
    assert "nothing was revoked" in page or "This field is required." in page


def test_revocation_ends_the_trust(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """The key leaves CloudFront at once, the successor signs, and the log has the reason."""
    key_pair = imported()
    successor = trusted(spare=True, good_for=3600)

    page = admin.take("revoke", key_pair, typed=str(key_pair), reason="leaked in a log")

    key_pair = fresh(key_pair)
    assert (key_pair.status, key_pair.encrypted_private_key) == ("revoked", "")
    assert key_pair.removed_at is not None
    assert fresh(successor).status == "active"
    assert cloudfront.trusted == {successor.key_pair_id}
    assert f"{key_pair} is revoked: it no longer signs." in page
    assert f"{key_pair} is out of CloudFront: links that it signed no longer open." in page
    assert log() == [
        f"{key_pair}: Revoked (leaked in a log)",
        f"{successor}: Active",
    ]


def test_reason_has_a_default(admin: Visitor) -> None:
    """A person in a hurry need not say why."""
    key_pair = started()

    admin.take("revoke", key_pair, typed=key_pair.fingerprint[:12])

    assert fresh(key_pair).reason == "revoked in the admin"


def test_key_without_an_id_is_named_by_its_fingerprint(admin: Visitor) -> None:
    """A key that CloudFront never had is confirmed by the begin of its fingerprint."""
    key_pair = started()

    assert f"Type {key_pair.fingerprint[:12]} to revoke it" in admin.get(
        address("revoke", key_pair)
    )


def test_signing_ends_even_where_aws_refuses(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """What can be done is done: the key stops signing, and the rest is left to be finished."""
    imported()
    key_pair = activated()
    cloudfront.failure = DENIED

    page = admin.take("revoke", key_pair, typed=str(key_pair))

    assert (fresh(key_pair).status, fresh(key_pair).removed_at) == ("revoked", None)
    assert f"{key_pair} is revoked: it no longer signs." in page
    assert "the AWS credentials do not allow cloudfront:GetKeyGroup" in page
    assert "but CloudFront may still trust it" in page


def test_revocation_is_finished_later(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """When AWS answers again one click takes the key out; the log knows that too."""
    imported()
    key_pair = activated()
    cloudfront.failure = DENIED
    admin.take("revoke", key_pair, typed=str(key_pair))
    cloudfront.failure = None
    moved(key_pair, claimed_until=-1)

    page = admin.take("finish", key_pair)

    assert fresh(key_pair).removed_at is not None
    assert key_pair.key_pair_id not in cloudfront.trusted
    assert f"{key_pair} is out of CloudFront" in page
    assert log()[-1] == f"{key_pair}: Revoked (revoked in the admin)"


def test_only_key_of_the_group_is_replaced(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """CloudFront keeps one key in a group: another one is made, and signs, before this one goes."""
    key_pair = imported()

    page = admin.take("revoke", key_pair, typed=str(key_pair))

    assert f"{key_pair} is out of CloudFront" in page
    successor = KeyPair.objects.get(status="active")
    assert cloudfront.trusted == {successor.key_pair_id}
    assert fresh(key_pair).removed_at is not None


def test_final_keys_cannot_be_revoked(admin: Visitor) -> None:
    """What is retired stays retired."""
    former = imported()
    activated(former_retiring_for=8 * 86400)
    admin.take("retire", former)

    page = admin.post(address("revoke", former), typed=str(former))

    assert "This step is not due" in page
    assert moved(former).status == "retired"
