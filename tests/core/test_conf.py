"""Read the settings, in one place, and stand for keys without showing them."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages

from cfsigned_django.core import conf, keyring
from cfsigned_django.core.conf import Config, LazyPrivateKey
from cfsigned_django.signing import InvalidKey, PrivateKey
from tests.leaks import fragments
from tests.storage_cases import DOMAIN, KEY_ID, S3_BACKEND, options_for


class TestConfig:
    """The settings, or a storage's options over them."""

    @pytest.mark.parametrize(
        "option",
        [name for name, row in conf.OPTIONS.items() if row.name and name != "cloudfront_key"],
    )
    def test_setting_and_option(self, option: str, settings: Any) -> None:
        """Read the documented default, a setting over it, and an option over both."""
        assert getattr(Config.read(), option) == conf.OPTIONS[option].default
        setattr(settings, conf.OPTIONS[option].name, "setting")
        assert getattr(Config.read(), option) == "setting"
        assert getattr(Config.read({option: "option"}), option) == "option"
        assert getattr(Config.read({"bucket_name": "b"}), option) == "setting"

    def test_key(self, settings: Any, ec_key: PrivateKey, rsa_key: PrivateKey) -> None:
        """Wrap a key of a setting or an option, and show it nowhere."""
        assert Config.read().cloudfront_key is None
        settings.AWS_CLOUDFRONT_KEY = ec_key.to_pem()
        of_setting = Config.read()
        of_option = Config.read(options_for(rsa_key))
        for config, key in ((of_setting, ec_key), (of_option, rsa_key)):
            assert isinstance(config.cloudfront_key, LazyPrivateKey)
            assert config.cloudfront_key.load().public_key == key.public_key
            assert not any(each in repr(config) for each in fragments(key))
        assert f"cloudfront_key_id='{KEY_ID}', custom_domain='{DOMAIN}'" in repr(of_option)


class TestLazyPrivateKey:
    """A key that has not been parsed yet."""

    def test_one_for_each_value(self) -> None:
        """Be one and the same for a text, its bytes and itself, parsed once; None for nothing."""
        assert {LazyPrivateKey.wrap(empty) for empty in (None, "", b"")} == {None}
        assert LazyPrivateKey.wrap("no text: \ud800")
        pem = PrivateKey.generate().to_pem()  # one that no other test has parsed
        with mock.patch.object(PrivateKey, "load", wraps=PrivateKey.load) as load:
            sources = [
                LazyPrivateKey.wrap(each) for each in (pem, pem.decode(), LazyPrivateKey.wrap(pem))
            ]
            keys = {id(source.load()) for source in sources if source for _ in range(3)}
        assert len(set(sources)) == len(keys) == load.call_count == 1

    def test_path(self, tmp_path: Path, ec_key: PrivateKey) -> None:
        """Tell a path from others, and from its text; look again for a file that is late."""
        path = tmp_path / "late.pem"
        text, file = LazyPrivateKey.wrap(str(path)), LazyPrivateKey.wrap(path)
        assert len({text, file, LazyPrivateKey.wrap(tmp_path / "other.pem")}) == 3
        assert text is not None
        assert file is not None
        with pytest.raises(InvalidKey, match=r"late\.pem"):
            file.load()
        path.write_bytes(ec_key.to_pem())
        assert file.load().public_key == ec_key.public_key
        with pytest.raises(InvalidKey):
            text.load()

    def test_copies(self, ec_key: PrivateKey) -> None:
        """Be the same in a copy, and never in a pickle."""
        source = LazyPrivateKey.wrap(ec_key.to_pem())
        assert source is copy.copy(source) is copy.deepcopy(source)
        with pytest.raises(TypeError, match="never pickled"):
            pickle.dumps(source)
        assert not any(each in f"{source!r}{source}" for each in fragments(ec_key))


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        (None, "/"),
        ("media", "/media/"),
        ("a/b/", "/a/b/"),
        ("미디어 50%", "/%EB%AF%B8%EB%94%94%EC%96%B4%2050%25/"),
    ],
    ids=str,
)
def test_base_url(location: str | None, expected: str, settings: Any) -> None:
    """Turn AWS_LOCATION into the path of a URL."""
    if location is not None:
        settings.AWS_LOCATION = location
    assert conf.base_url() == expected


def test_changes_begin_a_generation(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin a generation with a change of AWS settings, and no other, without the app too."""
    monkeypatch.setattr(keyring, "_keyring", None)
    before = conf.generation
    settings.AWS_LOCATION = "x"
    after = conf.generation
    assert after is not before
    settings.MEDIA_URL = "/x/"
    assert conf.generation is after


def test_options_of_others(settings: Any, rsa_key: PrivateKey) -> None:
    """Leave the key of another storage usable if a storage of this package is wrong."""
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
    with pytest.raises(ImproperlyConfigured, match="qurystring_expire"):
        storages["default"]
    assert "Signature=" in storages["legacy"].url("a.jpg")


def test_what_is_hidden() -> None:
    """Show nothing of what is set as the key, whatever it is, and other values unchanged."""
    for option in ("access_key", "custom_domain", "cloudfront_key_id"):
        assert conf.hide(option, KEY_ID) is KEY_ID
    for value in ("cut off", b"cut off", Path("cut off")):
        assert "cut off" not in repr(conf.hide("cloudfront_key", value))
    for value in ("MIIE" * 30, "-----BEGIN"):  # as the value of another setting
        assert value not in conf.shown(value)
