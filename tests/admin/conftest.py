"""Give the tests of the admin page a site, a CloudFront in memory, and people."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import ReadTimeoutError
from django.contrib.admin import site
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import Settings

from cfsigned_django import keyring
from cfsigned_django.rotation import site as site_rotation, store
from cfsigned_django.signing import PrivateKey
from tests.admin import FakeCloudFront, Visitor
from tests.admin.story import Story
from tests.admin.transcript import NOON, Transcript
from tests.simulation.answers import refusal

MakeVisitor = Callable[..., Visitor]

#: What AWS and the way there answer when they do not do what is asked.
DENIED = refusal(
    "AccessDenied",
    "ListPublicKeys",
    "User: arn:aws:iam::111122223333:user/site is not authorized to perform: "
    "cloudfront:ListPublicKeys because no identity-based policy allows the "
    "cloudfront:ListPublicKeys action",
)
LATE = ReadTimeoutError(endpoint_url="https://cloudfront.amazonaws.com")


@pytest.fixture(autouse=True)
def cloudfront(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, rsa_key: PrivateKey, db: None
) -> FakeCloudFront:
    """Set up a site whose key group holds the key of the settings, which signs."""
    fake = FakeCloudFront(pem=rsa_key.public_key.to_pem())
    settings.AWS_CLOUDFRONT_KEY = rsa_key.to_pem().decode()
    settings.AWS_CLOUDFRONT_KEY_ID = fake.settings_key_id
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = fake.key_group_id
    settings.AWS_S3_CUSTOM_DOMAIN = "media.example.com"
    settings.AWS_STORAGE_BUCKET_NAME = "media-example"
    settings.STORAGES = {
        "default": {"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    monkeypatch.setattr(site_rotation, "make_client", lambda name: fake)
    monkeypatch.setattr(site_rotation, "send_probe", fake.probe)
    keyring.forget()
    return fake


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
def story(settings: Settings, monkeypatch: pytest.MonkeyPatch, cloudfront: FakeCloudFront) -> Story:
    """Return the story of the how-to pages; the database has its time."""
    settings.TIME_ZONE = "UTC"
    story = Story()
    monkeypatch.setattr(store, "read_database_clock", lambda using: story.now)
    return story


@pytest.fixture
def transcript(admin: Visitor, monkeypatch: pytest.MonkeyPatch) -> Transcript:
    """Return a transcript of what the admin reads, while the database's clock stands still."""
    monkeypatch.setattr(store, "read_database_clock", lambda using: NOON)
    return Transcript(admin)


@pytest.fixture
def admin(visit: MakeVisitor) -> Visitor:
    """Return a person who may rotate and revoke."""
    return visit("view_keypair", "rotate_keypair", "revoke_keypair")
