"""Read the settings, in one place, and stand for keys without showing them."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages

from cfsigned_django import conf
from cfsigned_django.conf import Config, LazyPrivateKey
from cfsigned_django.signing import InvalidKey, PrivateKey
from tests.leaks import fragments
from tests.storage_cases import DOMAIN, KEY_ID, S3_BACKEND, counted_loads, options_for

ROOT = Path(__file__).parent.parent

EXPECTED_DEFAULTS = {
    "cloudfront_key": None,
    "cloudfront_key_id": None,
    "custom_domain": None,
    "url_protocol": "https:",
    "querystring_auth": True,
    "querystring_expire": 3600,
    "expire_step": 0,
    "url_cache_size": 10_000,
    "max_expire": 604800,
    "hash_algorithm": None,
    "key_group_id": None,
}


class TestConfig:
    @pytest.mark.parametrize("option", conf.OPTIONS)
    def test_default(self, option: str) -> None:
        """Have the documented default where a setting is absent."""
        assert getattr(Config.read(), option) == EXPECTED_DEFAULTS[option]

    @pytest.mark.parametrize("option", [name for name in conf.OPTIONS if name != "cloudfront_key"])
    def test_setting_and_option(self, option: str, settings: Any) -> None:
        """Read a setting, and an option over it."""
        setattr(settings, conf.OPTIONS[option][0], "setting")
        assert getattr(Config.read(), option) == "setting"
        assert getattr(Config.read({option: "option"}), option) == "option"
        assert getattr(Config.read({"bucket_name": "b"}), option) == "setting"

    def test_key(self, settings: Any, ec_key: PrivateKey, rsa_key: PrivateKey) -> None:
        """Hold keys as sources, from a setting or an option."""
        settings.AWS_CLOUDFRONT_KEY = ec_key.to_pem()
        of_setting = Config.read().cloudfront_key
        of_option = Config.read({"cloudfront_key": rsa_key.to_pem()}).cloudfront_key
        assert isinstance(of_setting, LazyPrivateKey)
        assert isinstance(of_option, LazyPrivateKey)
        assert of_setting.load().public_key == ec_key.public_key
        assert of_option.load().public_key == rsa_key.public_key

    def test_repr(self, ec_key: PrivateKey) -> None:
        """Show what is no secret."""
        text = repr(Config.read(options_for(ec_key)))
        assert f"cloudfront_key_id='{KEY_ID}', custom_domain='{DOMAIN}'" in text
        assert not any(each in text for each in fragments(ec_key))

    def test_frozen(self) -> None:
        """Refuse to be changed."""
        with pytest.raises(AttributeError):
            Config.read().custom_domain = "other"  # type: ignore[misc]


class TestLazyPrivateKey:
    @pytest.mark.parametrize("empty", [None, "", b""], ids=repr)
    def test_nothing(self, empty: Any) -> None:
        """Be nothing where nothing is set."""
        assert LazyPrivateKey.wrap(empty) is None

    def test_one_for_each_value(self) -> None:
        """Be one and the same for a text, its bytes and itself; parse it once."""
        pem = PrivateKey.generate().to_pem()  # one that no other test has parsed
        with counted_loads() as loads:
            sources = [
                LazyPrivateKey.wrap(each) for each in (pem, pem.decode(), LazyPrivateKey.wrap(pem))
            ]
            keys = {id(source.load()) for source in sources if source for _ in range(3)}
        assert len(set(sources)) == len(keys) == len(loads) == 1

    def test_path_and_text_differ(self, tmp_path: Path, ec_key: PrivateKey) -> None:
        """Tell a path from the same text, whichever comes first."""
        path = tmp_path / "cloudfront.pem"
        path.write_bytes(ec_key.to_pem())
        text, file = LazyPrivateKey.wrap(str(path)), LazyPrivateKey.wrap(path)
        assert text is not None
        assert file is not None
        assert text is not file
        with pytest.raises(InvalidKey):
            text.load()
        assert file.load().public_key == ec_key.public_key

    def test_failure_is_not_remembered(self, tmp_path: Path, ec_key: PrivateKey) -> None:
        """Look again after a failure, so that a file that arrives late is found."""
        path = tmp_path / "late.pem"
        source = LazyPrivateKey.wrap(path)
        assert source is not None
        with pytest.raises(InvalidKey, match="does not exist"):
            source.load()
        path.write_bytes(ec_key.to_pem())
        assert source.load().public_key == ec_key.public_key

    def test_copies(self, ec_key: PrivateKey) -> None:
        """Be the same in a copy, and equal after a pickle, which brings no key along."""
        source = LazyPrivateKey.wrap(ec_key.to_pem())
        assert source is copy.copy(source) is copy.deepcopy(source)
        again = pickle.loads(pickle.dumps(source))  # noqa: S301
        assert again == source
        other = LazyPrivateKey(None, "0" * 64)
        with pytest.raises(InvalidKey, match="Set AWS_CLOUDFRONT_KEY here as well"):
            other.load()
        assert repr(source) == str(source) == "<LazyPrivateKey, hidden>"


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        (None, "/"),
        ("", "/"),
        ("media", "/media/"),
        ("media/", "/media/"),
        ("a/b", "/a/b/"),
        ("미디어 1", "/%EB%AF%B8%EB%94%94%EC%96%B4%201/"),
        ("50%", "/50%25/"),
    ],
    ids=str,
)
def test_base_url(location: str | None, expected: str, settings: Any) -> None:
    """Turn AWS_LOCATION into the path of a URL."""
    if location is not None:
        settings.AWS_LOCATION = location
    assert conf.base_url() == expected


def test_changes_are_counted(settings: Any) -> None:
    """Count changes of AWS settings, and of no others."""
    before = conf.generation
    settings.AWS_LOCATION = "x"
    after = conf.generation
    assert after > before
    settings.MEDIA_URL = "/x/"
    assert conf.generation == after


@pytest.mark.filterwarnings("ignore:.*utcnow:DeprecationWarning")  # django-storages' own
def test_options_of_others(settings: Any, rsa_key: PrivateKey) -> None:
    """Leave the key of another storage as it is, and usable, where one of this class is wrong."""
    of_django_storages = {
        "bucket_name": "legacy",
        "custom_domain": "legacy.example.com",
        "cloudfront_key": rsa_key.to_pem(),
        "cloudfront_key_id": KEY_ID,
    }
    settings.STORAGES = {
        "default": {"BACKEND": S3_BACKEND, "OPTIONS": {"qurystring_expire": 60}},
        "legacy": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": of_django_storages},
        "gone": {"BACKEND": "no.such.Storage"},
    }
    with pytest.raises(ImproperlyConfigured, match="querystring_expire"):
        storages["default"]
    assert "Signature=" in storages["legacy"].url("a.jpg")


@pytest.mark.parametrize("option", ["access_key", "custom_domain", "cloudfront_key_id"])
def test_what_is_no_secret(option: str) -> None:
    """Leave alone what is no secret."""
    assert conf.hide(option, KEY_ID) is KEY_ID


def test_only_conf_reads_settings() -> None:
    """Import Django's settings in conf.py only."""
    files = sorted((ROOT / "cfsigned_django").rglob("*.py"))
    found = [each for each in files if "from django.conf import" in each.read_text()]
    assert [str(each.relative_to(ROOT / "cfsigned_django")) for each in found] == [
        "conf.py",
    ]
