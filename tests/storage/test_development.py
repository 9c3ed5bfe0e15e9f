"""Sign in development with no setting but the storage, and nowhere else."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import CommandError

from cfsigned_django.rotation.site import site_rotation
from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from cfsigned_django.storage.development import KEY_PAIR_ID
from cfsigned_django.testing import edge_for
from tests.background import free_ports
from tests.leaks import fragments
from tests.storage_cases import FILE_BACKEND, KEY_GROUP_ID, KEY_ID


@pytest.fixture
def bare(settings: Any, tmp_path: Path) -> Any:
    """Configure a new site in development: its storage, its folder, and nothing else."""
    for name in list(vars(settings._wrapped)):
        if name.startswith("AWS_"):
            delattr(settings, name)
    settings.DEBUG = True
    settings.MEDIA_ROOT = tmp_path
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": FILE_BACKEND}}
    return settings


def test_storage_alone(bare: Any) -> None:
    """The edge serves what the storage signs, and refuses the rest: one line in the settings."""
    name = default_storage.save("사진.jpg", ContentFile(b"picture"))
    url = default_storage.url(name)
    edge = edge_for("default")

    assert url.startswith("http://127.0.0.1:8001/")
    assert edge.get(url).body == b"picture"
    assert edge.get(url.partition("?")[0]).error_code == "MissingKey"


def test_key_follows_the_secret_key(bare: Any) -> None:
    """Each process of a site derives the same key, and no two sites have one in common."""
    keys = [CloudFrontFileSystemStorage().trusted_keys() for _ in range(2)]
    bare.SECRET_KEY = "another"
    other = CloudFrontFileSystemStorage().trusted_keys()

    assert keys[0] == keys[1] != other
    assert list(other) == [KEY_PAIR_ID]


@pytest.mark.parametrize("secret_key", [b"\xff bytes", "x"])
def test_any_secret_key(bare: Any, secret_key: str | bytes) -> None:
    """Any SECRET_KEY that Django takes is enough."""
    bare.SECRET_KEY = secret_key

    assert KEY_PAIR_ID in default_storage.url("a.jpg")


@pytest.mark.parametrize("domain", ["localhost:9000", "cdn.site.localhost:8001", "127.0.0.1"])
@pytest.mark.parametrize("is_option", [True, False])
def test_domain_of_this_machine(bare: Any, domain: str, is_option: bool) -> None:
    """Another address of this machine may be set."""
    if not is_option:
        bare.AWS_S3_CUSTOM_DOMAIN = domain
    storage = CloudFrontFileSystemStorage(**({"custom_domain": domain} if is_option else {}))

    assert storage.url("a.jpg").startswith(f"http://{domain}/a.jpg?")
    assert KEY_PAIR_ID in storage.url("a.jpg")


def test_empty_settings(bare: Any) -> None:
    """A setting that is None, or empty as a variable that is not set, says nothing."""
    bare.AWS_CLOUDFRONT_KEY = bare.AWS_CLOUDFRONT_KEY_GROUP_ID = None
    bare.AWS_CLOUDFRONT_KEY_ID = bare.AWS_S3_CUSTOM_DOMAIN = ""
    bare.AWS_CLOUDFRONT_HASH_ALGORITHM = "SHA1"  # of the RSA key of production

    assert default_storage.url("a.jpg").startswith("http://127.0.0.1:8001/")


def test_protocol_that_is_set(bare: Any) -> None:
    """A proxy may serve the edge over HTTPS."""
    bare.AWS_S3_URL_PROTOCOL = "https:"

    assert default_storage.url("a.jpg").startswith("https://127.0.0.1:8001/")


class HasGroup(CloudFrontFileSystemStorage):
    """Name a key group in the class."""

    key_group_id = KEY_GROUP_ID


class GroupOfRequest(CloudFrontFileSystemStorage):
    """Have a key group that only a request knows."""

    @property
    def key_group_id(self) -> str:
        """Fail outside a request."""
        raise LookupError("no request is being served")


_PEM = PrivateKey.generate().to_pem().decode()


@pytest.mark.parametrize(
    ("settings_of_site", "options"),
    [
        ({"AWS_CLOUDFRONT_KEY": _PEM}, {}),
        ({"AWS_CLOUDFRONT_KEY_ID": KEY_ID}, {}),
        ({"AWS_CLOUDFRONT_KEY_GROUP_ID": KEY_GROUP_ID}, {}),
        ({"AWS_S3_CUSTOM_DOMAIN": "media.example.com"}, {}),
        ({}, {"cloudfront_key": None}),
        ({}, {"cloudfront_key_id": ""}),
        ({}, {"custom_domain": None}),
        ({}, {"cloudfront_key": _PEM}),
        ({}, {"cloudfront_key_id": KEY_ID}),
        ({}, {"key_group_id": KEY_GROUP_ID}),
        ({}, {"custom_domain": "media.example.com"}),
        ({"DEBUG": False}, {}),
    ],
)
def test_settings_that_say_how(
    bare: Any, settings_of_site: dict[str, Any], options: dict[str, Any]
) -> None:
    """As soon as a setting or an option says how to sign, no other key does."""
    for name, value in settings_of_site.items():
        setattr(bare, name, value)

    with pytest.raises(ImproperlyConfigured):
        CloudFrontFileSystemStorage(**options).url("a.jpg")


def test_classes_that_say_how(bare: Any) -> None:
    """What a class says counts, too; a property is not asked."""
    with pytest.raises(ImproperlyConfigured):
        HasGroup().url("a.jpg")
    with pytest.raises(LookupError):
        GroupOfRequest().url("a.jpg")
    with pytest.raises(ImproperlyConfigured):
        CloudFrontS3Storage(bucket_name="media").url("a.jpg")


def test_signer_of_the_site(bare: Any, ec_key: PrivateKey) -> None:
    """A signer that is handed in signs, and None turns signing off."""
    bare.AWS_S3_CUSTOM_DOMAIN = "127.0.0.1:8001"
    signer = Signer(key_pair_id=KEY_ID, private_key=ec_key)

    assert KEY_ID in CloudFrontFileSystemStorage(cloudfront_signer=signer).url("a.jpg")
    assert "?" not in CloudFrontFileSystemStorage(cloudfront_signer=None).url("a.jpg")


def test_debug_is_turned_off(bare: Any) -> None:
    """Test runners turn DEBUG off: the error names the storage for tests, and the key."""
    assert KEY_PAIR_ID in default_storage.url("a.jpg")
    bare.DEBUG = False

    with pytest.raises(ImproperlyConfigured) as raised:
        default_storage.url("a.jpg")

    for named in ("AWS_CLOUDFRONT_KEY", "cfsigned_django.testing.InMemorySignedStorage", "E001"):
        assert named in str(raised.value)


@pytest.mark.django_db
def test_rotation_does_not_see_it(bare: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The key is none of the settings: nothing imports it, and no rotation knows it."""
    with pytest.raises(ImproperlyConfigured, match=KEY_GROUP_ID):
        site_rotation(KEY_GROUP_ID)
    bare.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    assert site_rotation(takes_steps=False).settings_keys() == []
    with pytest.raises(CommandError):
        call_command("cfsigned_rotate", "--import", "--yes")
    assert KEY_PAIR_ID not in "".join(capsys.readouterr())


@pytest.mark.django_db
def test_doctor_knows_where_it_comes_from(bare: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The doctor does not call it a key of the settings, and asks AWS nothing."""
    [port] = free_ports(1)  # where no edge answers, which somebody may have at the usual one
    bare.AWS_S3_CUSTOM_DOMAIN = f"127.0.0.1:{port}"

    call_command("cfsigned_doctor")

    said = capsys.readouterr().out
    assert f"{KEY_PAIR_ID} from SECRET_KEY signs" in said
    assert "[local-edge]" in said


def test_no_secret(bare: Any) -> None:
    """The private key is in no text of the storage, and in no copy that is sent away."""
    storage = CloudFrontFileSystemStorage()
    storage.url("a.jpg")
    key = storage.cfsigned.lease().signer.private_key
    assert isinstance(key, PrivateKey)

    texts = [repr(storage), repr(vars(storage)), repr(storage.cfsigned.options())]
    texts += [repr(storage.deconstruct()), pickle.dumps(storage).decode("latin-1")]
    texts += [repr(storage.cloudfront_key), str(vars(storage.cfsigned))]

    assert [each for each in fragments(key) for text in texts if each in text] == []
    again = pickle.loads(pickle.dumps(storage))  # noqa: S301 - it was pickled here
    assert again.trusted_keys() == storage.trusted_keys()
