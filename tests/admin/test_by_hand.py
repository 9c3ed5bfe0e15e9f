"""Test the page where a person, and not the site, changes CloudFront."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.site import site_rotation
from cfsigned_django.rotation.steps import advance
from cfsigned_django.signing import KeyAlgorithm
from tests.admin import (
    LIST,
    FakeCloudFront,
    Visitor,
    activated,
    address,
    buttons,
    fresh,
    imported,
    log,
    started,
    trusted,
)
from tests.admin.test_revoke import DENIED
from tests.storage_cases import without_sha1


@pytest.fixture
def by_hand(admin: Visitor, cloudfront: FakeCloudFront, settings: Settings) -> Visitor:
    """Return a person who changes CloudFront by hand, as the settings say and AWS demands."""
    settings.AWS_CLOUDFRONT_BY_HAND = True
    cloudfront.failure = DENIED
    return admin


def create_public_key(cloudfront: FakeCloudFront, key_pair: KeyPair) -> str:
    """Do in CloudFront what the page tells a person to do, and return the new id."""
    config = {
        "CallerReference": "console",
        "Name": key_pair.caller_name,
        "EncodedKey": key_pair.public_key,
    }
    created = cloudfront.api.create_public_key(PublicKeyConfig=config)
    key_pair_id: str = created["PublicKey"]["Id"]
    return key_pair_id


def test_refusal_leads_to_the_way_by_hand(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """If AWS refuses, the page names the permission and the setting, and keeps the answers."""
    imported()
    cloudfront.failure = DENIED

    page = admin.take("start", algorithm="RSA_2048", reason="ticket 7")

    assert "Not done. Could not read the key group" in page
    assert "Allow cloudfront:GetKeyGroup in IAM" in page
    assert "try again. If this site may not change CloudFront, set AWS_CLOUDFRONT_BY_HAND" in page
    assert 'value="ticket 7"' in admin.seen[-1]
    assert not KeyPair.objects.filter(status="pending").exists()


def test_start_needs_no_aws(by_hand: Visitor) -> None:
    """A key is generated here: by hand it needs nobody's permission at AWS."""
    imported()

    by_hand.take("start", algorithm="ECDSA_P256")

    assert KeyPair.objects.filter(status="pending").count() == 1


def test_page_shows_what_to_paste_and_where(by_hand: Visitor, cloudfront: FakeCloudFront) -> None:
    """The public key, its name and the key group are on the page, in the order of the work."""
    imported()
    key_pair = started()

    page = by_hand.get(address("trust", key_pair))

    assert " ".join(key_pair.public_key.split()) in page
    assert page.index(key_pair.caller_name) < page.index("Under Key groups, edit ")
    assert cloudfront.key_group_id in page


def test_id_makes_the_key_trusted(by_hand: Visitor, cloudfront: FakeCloudFront) -> None:
    """The id is taken as it was given, and the wait begins with the first good probe."""
    imported()
    key_pair = started()
    key_pair_id = create_public_key(cloudfront, key_pair)

    by_hand.take("trust", key_pair, key_pair_id=f" {key_pair_id} ")
    page = by_hand.post(address("check", key_pair))

    assert (fresh(key_pair).key_pair_id, fresh(key_pair).status) == (key_pair_id, "trusted")
    assert f"{key_pair_id} can sign at " in page


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "This field is required."),
        ("00000000-0000-4000-8000-000000000003", "This looks like the id of a key group."),
        ("APKAIBAEAQCAIBAEAQCA", "An id of a public key is K and capital letters"),
        ("k2jcjmdehxqw5f", "An id of a public key is K and capital letters"),
        ("https://console.aws.amazon.com/", "An id of a public key is K and capital letters"),
    ],
)
def test_id_of_another_shape_is_refused(by_hand: Visitor, given: str, message: str) -> None:
    """What cannot be the id of a public key is told apart before it is tried."""
    imported()
    key_pair = started()

    page = by_hand.take("trust", key_pair, key_pair_id=given)

    assert message in page
    assert fresh(key_pair).status == "pending"


def test_id_of_another_row_is_refused(by_hand: Visitor) -> None:
    """The id of the signing key is not that of the new one."""
    signing = imported()
    key_pair = started()

    page = by_hand.take("trust", key_pair, key_pair_id=str(signing))

    assert "This is the id of another key pair of this site." in page
    assert fresh(key_pair).status == "pending"


def test_id_of_another_public_key_is_refused(by_hand: Visitor, cloudfront: FakeCloudFront) -> None:
    """Where the edge says that the id belongs to another key, it is not written down."""
    imported()
    key_pair = started()
    cloudfront.probe_result = ProbeResult.WRONG_KEY

    page = by_hand.take("trust", key_pair, key_pair_id="K2JCJMDEHXQW5F")

    assert "CloudFront has another public key under K2JCJMDEHXQW5F." in page
    assert (fresh(key_pair).status, fresh(key_pair).key_pair_id) == ("pending", None)


def test_id_is_probed_with_the_hash_of_the_setting(
    by_hand: Visitor, cloudfront: FakeCloudFront, settings: Settings
) -> None:
    """An RSA key that may sign with SHA256 only is probed with that before its id is taken."""
    settings.AWS_CLOUDFRONT_HASH_ALGORITHM = "SHA256"
    cloudfront.probe_result = ProbeResult.WRONG_KEY
    rotation = site_rotation(by_hand=True)
    key_pair = rotation.start(algorithm=KeyAlgorithm.RSA_2048, now=rotation.store.clock())

    with without_sha1():
        page = by_hand.take("trust", key_pair, key_pair_id="K2JCJMDEHXQW5F")

    assert "CloudFront has another public key under K2JCJMDEHXQW5F." in page


def test_id_that_edges_do_not_know_yet_is_taken(
    by_hand: Visitor, cloudfront: FakeCloudFront
) -> None:
    """A key that was added a moment ago need not be known everywhere."""
    imported()
    key_pair = started()
    cloudfront.probe_result = ProbeResult.UNKNOWN_KEY

    by_hand.take("trust", key_pair, key_pair_id="K2JCJMDEHXQW5F")

    assert fresh(key_pair).status == "trusted"


def test_activation_needs_no_aws(
    admin: Visitor, cloudfront: FakeCloudFront, settings: Settings
) -> None:
    """What changes nothing in CloudFront works without a permission there."""
    imported()
    key_pair = trusted(good_for=3600)
    settings.AWS_CLOUDFRONT_BY_HAND = True
    cloudfront.failure = DENIED

    admin.take("activate", key_pair)

    assert fresh(key_pair).status == "active"


def test_retirement_waits_for_the_person(
    admin: Visitor, cloudfront: FakeCloudFront, settings: Settings
) -> None:
    """The former key is retired once somebody says that it is out of CloudFront."""
    former = imported()
    activated(former_retiring_for=8 * 86400)
    settings.AWS_CLOUDFRONT_BY_HAND = True
    cloudfront.failure = DENIED

    page = admin.get(address("retire", former))
    assert f"take out {former} and nothing else." in page
    assert f"Under Public keys, delete {former}." in page
    assert "This field is required." in admin.take("retire", former)
    assert fresh(former).status == "retiring"

    admin.take("retire", former, removed="on")

    assert fresh(former).status == "retired"


def test_key_may_not_be_removed_before_its_time(by_hand: Visitor) -> None:
    """Until its last link has expired the page does not tell to remove the former key."""
    former = imported()
    KeyPair.objects.filter(pk=former.pk).update(status="retiring", active_in=None)

    page = by_hand.get(address("retire", former))

    assert "it may go at " in page
    assert "Under Public keys, delete" not in page


def test_revocation_waits_for_the_person(by_hand: Visitor) -> None:
    """The key stops signing at once, and stays a problem until somebody has removed it."""
    key_pair = imported()
    assert "Then you take it out of CloudFront." in by_hand.get(address("revoke", key_pair))

    page = by_hand.take("revoke", key_pair, typed=str(key_pair))

    assert (fresh(key_pair).status, fresh(key_pair).removed_at) == ("revoked", None)
    assert "but CloudFront may still trust it" in page
    by_hand.take("finish", key_pair, removed="on")
    assert fresh(key_pair).removed_at is not None


def test_no_job_finishes_what_a_person_does(cloudfront: FakeCloudFront) -> None:
    """By hand, advancing a rotation neither retires a key nor ends a revocation."""
    former = imported()
    revoked = activated(former_retiring_for=8 * 86400)
    rotation = site_rotation(by_hand=True)
    rotation.revoke(revoked, now=rotation.store.clock(), reason="leaked")

    assert advance(rotation, now=rotation.store.clock()) is None

    assert fresh(revoked).removed_at is None
    assert fresh(former).status == "retiring"


def test_wrong_id_is_corrected(by_hand: Visitor, cloudfront: FakeCloudFront) -> None:
    """As long as CloudFront has not accepted the key, a mistyped id can be replaced."""
    imported()
    key_pair = started()
    cloudfront.probe_result = ProbeResult.UNKNOWN_KEY
    by_hand.take("trust", key_pair, key_pair_id="K2JCJMDEHXQW5F")
    assert buttons(by_hand.client.get(LIST).text)[-1] == "Correct its id"
    key_pair_id = create_public_key(cloudfront, key_pair)

    page = by_hand.take("correct", key_pair, key_pair_id=key_pair_id)

    assert f"CloudFront begins to trust {key_pair_id}." in page
    assert (fresh(key_pair).key_pair_id, fresh(key_pair).status) == (key_pair_id, "trusted")
    assert log()[-1] == f"{key_pair_id}: Trusted"


def test_id_of_another_public_key_is_no_correction(
    by_hand: Visitor, cloudfront: FakeCloudFront
) -> None:
    """Where the edge says that the id belongs to another key, the former id stays."""
    imported()
    key_pair = started()
    cloudfront.probe_result = ProbeResult.UNKNOWN_KEY
    by_hand.take("trust", key_pair, key_pair_id="K2JCJMDEHXQW5F")
    cloudfront.probe_result = ProbeResult.WRONG_KEY

    page = by_hand.take("correct", key_pair, key_pair_id="K36X4X2EO997HM")

    assert "CloudFront has another public key under K36X4X2EO997HM." in page
    assert fresh(key_pair).key_pair_id == "K2JCJMDEHXQW5F"


def test_id_that_works_cannot_be_corrected(admin: Visitor, settings: Settings) -> None:
    """A key that CloudFront has accepted keeps its id, and so does one that the site put there."""
    imported()
    key_pair = trusted(good_for=60)
    settings.AWS_CLOUDFRONT_BY_HAND = True

    assert "Correct its id" not in buttons(admin.client.get(LIST).text)
    assert "This step is not due" in admin.take("correct", key_pair, key_pair_id="K2JCJMDEHXQW5F")
    KeyPair.objects.update(verified_since=None)
    settings.AWS_CLOUDFRONT_BY_HAND = False
    assert "Correct its id" not in buttons(admin.client.get(LIST).text)


def test_setting_keeps_every_page_from_aws(
    admin: Visitor, cloudfront: FakeCloudFront, settings: Settings
) -> None:
    """With AWS_CLOUDFRONT_BY_HAND no page calls AWS, and each says why."""
    settings.AWS_CLOUDFRONT_BY_HAND = True
    cloudfront.failure = DENIED
    imported()

    page = admin.take("start", algorithm="ECDSA_P256")

    assert buttons(admin.seen[-1]) == ["*Enter its id"]
    assert "waits for its id: create its public key in CloudFront." in page
    assert "AWS_CLOUDFRONT_BY_HAND says so." in page
    assert "AWS_CLOUDFRONT_BY_HAND says so." in admin.get(
        address("trust", KeyPair.objects.get(status="pending"))
    )
    assert cloudfront.calls == []


def test_setting_that_is_neither_is_told(admin: Visitor, settings: Settings) -> None:
    """A setting that is no truth value is named on the first page, to which each step leads."""
    key_pair = imported()
    settings.AWS_CLOUDFRONT_BY_HAND = "yes"

    for where in (LIST, address("revoke", key_pair)):
        assert "AWS_CLOUDFRONT_BY_HAND is 'yes'" in admin.get(where)
