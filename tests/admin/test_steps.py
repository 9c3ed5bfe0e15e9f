"""Test each step as a person without JavaScript takes it: page, confirmation, message, log."""

from __future__ import annotations

import re

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry

from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
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


def test_import_is_one_click(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """The key of the settings goes on signing from the database after one POST."""
    page = admin.post(address("import"))

    key_pair = KeyPair.objects.get()
    assert (key_pair.key_pair_id, key_pair.status) == (cloudfront.settings_key_id, "active")
    assert f"{key_pair} is in the database and signs from there." in page
    assert log() == [f"{key_pair}: Active (imported from the settings)"]
    assert LogEntry.objects.get().action_flag == ADDITION


def test_start_asks_for_algorithm_and_reason(admin: Visitor) -> None:
    """ECDSA is proposed; what was chosen and why goes into the record."""
    key_pair = imported()
    page = admin.get(address("start"))
    assert f"Everything: {key_pair} goes on signing." in page
    html = admin.client.get(address("start")).text
    assert 'value="ECDSA_P256" required id="id_algorithm_0" checked' in html

    page = admin.post(address("start"), algorithm="RSA_2048", reason="ticket 7")

    new = KeyPair.objects.get(status="pending")
    assert (new.algorithm, new.reason, new.is_spare) == ("RSA_2048", "ticket 7", False)
    assert f"{new} was generated. Let CloudFront trust it next." in page
    assert log()[-1] == f"{new}: Pending (ticket 7)"


def test_start_can_make_a_spare(admin: Visitor) -> None:
    """A spare is generated like any key, and waits."""
    imported()

    page = admin.take("start", algorithm="ECDSA_P256", spare="on")

    assert KeyPair.objects.get(status="pending").is_spare
    assert "The spare ECDSA P-256" in page


def test_start_uses_the_spare(admin: Visitor) -> None:
    """A rotation starts with the spare that is there: nothing is generated, the log knows."""
    imported()
    spare = trusted(spare=True, good_for=3600)
    assert f"The spare {spare} becomes the next key." in admin.get(address("start"))

    page = admin.take("start", reason="leak feared")

    assert not fresh(spare).is_spare
    assert KeyPair.objects.count() == 2
    assert f"The spare {spare} is the next key. CloudFront trusts it already." in page
    assert log()[-1] == f"{spare}: Trusted (leak feared)"


def test_start_needs_an_algorithm_that_there_is(admin: Visitor) -> None:
    """An algorithm that CloudFront does not take is refused by the form."""
    page = admin.take("start", algorithm="ED25519")

    assert "Select a valid choice." in page
    assert not KeyPair.objects.exists()


def test_trust_tells_cloudfront(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """The public key is created and put into the group, beside the others."""
    imported()
    key_pair = started()
    assert f"created in CloudFront as {key_pair.caller_name}" in admin.get(
        address("trust", key_pair)
    )

    page = admin.take("trust", key_pair)

    key_pair = fresh(key_pair)
    assert key_pair.status == "trusted"
    assert cloudfront.trusted == {cloudfront.settings_key_id, key_pair.key_pair_id}
    assert f"CloudFront begins to trust {key_pair}. It signs once it has worked for 5 min" in page
    assert log()[-1] == f"{key_pair}: Trusted"
    assert LogEntry.objects.latest("pk").action_flag == CHANGE
    assert LogEntry.objects.latest("pk").object_repr == key_pair.key_pair_id


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (ProbeResult.GOOD, "CloudFront knows K"),
        (ProbeResult.UNKNOWN_KEY, "CloudFront does not know K"),
        (ProbeResult.WRONG_KEY, "CloudFront refuses what K"),
        (ProbeResult.REFUSED, "Does a WAF rule or a CloudFront function stop query parameters"),
        (ProbeResult.NO_ANSWER, "CloudFront did not answer the probe"),
    ],
)
def test_check_says_what_the_probe_was_answered(
    admin: Visitor, cloudfront: FakeCloudFront, result: ProbeResult, message: str
) -> None:
    """Each answer of the edge has its sentence; only a good one begins the wait."""
    imported()
    key_pair = trusted()
    cloudfront.probe_result = result

    page = admin.post(address("check", key_pair))

    assert message in page
    assert (fresh(key_pair).verified_since is not None) is (result is ProbeResult.GOOD)


def test_check_puts_back_what_someone_took_out(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """A key that vanished from the group is put back when a person looks."""
    signing = imported()
    key_pair = trusted(good_for=60)
    group = cloudfront.api.get_key_group(Id=cloudfront.key_group_id)
    config = {**group["KeyGroup"]["KeyGroupConfig"], "Items": [str(signing)]}
    cloudfront.api.update_key_group(
        Id=cloudfront.key_group_id, IfMatch=group["ETag"], KeyGroupConfig=config
    )
    cloudfront.probe_result = ProbeResult.UNKNOWN_KEY

    page = admin.post(address("check", key_pair))

    assert cloudfront.trusted == {str(signing), key_pair.key_pair_id}
    assert f"Someone had taken {key_pair} out of the key group. It is in it again." in page


def test_check_by_an_open_page_is_quiet(admin: Visitor) -> None:
    """A page that looks by itself gets the new state back, and leaves no message behind."""
    imported()
    key_pair = trusted()

    answer = admin.client.post(address("check", key_pair), {"quiet": "1"})

    assert "<html" not in answer.text
    assert f"{key_pair} can sign at" in answer.text
    assert "CloudFront knows" not in admin.get()


def test_activate_switches(admin: Visitor) -> None:
    """The new key signs, the former stays trusted, and both moves are in the log."""
    former = imported()
    key_pair = trusted(good_for=301)
    page = admin.get(address("activate", key_pair))
    assert f"New links are signed with {key_pair} (ECDSA P-256)." in page
    assert f"Every link that {former} signed, until the link expires." in page
    assert f"{former} stays trusted. It can be retired 7 days later, when" in page

    page = admin.take("activate", key_pair)

    assert (fresh(former).status, fresh(key_pair).status) == ("retiring", "active")
    assert f"{key_pair} signs from now on; every process follows within 2 min." in page
    message = re.search(rf"From (.+) on {former} may go; until then the links work", page)
    card = re.search(rf"{former} no longer signs; it may go at (.+?), when", page)
    assert message
    assert card
    assert message[1] == card[1]
    assert log()[-2:] == [f"{former}: Retiring", f"{key_pair}: Active"]


def test_activate_takes_a_last_look(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """A key that CloudFront refuses at the last moment does not begin to sign."""
    former = imported()
    key_pair = trusted(good_for=301)
    cloudfront.probe_result = ProbeResult.UNKNOWN_KEY

    page = admin.take("activate", key_pair)

    assert (fresh(former).status, fresh(key_pair).status) == ("active", "trusted")
    assert f"{key_pair} cannot take this step now." in page


def test_activate_needs_the_last_answer(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """Silence at the last moment is no consent: the key waits for the next look."""
    imported()
    key_pair = trusted(good_for=301)
    cloudfront.probe_result = ProbeResult.NO_ANSWER

    page = admin.take("activate", key_pair)

    assert fresh(key_pair).status == "trusted"
    assert "CloudFront did not answer the last probe." in page


def test_activate_first_key(admin: Visitor) -> None:
    """Where no row signed before, nothing is said of a former key."""
    key_pair = trusted(good_for=301)

    page = admin.take("activate", key_pair)

    assert f"{key_pair} signs from now on" in page
    assert "Links that" not in page


def test_retire_takes_the_former_key_out(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """The former key leaves the group and CloudFront, and its private half is erased."""
    former = imported()
    key_pair = activated(former_retiring_for=8 * 86400)
    assert "The last link" not in admin.get(address("retire", former))

    page = admin.take("retire", former)

    former = fresh(former)
    assert (former.status, former.encrypted_private_key) == ("retired", "")
    assert cloudfront.trusted == {key_pair.key_pair_id}
    assert f"{former} is retired: CloudFront no longer knows it" in page
    assert log()[-1] == f"{former}: Retired"


def test_whole_rotation_by_clicks(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """From RSA in the settings to ECDSA in the database, by the main button alone."""
    admin.post(address("import"))
    admin.take("start", algorithm="ECDSA_P256")
    key_pair = KeyPair.objects.get(status="pending")
    admin.take("trust", key_pair)
    admin.post(address("check", key_pair))
    moved(key_pair, verified_since=-301)
    admin.take("activate", key_pair)
    former = KeyPair.objects.get(status="retiring")
    moved(former, retiring_at=-8 * 86400)
    admin.take("retire", former)

    assert [each.status for each in KeyPair.objects.order_by("created_at")] == [
        "retired",
        "active",
    ]
    assert cloudfront.trusted == {fresh(key_pair).key_pair_id}
    assert [each.rpartition(": ")[2].partition(" ")[0] for each in log()] == [
        *("Active", "Pending", "Trusted", "Retiring", "Active", "Retired"),
    ]
