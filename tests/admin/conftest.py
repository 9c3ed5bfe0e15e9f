"""Give the tests of the admin page a site, a CloudFront in memory, and people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.contrib.admin import site
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import Settings

from cfsigned_django.signing import KeyAlgorithm, PrivateKey
from tests.admin import Visitor
from tests.admin.transcript import Transcript
from tests.rotation import Shell
from tests.rotation.conftest import in_english as in_english, shell as shell
from tests.simulation.answers import refusal

MakeVisitor = Callable[..., Visitor]

#: What the database's clock shows: it stands still.
NOON = datetime(2027, 3, 3, 18, tzinfo=UTC)
#: What AWS answers when it does not do what is asked.
DENIED = refusal(
    "AccessDenied",
    "ListPublicKeys",
    "User: arn:aws:iam::111122223333:user/site is not authorized to perform: "
    "cloudfront:ListPublicKeys because no identity-based policy allows the "
    "cloudfront:ListPublicKeys action",
)


@pytest.fixture(autouse=True)
def cloudfront(shell: Shell, settings: Settings) -> Shell:
    """Set up a site whose key group holds the key of the settings, which signs."""
    shell.now, settings.TIME_ZONE = NOON, "America/Chicago"
    return shell


@pytest.fixture
def visit(db: None, monkeypatch: pytest.MonkeyPatch) -> MakeVisitor:
    """Return how a person with these permissions comes to the admin, without Django's sidebar."""
    monkeypatch.setattr(site, "enable_nav_sidebar", False)

    def log_in(*codenames: str, superuser: bool = False) -> Visitor:
        user = get_user_model().objects.create_user(
            f"person{get_user_model().objects.count()}", is_staff=True, is_superuser=superuser
        )
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client = Client()
        client.force_login(user)
        return Visitor(client=client)

    return log_in


@pytest.fixture
def story(cloudfront: Shell, settings: Settings) -> Shell:
    """Return the site of the how-to pages, at the time at which they begin."""
    cloudfront.now, settings.TIME_ZONE = datetime(2026, 12, 7, 14, tzinfo=UTC), "UTC"
    return cloudfront


@pytest.fixture
def transcript(admin: Visitor) -> Transcript:
    """Return a transcript of what the admin reads."""
    return Transcript(admin)


@pytest.fixture
def admin(visit: MakeVisitor) -> Visitor:
    """Return a person who may rotate and revoke."""
    return visit("view_keypair", "rotate_keypair", "revoke_keypair")


@pytest.fixture
def private_keys(monkeypatch: pytest.MonkeyPatch, rsa_key: PrivateKey) -> list[PrivateKey]:
    """Return the key of the settings, and each that is generated during the test."""
    found, generate = [rsa_key], PrivateKey.generate

    def remember(algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA_P256) -> PrivateKey:
        found.append(generate(algorithm))
        return found[-1]

    monkeypatch.setattr(PrivateKey, "generate", remember)
    return found
