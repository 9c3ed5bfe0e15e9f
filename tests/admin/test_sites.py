"""Test that the page works in other people's sites: their admin, transactions and databases.

Modules: admin/key_pairs.py
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django import Settings

from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey
from tests.admin import LIST, Visitor, address, detail
from tests.admin.conftest import DENIED
from tests.projects import Project
from tests.rotation import Shell, fresh
from tests.storage_cases import S3_BACKEND

OWN = LIST.replace("/admin/", "/own/")


def test_own_admin_is_never_left(admin: Visitor, cloudfront: Shell) -> None:
    """In an admin with another name every link, form and step stays in it."""
    cloudfront.imported()
    key_pair = cloudfront.activated()
    cloudfront.wait(8 * 86400)

    for path in (OWN, f"{OWN}{key_pair.pk}/change/", f"{OWN}{key_pair.pk}/revoke/"):
        html = admin.client.get(path).text
        assert OWN in html
        assert 'action="/own/logout/"' in html  # that admin's frame
        assert re.findall(r'(?:href|action)="(/admin/[^"]*)"', html) == []
    answer = admin.client.post(f"{OWN}start/", {"algorithm": "ECDSA_P256"})
    assert answer.headers["Location"] == OWN


def test_site_without_an_admin_can_import_all(tmp_path: Path, ec_key: PrivateKey) -> None:
    """If Django's admin is not installed, nothing is registered, and nothing fails."""
    project = Project(folder=tmp_path, key=ec_key)
    apps = ["django.contrib.contenttypes", "django.contrib.auth", "cfsigned_django"]
    project.settings(f"INSTALLED_APPS = {apps}")

    done = project.run("import cfsigned_django.admin")

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.django_db(transaction=True)
def test_steps_are_not_undone_by_a_transaction_of_the_request(
    admin: Visitor, cloudfront: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ATOMIC_REQUESTS each record of a step is kept at once, and every page opens."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    former = cloudfront.imported()
    key_pair = cloudfront.trusted(good_for=301)

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


REVOKE = """
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from cfsigned_django.models import KeyPair
from cfsigned_django.signing import PrivateKey
from tests.keyring import make_key_pair
for alias in ("default", "keys"):
    call_command("migrate", database=alias, verbosity=0)
group = {"key_group_id": "g", "active_in": "g"}
key_pair = make_key_pair(PrivateKey.generate(), "K1", status="active", **group)
client = Client()
client.force_login(User.objects.create_superuser("admin"))
list_page = "/admin/cfsigned_django/keypair/"
detail = f"{list_page}{key_pair.pk}/change/"
print(client.get(list_page).status_code, client.get(detail).status_code)
answer = client.post(f"{list_page}{key_pair.pk}/revoke/", {"typed": "K1"})
print(answer.status_code, KeyPair.objects.using("keys").get().status)
"""


def test_key_pairs_in_a_database_of_their_own(tmp_path: Path, ec_key: PrivateKey) -> None:
    """Open each page and revoke, also if both databases have ATOMIC_REQUESTS."""
    project = Project(folder=tmp_path, key=ec_key)
    project.write(
        "routing.py",
        "class Router:\n"
        "    def db_for_read(self, model, **hints):\n"
        "        return 'keys' if model._meta.app_label == 'cfsigned_django' else None\n"
        "    db_for_write = db_for_read\n",
    )
    project.settings(
        "from tests.settings import *",
        "DATABASES |= {'keys': {**DATABASES['default'], 'ATOMIC_REQUESTS': True}}",
        "DATABASES['default'] = DATABASES['keys'] | {}",
        "DATABASE_ROUTERS = ['routing.Router']",
        "ALLOWED_HOSTS = ['testserver']",
        "AWS_CLOUDFRONT_KEY_GROUP_ID = 'g'",
        "AWS_CLOUDFRONT_BY_HAND = True",
        f"DEFAULT_FILE_STORAGE = '{S3_BACKEND}'",
    )

    done = project.run(REVOKE)

    assert (done.stdout, done.stderr) == ("200 200\n302 revoked\n", "")


# A database that is read, and falls behind that of writes


@pytest.fixture
def fall_behind(settings: Settings, db: None) -> Iterator[Callable[[], None]]:
    """Return what gives the site a replica, which knows what is there now and no more."""
    connections.settings["replica"] = {
        **connections["default"].settings_dict,
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
    }
    replica = connections["replica"]
    replica.connect()  # a test may not open one that it did not name, as pytest-django sees it
    with replica.schema_editor() as editor:
        editor.create_model(KeyPair)

    def copy() -> None:
        KeyPair.objects.using("replica").bulk_create(KeyPair.objects.using("default"))
        settings.DATABASE_ROUTERS = ["tests.keyring.ReadFromReplica"]

    yield copy
    BaseDatabaseWrapper.close(replica)  # SQLite's own leaves one in memory open
    del connections["replica"], connections.settings["replica"]


def written(key_pair: KeyPair) -> KeyPair:
    """Return the key pair as the primary has it."""
    return KeyPair.objects.using("default").get(pk=key_pair.pk)


def test_step_right_after_the_start(admin: Visitor, fall_behind: Callable[[], None]) -> None:
    """A key that was made a moment ago is there for the next step, and in its history."""
    fall_behind()
    admin.take("start", algorithm="ECDSA_P256")
    key_pair = KeyPair.objects.using("default").get()

    assert f"Fingerprint: {key_pair.fingerprint}" in admin.get(detail(key_pair))
    assert str(key_pair) in admin.get(f"{LIST}{key_pair.pk}/history/")
    assert "BEGIN PUBLIC KEY" in admin.client.get(address("download", key_pair)).text
    admin.take("trust", key_pair)
    assert admin.levels == ["success"]
    assert written(key_pair).status == "trusted"


def test_revocation_that_comes_half_way(
    admin: Visitor, cloudfront: Shell, fall_behind: Callable[[], None]
) -> None:
    """Report a revocation as done even if the replica does not show it yet."""
    cloudfront.imported()
    key_pair = cloudfront.activated()
    fall_behind()
    cloudfront.failure = DENIED

    admin.take("revoke", key_pair, typed=str(key_pair))

    assert written(key_pair).status == "revoked"
    assert admin.levels == ["warning", "error"]


def test_key_of_another_group(
    admin: Visitor, fall_behind: Callable[[], None], cloudfront: Shell
) -> None:
    """A key that left this group a moment ago is shown as one of another group."""
    key_pair = cloudfront.started()
    fall_behind()
    rows = KeyPair.objects.using("default").filter(pk=key_pair.pk)
    rows.update(key_group_id="former", next_in="former")

    admin.get()

    assert list(admin.context["elsewhere"]) == [key_pair]
    assert admin.context["overview"].live == []
