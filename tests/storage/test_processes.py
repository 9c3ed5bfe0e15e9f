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
from tests.storage_cases import DOMAIN, KEY_ID, S3_BACKEND, settings_for

PRINT_URL = (
    "from django.core.files.storage import default_storage\nprint(default_storage.url('a b.jpg'))"
)


@pytest.fixture
def project(tmp_path: Path, rsa_key: PrivateKey) -> Project:
    """Return an empty project."""
    return Project(folder=tmp_path, key=rsa_key)


def assert_signed_by(key: PrivateKey, url: str) -> None:
    """Fail unless CloudFront would serve the URL by this key."""
    policy = Verifier({KEY_ID: key.public_key}).verify(url, now=0, viewer_ip=None)
    assert policy.resource == f"https://{DOMAIN}/a%20b.jpg"


def test_without_the_app(project: Project) -> None:
    """Sign where cfsigned_django is not in INSTALLED_APPS, and import no model for it."""
    project.settings(f'STORAGES = {{"default": {{"BACKEND": "{S3_BACKEND}"}}}}')
    done = project.run(f"{PRINT_URL}\nimport sys; print('django.contrib.auth' in sys.modules)")
    url, has_models = done.stdout.split()
    assert_signed_by(project.key, url)
    assert has_models == "False"


def test_without_setup(project: Project) -> None:
    """Sign in a script that configures settings and no apps."""
    project.settings()
    done = project.manage("shell", "-v", "0", "-c", "pass")
    assert done.returncode == 0, done.stderr
    code = "from cfsigned_django.storage import CloudFrontS3Storage as S\nprint(S().url('a b.jpg'))"
    assert_signed_by(project.key, project.run(code).stdout.strip())


def test_pickle_in_another_process(project: Project, rsa_key: PrivateKey) -> None:
    """Load a pickle where the settings hold the same key, and sign with it."""
    with override_settings(**settings_for(rsa_key)):
        followed = pickle.dumps(CloudFrontS3Storage())
        given = pickle.dumps(CloudFrontS3Storage(cloudfront_key=rsa_key.to_pem()))
    project.settings()
    for pickled in (followed, given):
        text = base64.b64encode(pickled).decode()
        code = (
            "import base64, pickle, sys\n"
            "print(pickle.loads(base64.b64decode(sys.argv[1])).url('a b.jpg'))"
        )
        done = project.run(code, text)
        assert done.returncode == 0, done.stderr
        assert_signed_by(project.key, done.stdout.strip())


def test_pickle_follows_the_other_process(project: Project, rsa_key: PrivateKey) -> None:
    """Let a storage that followed the settings here follow those of the process that loads it."""
    with override_settings(**settings_for(rsa_key, AWS_LOCATION="here")):
        pickled = base64.b64encode(pickle.dumps(CloudFrontS3Storage())).decode()
    project.settings('AWS_S3_CUSTOM_DOMAIN = "there.example.com"', 'AWS_LOCATION = "there"')
    code = (
        "import base64, pickle, sys\n"
        "print(pickle.loads(base64.b64decode(sys.argv[1])).unsigned_url('a.jpg'))"
    )
    assert project.run(code, pickled).stdout.strip() == "https://there.example.com/there/a.jpg"


def test_pickle_where_the_key_is_missing(project: Project, ec_key: PrivateKey) -> None:
    """Say what is missing where the process that loads the pickle has another key."""
    with override_settings(**settings_for(ec_key)):
        given = CloudFrontS3Storage(cloudfront_key=ec_key.to_pem())
        pickled = base64.b64encode(pickle.dumps(given)).decode()
    project.settings()
    code = "import base64, pickle, sys\npickle.loads(base64.b64decode(sys.argv[1])).url('a.jpg')"
    done = project.run(code, pickled)
    assert done.returncode == 1
    assert "Set AWS_CLOUDFRONT_KEY here as well" in done.stderr
