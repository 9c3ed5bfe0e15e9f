"""Test the page if a person, and not the site, changes CloudFront.

Modules: admin/pages.py, admin/key_pairs.py
"""

from __future__ import annotations

import pytest
from pytest_django import Settings

from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from tests.admin import Visitor, address, detail, log
from tests.admin.conftest import DENIED
from tests.admin.transcript import Transcript
from tests.rotation import Shell, fresh

DAY = 86400


@pytest.fixture
def by_hand(admin: Visitor, cloudfront: Shell, settings: Settings) -> Visitor:
    """Return a person who changes CloudFront by hand, as the settings say and AWS demands."""
    settings.AWS_CLOUDFRONT_BY_HAND = True
    cloudfront.failure = DENIED
    return admin


def test_whole_rotation_by_hand(
    by_hand: Visitor, cloudfront: Shell, transcript: Transcript
) -> None:
    """A person who follows the pages gets from the start to a revocation; no page calls AWS."""
    former = cloudfront.imported()
    by_hand.take("start", algorithm="ECDSA_P256")
    key_pair = KeyPair.objects.get(status="pending")
    by_hand.get(address("trust", key_pair))
    assert key_pair.public_key in by_hand.answers[-1].text.replace("\r", "")
    assert cloudfront.calls == []
    by_hand.get()
    assert by_hand.context["overview"].primary.action == "trust"

    key_pair_id = cloudfront.account.upload(key_pair.name_in_cloudfront, key_pair.public_key)
    cloudfront.answer = ProbeResult.UNKNOWN_KEY
    transcript.take("trust", key_pair, key_pair_id=" K2JCJMDEHXQW5F ")
    assert (str(fresh(key_pair)), fresh(key_pair).status) == ("K2JCJMDEHXQW5F", "trusted")

    transcript.take("correct", fresh(key_pair), key_pair_id=key_pair_id)
    assert log()[-1] == (key_pair_id, "trusted", "")
    cloudfront.answer = ProbeResult.GOOD
    by_hand.post(address("check", key_pair))
    cloudfront.wait(301)
    by_hand.take("activate", key_pair)
    assert (fresh(former).status, fresh(key_pair).status) == ("retiring", "active")
    assert address("check", key_pair) not in by_hand.client.get(detail(key_pair)).text

    by_hand.get(address("retire", former))
    assert by_hand.levels == ["warning"]  # until its last link has expired, the page tells nothing
    cloudfront.wait(8 * DAY)
    by_hand.post(address("retire", former))
    assert set(by_hand.context["form"].errors) == {"removed"}
    transcript.take("retire", former, removed="on")
    assert fresh(former).status == "retired"

    transcript.take("revoke", fresh(key_pair), typed=key_pair_id)
    assert (fresh(key_pair).status, fresh(key_pair).removed_at) == ("revoked", None)
    by_hand.get()
    assert by_hand.context["overview"].primary.action == "finish"
    transcript.take("finish", fresh(key_pair), removed="on")
    assert fresh(key_pair).removed_at is not None
    assert cloudfront.calls == []
    transcript.check("admin-by-hand")


def test_id_that_cannot_be_right_is_refused(by_hand: Visitor, cloudfront: Shell) -> None:
    """Refuse an id that cannot be that of this public key before it is tried."""
    cloudfront.imported()
    key_pair = cloudfront.started()

    for given in (
        "",
        "00000000-0000-4000-8000-000000000003",
        "APKAIBAEAQCAIBAEAQCA",
        "k2jcjmdehxqw5f",
        "https://console.aws.amazon.com/",
    ):
        by_hand.take("trust", key_pair, key_pair_id=given)

        assert (given, *by_hand.context["form"].errors) == (given, "key_pair_id")
        assert fresh(key_pair).status == "pending"


def test_id_of_another_public_key_is_refused(by_hand: Visitor, cloudfront: Shell) -> None:
    """If the edge or the table has another key under this id, it is not written down."""
    signing, key_pair = cloudfront.imported(), cloudfront.started()

    for given, answer in (
        ("K36X4X2EO997HM", ProbeResult.WRONG_KEY),
        (str(signing), ProbeResult.NO_ANSWER),
    ):
        cloudfront.answer = answer
        page = by_hand.take("trust", key_pair, key_pair_id=given)

        assert by_hand.levels == ["not done"]
        assert given in page
        assert (fresh(key_pair).status, fresh(key_pair).key_pair_id) == ("pending", None)
