"""Keep a private key in a file or in the database, and lose none."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.store import RotationError
from cfsigned_django.signing import InvalidKey, KeyAlgorithm, PrivateKey, Signer
from cfsigned_django.tools.setup.key_provider import DatabaseKey, KeyFile
from cfsigned_django.tools.setup.site_stack import choose_key
from tests.keyring import make_key_pair

GROUP = "1a2b3c4d-5e6f-7a8b-9c0d-1e2f3a4b5c6d"


def good(signer: Signer) -> ProbeResult:
    """Add the key to CloudFront."""
    return ProbeResult.GOOD


@pytest.fixture
def _any_rights() -> Iterator[None]:
    """Make new files readable for all users, as a careless umask does."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_any_rights")
def test_file_is_made_once(tmp_path: Path) -> None:
    """Make the file, and its folder, with mode 0600; leave nothing else behind."""
    provider = KeyFile(path=tmp_path / "keys" / "media.pem")

    nothing = provider.find()
    provider.make()

    assert nothing is None
    assert stat.S_IMODE(provider.path.stat().st_mode) == 0o600
    assert list(provider.path.parent.iterdir()) == [provider.path]
    assert provider.find() == provider.find()
    assert PrivateKey.load(provider.path).algorithm is KeyAlgorithm.ECDSA_P256


@pytest.mark.parametrize("is_link", [False, True])
def test_file_is_never_overwritten(tmp_path: Path, is_link: bool) -> None:
    """Refuse an existing file, and a dangling link; leave no draft."""
    path = tmp_path / "media.pem"
    if is_link:
        path.symlink_to(tmp_path / "nowhere")
    else:
        path.write_text("theirs")

    with pytest.raises(FileExistsError):
        KeyFile(path=path).make()

    assert list(tmp_path.iterdir()) == [path]
    if not is_link:
        assert path.read_text() == "theirs"
        with pytest.raises(InvalidKey, match=str(path)):
            KeyFile(path=path).find()


def test_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing of a key that a full disk did not take, and name its file; then write it."""
    provider = KeyFile(path=tmp_path / "media.pem")

    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match=f"{provider.path}: No space left on device"):
            provider.make()

    assert not list(tmp_path.iterdir())
    provider.make()
    assert provider.find() is not None


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """Name the file and the next step if there cannot even be a draft."""
    (tmp_path / "plain").touch()
    path = tmp_path / "plain" / "keys" / "media.pem"

    with pytest.raises(OSError, match=f"{path}: Not a directory.*--key-file"):
        KeyFile(path=path).make()


@pytest.mark.django_db(transaction=True)
class TestDatabaseKey:
    """A row from before its key group exists."""

    @pytest.fixture
    def provider(self) -> DatabaseKey:
        """Return the provider of a site that has no key yet."""
        found = choose_key(key_file=None, stack_name="media", group_id="", new_group="media-x")
        assert isinstance(found, DatabaseKey)
        return found

    def test_made_once(self, provider: DatabaseKey) -> None:
        """Make one key, however often; CloudFront gets its public half, whatever the table says."""
        nothing = provider.find()
        provider.make()
        first = provider.find()
        provider.make()
        row = KeyPair.objects.get()
        KeyPair.objects.update(public_key=PrivateKey.generate().public_key.to_pem())

        assert nothing is None
        assert first is not None
        assert first == provider.find()
        assert first.public_key_pem == row.public_key
        assert row.status == KeyStatus.PENDING
        assert "PRIVATE" not in row.encrypted_private_key
        assert provider.signer("K2JCJMDEHXQW5F").key_pair_id == "K2JCJMDEHXQW5F"

    def test_group_with_another_successor(self, provider: DatabaseKey, ec_key: PrivateKey) -> None:
        """Leave another successor of the group alone; refuse if the row is gone, too."""
        with pytest.raises(RotationError):
            provider.finish(GROUP, "K1", good)
        provider.make()
        pending = {"status": KeyStatus.PENDING, "key_group_id": GROUP, "next_in": GROUP}
        make_key_pair(ec_key, None, **pending)

        with pytest.raises(RotationError, match="cfsigned_rotate --wait"):
            provider.finish(GROUP, "K1", good)
