"""State each fact about a configuration, under an id and with a remedy."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias

import pytest
from django.core.exceptions import ImproperlyConfigured

from cfsigned_django.conf import Config, LazyPrivateKey, whole_seconds
from cfsigned_django.signing import HashAlgorithm, PrivateKey
from cfsigned_django.validation import (
    TABLE,
    find_address_problems,
    find_problems,
    problem,
    raise_first_error,
)
from tests.leaks import fragments
from tests.storage_cases import (
    DAY,
    KEY_GROUP_ID,
    KEY_ID,
    counted_signatures,
    options_for,
    without_sha1,
)

Row: TypeAlias = tuple[str, dict[str, Any]]


def rows(check_id: str, option: str, *values: Any) -> list[Row]:
    """Return a row for each value of an option that makes no sense."""
    return [(check_id, {option: value}) for value in values]


# An id -> what makes it true of a configuration that is otherwise healthy.
WRONG: list[Row] = [
    ("E001", {"cloudfront_key": None, "cloudfront_key_id": None}),
    ("E001", {"cloudfront_key": None, "cloudfront_key_id": ""}),
    *rows("E002", "cloudfront_key_id", None, ""),
    *rows("E003", "cloudfront_key", None),
    *rows("E004", "custom_domain", None, ""),
    *rows("E005", "custom_domain", "https://media.example.com", "media.example.com/", "//m.com"),
    *rows(
        "E005", "custom_domain", "media.example.com/x", "media.example.com.", "m..com", "m.com?x"
    ),
    *rows(
        "E005", "custom_domain", "m example.com", "user@m.com", "[::1]:8001", "미디어.kr", "m.com\n"
    ),
    *rows("E005", "custom_domain", "*.example.com", 42, ["m.com"]),
    *rows("E005", "custom_domain", "m.com:port", "m.com:99999", "media.example.com:443"),
    ("E005", {"custom_domain": "localhost:80", "url_protocol": "http:"}),
    *rows("E006", "url_protocol", "https://", "ftp:", "HTTPS:", "https"),
    ("E007", {"cloudfront_key": LazyPrivateKey.wrap("no key"), "hash_algorithm": "SHA1"}),
    *rows("E007", "cloudfront_key", LazyPrivateKey.wrap("no key")),
    *rows("E008", "cloudfront_key_id", KEY_GROUP_ID.upper(), KEY_GROUP_ID),
    *rows("E009", "cloudfront_key_id", "K-1", " K1", "K1&x=", "한글", 42, "K 1"),
    *rows("E010", "hash_algorithm", "sha256", "MD5", "", 1, "SHA512"),
    *rows("E011", "hash_algorithm", "SHA1", HashAlgorithm.SHA1),
    *rows("E013", "querystring_expire", -1, timedelta(0), timedelta(seconds=0.5), 1.5, 300.0),
    *rows("E013", "querystring_expire", "300", True, 0),
    *rows("E014", "max_expire", -1, "7d", 1.5, None, 0),
    *rows("E015", "querystring_expire", 8 * DAY, timedelta(days=8)),
    ("E015", {"querystring_expire": 60, "max_expire": timedelta(seconds=59)}),
    *rows("E016", "expire_step", "1", 1.5, None, True, -1),
    *rows("E017", "querystring_auth", None, 0, "", "False"),
    *rows("E018", "custom_domain", "media.s3.ap-northeast-2.amazonaws.com"),
    *rows("E040", "url_cache_size", -1, "1000"),
    *rows("W001", "cloudfront_key_id", "mykey"),
    *rows("W004", "key_group_id", KEY_ID),
    *rows("W005", "url_protocol", "http:"),
]


@pytest.fixture
def healthy(ec_key: PrivateKey) -> Config:
    """Return a configuration with which nothing is wrong."""
    return Config.read(options_for(ec_key, key_group_id=KEY_GROUP_ID))


def ids(problems: list[Any]) -> list[str]:
    """Return the ids of problems, without their common beginning."""
    return [each.id.removeprefix("cfsigned.") for each in problems]


def wrapped(key: PrivateKey) -> LazyPrivateKey | None:
    """Return a key as the settings hold it."""
    return LazyPrivateKey.wrap(key.to_pem())


def test_healthy(healthy: Config, rsa_key: PrivateKey) -> None:
    """Find nothing wrong with a healthy configuration, for either kind of key."""
    assert find_problems(healthy) == []
    assert find_problems(replace(healthy, cloudfront_key=wrapped(rsa_key))) == []


@pytest.mark.parametrize(("check_id", "changes"), WRONG, ids=str)
def test_fact(check_id: str, changes: dict[str, Any], healthy: Config) -> None:
    """Find the one thing that is wrong, and say what to do."""
    [found] = find_problems(replace(healthy, **changes), obj='STORAGES["default"]')
    assert found.id == f"cfsigned.{check_id}"
    assert found.hint == TABLE[found.id]
    assert found.obj == 'STORAGES["default"]'
    assert found.is_serious() == check_id.startswith("E")
    assert "AWS_" in found.msg or check_id in ("E001", "W005")


@pytest.mark.parametrize(
    "changes",
    [
        {"max_expire": 7 * 86_400 + 1},
        {"max_expire": timedelta(days=8)},
        {"querystring_expire": 7 * 86_400, "expire_step": 1},
        {"expire_step": 7 * 86_400},
    ],
    ids=str,
)
def test_site_limit(changes: dict[str, Any], healthy: Config, settings: Any) -> None:
    """Let a storage lower the limit of the site's settings, and never exceed it."""
    wrong = replace(healthy, **changes)
    assert ids(find_problems(wrong)) == ["E041"]
    settings.AWS_CLOUDFRONT_MAX_EXPIRE = timedelta(days=15)
    assert find_problems(wrong) == []
    assert find_problems(replace(healthy, max_expire=3600)) == []


def test_lifetime_after_2038(healthy: Config, settings: Any) -> None:
    """Refuse a lifetime that ends after the last moment that a policy can name."""
    settings.AWS_CLOUDFRONT_MAX_EXPIRE = years = 20 * 365 * 86_400
    wrong = replace(healthy, querystring_expire=years, max_expire=years)
    assert ids(find_problems(wrong)) == ["E013"]


@pytest.mark.parametrize(
    ("check_id", "option", "value", "instead"),
    [
        ("E013", "querystring_expire", None, "3600"),
        ("E013", "querystring_expire", "600", "Write 600,"),
        ("E004", "custom_domain", False, "storages.backends.s3.S3Storage"),
    ],
)
def test_what_django_storages_takes(
    check_id: str, option: str, value: object, instead: str, healthy: Config
) -> None:
    """Say what to write instead of a value that django-storages takes."""
    [found] = find_problems(replace(healthy, **{option: value}))  # type: ignore[arg-type]
    assert ids([found]) == [check_id]
    assert instead in found.msg


def test_platform_without_sha1(healthy: Config, rsa_key: PrivateKey) -> None:
    """Find that the platform refuses SHA-1, which an RSA key signs with unless told otherwise."""
    rsa = replace(healthy, cloudfront_key=wrapped(rsa_key))
    with without_sha1():
        assert ids(find_problems(rsa)) == ["E012"]
        assert ids(find_problems(replace(rsa, hash_algorithm="SHA1"))) == ["E012"]
        assert find_problems(replace(rsa, hash_algorithm="SHA256")) == []
        assert find_problems(healthy) == []


def test_no_trial_before_a_signature(healthy: Config, rsa_key: PrivateKey) -> None:
    """Sign nothing if the key is about to sign, and once if only a check asks."""
    rsa = replace(healthy, cloudfront_key=wrapped(rsa_key))
    with counted_signatures() as signatures:
        assert find_problems(rsa, tries_key=False) == []
        assert signatures == []
        assert find_problems(rsa) == []
    assert signatures == [b""]


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        *((host, []) for host in ("localhost:8001", "127.0.0.1:8001", "127.1.2.3")),
        *((host, []) for host in ("cdn.example.test", "a.localhost")),
        *((host, ["W005"]) for host in ("10.0.0.1", "128.0.0.1", "testing.example.com")),
        ("localhost.example.com", ["W005"]),
    ],
)
def test_plain_http(domain: str, expected: list[str], healthy: Config) -> None:
    """Allow plain HTTP for the local edge, and warn of it everywhere else."""
    assert ids(find_problems(replace(healthy, custom_domain=domain, url_protocol="http:"))) == (
        expected
    )


def test_several_problems(healthy: Config) -> None:
    """Find all that is wrong at once, the key first; nothing about the key if none is needed."""
    wrong = replace(healthy, cloudfront_key_id=None, custom_domain=None, expire_step="x")
    assert ids(find_problems(wrong)) == ["E002", "E004", "E016"]
    assert ids(find_problems(wrong, with_key=False)) == ["E004", "E016"]


def test_address(healthy: Config) -> None:
    """Look at domain and protocol alone if URLs are public."""
    public = replace(healthy, cloudfront_key=None, max_expire=None)
    assert find_address_problems(public) == []
    assert ids(find_address_problems(replace(public, custom_domain=None))) == ["E004"]
    assert ids(find_address_problems(replace(public, url_protocol="x"))) == ["E006"]


def test_first_error() -> None:
    """Raise the first error, past warnings, with its remedy and id."""
    warning, error = problem("cfsigned.W001", "odd."), problem("cfsigned.E005", "wrong.")
    raise_first_error([])
    raise_first_error([warning])
    with pytest.raises(ImproperlyConfigured) as raised:
        raise_first_error([warning, error, problem("cfsigned.E006", "another.")])
    assert str(raised.value) == f"wrong. {TABLE['cfsigned.E005']} (cfsigned.E005)"


@pytest.mark.parametrize(
    ("option", "check_id"),
    [("cloudfront_key_id", "E009"), ("custom_domain", "E005"), ("hash_algorithm", "E010")],
)
def test_messages_hide_what_may_be_a_key(
    option: str, check_id: str, healthy: Config, rsa_key: PrivateKey
) -> None:
    """Leave out of a message what may be the key, set in the wrong place."""
    [found] = find_problems(replace(healthy, **{option: rsa_key.to_pem().decode()}))  # type: ignore[arg-type]
    assert ids([found]) == [check_id]
    assert not any(each in found.msg for each in fragments(rsa_key))


def test_no_id_beside_the_table() -> None:
    """Report no problem under an id that has no hint."""
    with pytest.raises(KeyError, match=r"cfsigned\.E999"):
        problem("cfsigned.E999", "wrong.")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (0, 0),
        (-1, -1),
        (60, 60),
        (timedelta(minutes=1), 60),
        (timedelta(days=-1), -86400),
        (timedelta(seconds=1.5), None),
        (timedelta.max, None),
        (True, None),
        (1.0, None),
        ("1", None),
        (None, None),
    ],
    ids=repr,
)
def test_whole_seconds(value: Any, seconds: int | None) -> None:
    """Read ints and timedeltas as seconds, and nothing else."""
    assert whole_seconds(value) == seconds
