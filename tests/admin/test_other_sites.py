"""Test that the page works in other people's sites: their admin, their transactions."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from django.db import connection

from cfsigned_django.rotation.models import KeyPair
from tests.admin import LIST, FakeCloudFront, Visitor, activated, fresh, imported, trusted
from tests.admin.conftest import DENIED

OWN = LIST.replace("/admin/", "/own/")


def test_own_admin_is_never_left(admin: Visitor) -> None:
    """In an admin with another name every link and every form stays in it."""
    imported()
    key_pair = activated(former_retiring_for=8 * 86400)

    for path in (OWN, f"{OWN}{key_pair.pk}/change/", f"{OWN}{key_pair.pk}/revoke/"):
        html = admin.client.get(path).text
        assert OWN in html
        assert re.findall(r'(?:href|action)="(/admin/[^"]*)"', html) == []


def test_step_in_own_admin_leads_back_to_it(admin: Visitor) -> None:
    """After a step the first page of the same admin follows."""
    imported()

    answer = admin.client.post(f"{OWN}start/", {"algorithm": "ECDSA_P256"})

    assert answer.headers["Location"] == OWN


@pytest.mark.django_db(transaction=True)
def test_steps_are_not_undone_by_a_transaction_of_the_request(
    admin: Visitor, cloudfront: FakeCloudFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ATOMIC_REQUESTS each record of a step is kept at once, and every page opens."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    former = imported()
    key_pair = trusted(good_for=301)

    admin.take("activate", key_pair)
    KeyPair.objects.filter(pk=former.pk).update(retiring_at=None)
    admin.get()
    assert fresh(former).retiring_at is not None
    KeyPair.objects.filter(pk=former.pk).update(retiring_at=None)
    admin.get(f"{LIST}{former.pk}/change/")
    assert fresh(former).retiring_at is not None
    cloudfront.failure = DENIED
    admin.take("revoke", key_pair, typed=str(key_pair))

    assert fresh(key_pair).status == "revoked"
    assert fresh(key_pair).removed_at is None


def test_site_without_an_admin_can_import_all() -> None:
    """Where Django's admin is not installed nothing is registered, and nothing fails."""
    code = (
        "import django; from django.conf import settings; "
        "settings.configure(INSTALLED_APPS=["
        "'django.contrib.contenttypes', 'django.contrib.auth', 'cfsigned_django']); "
        "django.setup(); import cfsigned_django.admin"
    )

    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True)

    assert (done.returncode, done.stderr) == (0, b"")
