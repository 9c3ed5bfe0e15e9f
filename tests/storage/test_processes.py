"""Use the storages in a process of their own, as sites do: without the app, and after a pickle."""

from __future__ import annotations

import base64
import pickle
from pathlib import Path

import pytest
from django.test import override_settings

from cfsigned_django.signing import PrivateKey, Verifier
from cfsigned_django.storage import CloudFrontS3Storage
from tests.projects import Project
from tests.storage_cases import DAY, DOMAIN, KEY_ID, NOW, ORIGIN, S3_BACKEND, at, settings_for

LOAD = """
import base64, pickle, sys
from cfsigned_django.storage import CloudFrontS3Storage
for text in sys.argv[1:]:
    print(pickle.loads(base64.b64decode(text)).url('a b.jpg'))
"""


@pytest.fixture
def project(tmp_path: Path, rsa_key: PrivateKey) -> Project:
    """Return an empty project."""
    return Project(folder=tmp_path, key=rsa_key)


def assert_signed_by(key: PrivateKey, url: str, resource: str = f"{ORIGIN}/a%20b.jpg") -> None:
    """Fail unless CloudFront would serve the URL by this key."""
    policy = Verifier({KEY_ID: key.public_key}).verify(url, now=0, viewer_ip=None)
    assert policy.resource == resource


def pickled(storage: CloudFrontS3Storage) -> str:
    """Return a pickle of the storage as text."""
    return base64.b64encode(pickle.dumps(storage)).decode()


def test_without_the_app(project: Project) -> None:
    """Sign where cfsigned_django is not in INSTALLED_APPS, and import no model for it."""
    project.settings(f'STORAGES = {{"default": {{"BACKEND": "{S3_BACKEND}"}}}}')
    done = project.run(
        "from django.core.files.storage import default_storage\n"
        "from cfsigned_django.storage import CloudFrontS3Storage\n"
        "print(default_storage.url('a b.jpg'), CloudFrontS3Storage().url('a b.jpg'))\n"
        "import sys; print('django.contrib.auth' in sys.modules)"
    )
    first, second, has_models = done.stdout.split()
    assert_signed_by(project.key, first)
    assert_signed_by(project.key, second)
    assert has_models == "False"


@pytest.mark.parametrize("key", ["rsa_key", "ec_key"])
def test_two_processes(key: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Give the same URLs in two processes that have the same key, RSA or ECDSA."""
    project = Project(folder=tmp_path, key=request.getfixturevalue(key))
    project.settings(f"AWS_CLOUDFRONT_EXPIRE_STEP = {6 * DAY}")
    done = project.run(
        f"import time; time.time = lambda: {NOW}.5\n"
        "from cfsigned_django.storage import CloudFrontS3Storage\n"
        "storage = CloudFrontS3Storage()\n"
        "print(storage.url('a b.jpg'), storage.url('albums/42/1.jpg', folder='albums/42'))"
    )
    settings = settings_for(project.key, AWS_CLOUDFRONT_EXPIRE_STEP=6 * DAY)
    with at(NOW), override_settings(**settings):
        storage = CloudFrontS3Storage()
        here = [storage.url("a b.jpg"), storage.url("albums/42/1.jpg", folder="albums/42")]
    assert done.stdout.split() == here


def test_pickle_in_another_process(project: Project, rsa_key: PrivateKey) -> None:
    """Load a pickle where the settings hold the same key, sign with it, and follow them."""
    with override_settings(**settings_for(rsa_key, AWS_LOCATION="here")):
        texts = [
            pickled(each)
            for each in (
                CloudFrontS3Storage(),
                CloudFrontS3Storage(cloudfront_key=rsa_key.to_pem()),
                CloudFrontS3Storage(location="given", custom_domain=DOMAIN),
            )
        ]
    project.settings('AWS_S3_CUSTOM_DOMAIN = "there.example.com"', 'AWS_LOCATION = "there"')
    done = project.run(LOAD, *texts)
    assert done.returncode == 0, done.stderr
    followed, with_key, given = done.stdout.split()
    for url in (followed, with_key):
        assert_signed_by(project.key, url, "https://there.example.com/there/a%20b.jpg")
    assert_signed_by(project.key, given, f"{ORIGIN}/given/a%20b.jpg")


def test_pickle_where_the_key_is_missing(project: Project, ec_key: PrivateKey) -> None:
    """Say which setting is missing if the process that loads the pickle has another key."""
    with override_settings(**settings_for(ec_key)):
        given = pickled(CloudFrontS3Storage(cloudfront_key=ec_key.to_pem()))
    project.settings()
    done = project.run(LOAD, given)
    assert done.returncode == 1
    assert "ImproperlyConfigured" in done.stderr
    assert "AWS_CLOUDFRONT_KEY" in done.stderr
