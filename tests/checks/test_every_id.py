"""Report each id of the table by manage.py check, for a site that is otherwise healthy."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta
from io import StringIO
from typing import Any

import django
import pytest
from django.core import checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from cfsigned_django import conf
from cfsigned_django.checks import caching
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage, options as storage_options
from cfsigned_django.validation import TABLE
from tests.keyring import make_key_pair
from tests.storage_cases import DOMAIN, FILE_BACKEND, KEY_GROUP_ID, S3_BACKEND, without_sha1
from tests.test_checks import WRONG, ids

STATIC = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
OURS = {"BACKEND": S3_BACKEND}


def with_options(**options: Any) -> dict[str, Any]:
    """Return STORAGES with another storage of this package that has these options."""
    return {"default": OURS, "staticfiles": STATIC, "other": {**OURS, "OPTIONS": options}}


#: An id -> settings that make it true. Where they are empty, test_every_id() does more.
SITES: dict[str, dict[str, Any]] = {
    **{
        check_id: {conf.OPTIONS[name][0]: value for name, value in changes.items()}
        for check_id, changes in WRONG
    },
    "E001": {
        "AWS_CLOUDFRONT_KEY": None,
        "AWS_CLOUDFRONT_KEY_ID": None,
        "AWS_CLOUDFRONT_KEY_GROUP_ID": None,
    },
    "W010": {
        "AWS_CLOUDFRONT_KEY": None,
        "AWS_CLOUDFRONT_KEY_ID": None,
        "AWS_CLOUDFRONT_KEY_GROUP_ID": None,
    },
    "E012": {},
    "E015": {
        "AWS_QUERYSTRING_EXPIRE": 600,
        "AWS_CLOUDFRONT_MAX_EXPIRE": timedelta(seconds=599),
    },
    "E020": {"STORAGES": {"default": OURS, "staticfiles": OURS}},
    "E021": {"DEFAULT_FILE_STORAGE": FILE_BACKEND},
    "E022": {"DEFAULT_FILE_STORAGE": FILE_BACKEND, "STORAGES": {"staticfiles": STATIC}},
    "E023": {"AWS_CLOUDFRONT_ENCRYPTION_KEYS": ["wrong"]},
    "E024": {"AWS_CLOUDFRONT_KEYRING_SECONDS": "60"},
    "E025": {"AWS_CLOUDFRONT_SPARE_KEY": "RSA_4096"},
    "E026": {"USE_TZ": False},
    "E027": {"AWS_CLOUDFRONT_KEY_GROUP_QUOTA": 0},
    "E030": {"AWS_CLOUDFRONT_BY_HAND": "no"},
    "E041": {"STORAGES": with_options(max_expire=7 * 86_400 + 1)},
    "E042": {
        "MEDIA_ROOT": "",
        "STORAGES": {"default": {"BACKEND": FILE_BACKEND}, "staticfiles": STATIC},
    },
    "W002": {"STATIC_URL": f"https://{DOMAIN}/static/"},
    "W003": {},
    "W006": {"AWS_CLOUDFRONT_PROPAGATION_SECONDS": 0},
    "W007": {},
    "W008": {},
    "W009": {"STORAGES": with_options(key_group_id=None)},
    "W040": {
        "MIDDLEWARE": ["django.middleware.cache.UpdateCacheMiddleware"],
        "CACHE_MIDDLEWARE_SECONDS": 3601,
    },
    "W042": {"AWS_CLOUDFRONT_EXPIRE_STEP": 900},
    "W043": {},
}


def found_by_check() -> list[checks.CheckMessage]:
    """Return what the checks of this package find, with those of the database."""
    found = checks.run_checks(databases=["default"])
    return [each for each in found if str(each.id).startswith("cfsigned.")]


@pytest.mark.django_db
@pytest.mark.parametrize("check_id", TABLE)
def test_every_id(
    check_id: str,
    site: Any,
    rsa_key: PrivateKey,
    ec_key: PrivateKey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Report the one thing that is wrong, under its id, with its hint and level."""
    short = check_id.removeprefix("cfsigned.")
    changes = SITES[short]
    site.AWS_CLOUDFRONT_KEY = (rsa_key if short == "E012" else ec_key).to_pem()
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    if short != "W003":
        site.STORAGES = {"default": OURS, "staticfiles": STATIC}
    assert found_by_check() == []

    for name, value in changes.items():
        setattr(site, name, value)
    if short == "W003":
        site.DEFAULT_FILE_STORAGE = S3_BACKEND
        conf.honor_default_file_storage()
    if short == "W007":
        make_key_pair(ec_key, "K1")
        site.SECRET_KEY = "new"
    if short == "W042":
        monkeypatch.setattr(caching, "has_deterministic_ecdsa", lambda: False)
    if short == "W043":
        monkeypatch.setattr(django, "VERSION", (5, 2, 18, "final", 0))
    with without_sha1() if short == "E012" else nullcontext():
        found = found_by_check()
    if short == "E001":
        # A warning until the site is deployed: nobody has to have a key to migrate.
        assert ids(found) == ["W010"]
        found = [
            each
            for each in checks.run_checks(include_deployment_checks=True)
            if str(each.id) == check_id
        ]
    if short == "W008":
        # No check of an app runs in a site without the app: the storage reports it.
        monkeypatch.setattr(storage_options, "looks_in_database", lambda group: False)
        found = CloudFrontFileSystemStorage().find_problems()

    assert ids(found) == [short]
    assert found[0].hint == TABLE[check_id]
    assert found[0].is_serious() == short.startswith("E")


def output_of_check(**options: Any) -> str:
    """Return what manage.py check prints."""
    output = StringIO()
    try:
        call_command("check", stdout=output, stderr=output, **options)
    except SystemCheckError as error:
        return str(error)
    return output.getvalue()


def test_check_command(site: Any) -> None:
    """Fail for an error, with its hint and what it is about, with Django's checks of files."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}, "staticfiles": STATIC}
    assert "cfsigned" not in output_of_check()

    site.AWS_CLOUDFRONT_KEY = None
    with pytest.raises(SystemCheckError, match=r"cfsigned\.E003"):
        call_command("check", stderr=StringIO())
    text = output_of_check(tags=["files"])
    assert "(cfsigned.E003)" in text
    assert TABLE["cfsigned.E003"] in text
    assert 'STORAGES["default"]' in text
    assert "cfsigned.E003" not in output_of_check(tags=["urls"])


@pytest.mark.django_db
def test_check_with_a_database(site: Any, ec_key: PrivateKey) -> None:
    """Look into the database with check --database only, as Django's own checks do."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}, "staticfiles": STATIC}
    make_key_pair(ec_key, "K1")
    site.SECRET_KEY = "new"

    assert "cfsigned.W007" not in output_of_check()
    assert "cfsigned.W007" in output_of_check(databases=["default"])
