"""What the demo's pages say about keys: the length of links, and how short the waits are."""

from __future__ import annotations

import re
import time

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.test import Client, override_settings
from django.utils import timezone

from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey, Signer
from demo_project.run import KEYS_PATH
from tests.demo_project.browsing import KEY_GROUP_ID, jpeg, links, upload

pytest.importorskip("PIL", reason="needs the demo extra: Pillow")

pytestmark = pytest.mark.django_db(transaction=True)

SHORT = {
    "AWS_QUERYSTRING_EXPIRE": 90,
    "AWS_CLOUDFRONT_MAX_EXPIRE": 90,
    "AWS_CLOUDFRONT_PROPAGATION_SECONDS": 8,
    "AWS_CLOUDFRONT_KEYRING_SECONDS": 3,
    "AWS_CLOUDFRONT_CLOCK_SKEW_SECONDS": 1,
}


def measured(page: str) -> int:
    """Return the length of links that a page states."""
    found = re.search(r'data-length="(\d+)"', page)
    assert found is not None
    return int(found[1])


def test_the_gallery_states_the_length_of_its_links(site: Client) -> None:
    """State the shortest link of the page, which lies between the two that it has."""
    upload(site, "/", ("a.jpg", jpeg()))
    page = upload(site, "/", ("a much longer name.jpg", jpeg()))
    assert measured(page) == min(map(len, links(page)))
    assert measured(page) < max(map(len, links(page)))


def test_links_of_rsa_are_longer_and_say_so(site: Client, rsa_key: PrivateKey) -> None:
    """Offer the rotation while an RSA key signs, and tell what was gained once ECDSA does."""
    upload(site, "/", ("a.jpg", jpeg()))
    with override_settings(AWS_CLOUDFRONT_KEY=rsa_key.to_pem()):
        before = site.get("/").content.decode()
    after = site.get("/").content.decode()
    assert f'<a href="{KEYS_PATH}">Rotate to ECDSA</a>' in before
    assert "Rotate to ECDSA" not in after
    assert "where RSA 2048 has 256" in after
    assert measured(after) < measured(before) - 200


def test_an_empty_gallery_states_nothing(site: Client) -> None:
    """Say nothing about the length of links where there is none."""
    assert "data-length" not in site.get("/").content.decode()


def test_the_admin_says_that_waits_are_short(site: Client) -> None:
    """Say on the page of the keys what a wait is here, and what it is by default."""
    site.force_login(User.objects.create_superuser("demo"))
    with override_settings(**SHORT):
        page = site.get(KEYS_PATH, headers={"Accept-Language": "ko"}).content.decode()
    assert "서명 키 쌍" in page
    # Once in each language of the admin; the list is English, and explained in Korean.
    assert "This is the demo: its waits are short" in page
    assert "데모에서는 대기 시간이 짧습니다." in page
    waits = re.findall(r"<li>([^<]+)<b>([^<]+)</b>, by default ([^<]+)</li>", page)
    assert waits == [
        ("links live ", "90 s", "7 days"),
        ("a new key has to work ", "8 s", "5 min"),
        ("a process signs before it looks again ", "3 s", "60 s"),
        ("clocks may be wrong by ", "1 s", "2 min"),
    ]


def test_waits_of_a_real_site_are_not_called_short(site: Client) -> None:
    """List no wait that is as long as it is by default."""
    site.force_login(User.objects.create_superuser("demo"))
    assert "by default" not in site.get(KEYS_PATH).content.decode()


def test_the_login_page_has_no_notice(site: Client) -> None:
    """Leave the login page as it is."""
    assert "demo-waits" not in site.get("/admin/login/").content.decode()


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (KeyStatus.RETIRING, "the signature does not match"),
        (KeyStatus.RETIRED, "is not in a trusted key group"),
    ],
)
def test_the_reason_knows_the_keys_that_the_edge_trusts(
    site: Client, rsa_key: PrivateKey, status: KeyStatus, why: str
) -> None:
    """Explain a changed link of a former key by the change, until the key has left the group."""
    upload(site, "/documents/", ("a.txt", b"text"))
    row = KeyPair.from_private_key(
        rsa_key,
        key_group_id=KEY_GROUP_ID,
        created_at=timezone.now(),
        key_pair_id="KFORMERKEY0001",
        status=status,
    )
    row.save()
    signer = Signer(key_pair_id="KFORMERKEY0001", private_key=rsa_key)
    storage = default_storage
    url = signer.sign_url(
        storage.url("documents/a.txt").partition("?")[0], date_less_than=int(time.time()) + 60
    )
    answer = site.post("/documents/1/", {"url": url + "&size=large"}).content.decode()
    assert why in answer


def test_the_admin_opens_where_no_key_signs(site: Client) -> None:
    """Show the page that can repair it although no link can be signed."""
    site.force_login(User.objects.create_superuser("demo"))
    with override_settings(AWS_CLOUDFRONT_KEY=None, AWS_CLOUDFRONT_KEY_ID=None):
        page = site.get(KEYS_PATH)
    assert page.status_code == 200
    assert "No key signs" in page.content.decode()


def test_json_refuses_a_lifetime_beyond_the_longest(site: Client) -> None:
    """Say how long links may live at most."""
    with override_settings(AWS_QUERYSTRING_EXPIRE=90):
        assert site.get("/api/files/", {"expire": "90"}).status_code == 200
        answer = site.get("/api/files/", {"expire": "91"})
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "expire must be 1 to 90 seconds."},
    )
