"""Refuse private keys that someone put into a row: none of them reaches CloudFront or signs.

Modules: rotation/reencryption.py, rotation/cloudfront.py, rotation/models.py
"""

from __future__ import annotations

import logging
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.encryption import CannotDecrypt, NotItsKey
from cfsigned_django.rotation.models import KeyPair, KnownReason
from cfsigned_django.rotation.reencryption import Candidate, Verdict, encrypt_again, examine
from cfsigned_django.signing import PrivateKey
from tests.keyring import derived
from tests.rotation import Site, change, denied, fresh


def forge(key_pair: KeyPair, *, keeps_fingerprint: bool = False) -> None:
    """Put a private key of one's own into a row, as someone who knows SECRET_KEY can."""
    own, row = PrivateKey.generate(), fresh(key_pair)
    fingerprint = row.fingerprint if keeps_fingerprint else own.public_key.fingerprint
    text = f"cfsigned_django.KeyPair {row.pk} {fingerprint}\n".encode() + own.to_pem()
    change(
        row,
        encrypted_private_key=derived().encrypt(text).decode(),
        fingerprint=fingerprint,
        public_key=row.public_key if keeps_fingerprint else own.public_key.to_pem(),
    )


def in_each_state(key_group: Site) -> dict[str, KeyPair]:
    """Return the keys that CloudFront has, by their states."""
    retiring, active = key_group.imported(), key_group.activated()
    return {"retiring": retiring, "active": active, "trusted": key_group.trusted()}


def reencrypt(key_group: Site) -> list[Candidate]:
    """Encrypt again what may be, as far as CloudFront proves it; return all keys."""
    candidates = examine(key_group.rotation().key_groups)
    encrypt_again(candidates)
    return candidates


KEYS = [Fernet.generate_key().decode(), Fernet.generate_key().decode()]


def copy_key(source: KeyPair, target: KeyPair) -> None:
    """Put a private key into another row, with its public key and fingerprint."""
    names = ("encrypted_private_key", "public_key", "fingerprint", "algorithm")
    change(target, **{name: getattr(source, name) for name in names})


def test_key_of_another_row_is_refused(key_group: Site, caplog: pytest.LogCaptureFixture) -> None:
    """A key that was copied from another row gets no public key into CloudFront, and is logged."""
    active, successor = key_group.imported(), key_group.started()
    copy_key(active, successor)
    before = key_group.public_keys, key_group.members

    with pytest.raises(NotItsKey):
        key_group.rotation().trust(fresh(successor), now=key_group.now)

    assert (key_group.public_keys, key_group.members) == before
    assert [each.name for each in caplog.records if each.levelno == logging.ERROR]
    assert str(successor.pk) in caplog.text
    assert successor.encrypted_private_key not in caplog.text


@pytest.mark.parametrize("end", ["retired", "revoked"])
def test_key_that_ended_is_refused(key_group: Site, end: str) -> None:
    """A key of a backup, back in its own row, gets nothing into CloudFront and never signs."""
    former = key_group.imported()
    if end == "retired":
        key_group.activated()
        key_group.wait(3781)
        key_group.retire(former)
    else:
        key_group.revoke(former)
    before = key_group.public_keys, key_group.members
    change(
        former,
        status="pending",
        next_in=former.key_group_id,
        encrypted_private_key=former.encrypted_private_key,
    )

    with pytest.raises(NotItsKey):
        key_group.rotation().trust(fresh(former), now=key_group.now)
    change(former, status="trusted")
    with pytest.raises(NotItsKey):
        key_group.rotation().activate(fresh(former), now=key_group.now)
    with pytest.raises(NotItsKey):
        fresh(former).make_signer()

    assert (key_group.public_keys, key_group.members) == before


class TestEncryptionKeys:
    """With AWS_CLOUDFRONT_ENCRYPTION_KEYS, only what they decrypt is trusted or activated."""

    def test_secret_key_is_not_enough(self, key_group: Site, settings: Any) -> None:
        """A key that SECRET_KEY encrypted continues to sign, but none begins to."""
        active, trusted = key_group.imported(), key_group.trusted(good_for=301)
        settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = KEYS[:1]

        with pytest.raises(CannotDecrypt, match="--re-encrypt"):
            key_group.rotation().activate(trusted, now=key_group.now)
        assert fresh(active).make_signer().key_pair_id == str(active)
        reencrypt(key_group)

        key_group.rotation().activate(fresh(trusted), now=key_group.now)
        assert key_group.signing.pk == trusted.pk

    def test_older_encryption_key_is_enough(self, key_group: Site, settings: Any) -> None:
        """A key of the list that is not the newest decrypts too; it should be re-encrypted."""
        settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = KEYS[:1]
        pending = key_group.started()
        settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = KEYS[::-1]

        assert fresh(pending).encryption_problem
        key_group.rotation().trust(fresh(pending), now=key_group.now)

    def test_revocation_makes_a_new_key(self, key_group: Site, settings: Any) -> None:
        """A successor that only SECRET_KEY decrypts does not take over: it may be a forger's."""
        active, successor = key_group.imported(), key_group.trusted(good_for=301)
        settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = KEYS[:1]

        key_group.revoke(active)

        assert key_group.signing.pk not in (active.pk, successor.pk)
        assert fresh(successor).status == "revoked"

    def test_forger_with_a_secret_key(self, key_group: Site, settings: Any) -> None:
        """Someone who knows SECRET_KEY and writes to the table gets no key into CloudFront."""
        settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = KEYS[:1]
        pending = key_group.started()
        forge(pending)

        for _ in range(2):
            with pytest.raises(CannotDecrypt, match="--start"):
                key_group.rotation().trust(fresh(pending), now=key_group.now)
            (candidate,) = reencrypt(key_group)  # which makes nothing trustworthy

        assert (candidate.verdict, "--start" in candidate.why) == (Verdict.REFUSED, True)
        assert key_group.public_keys == {key_group.foreign}


class TestReencryption:
    """To encrypt a private key again makes nothing trustworthy that was not."""

    def test_start_replaces_a_pending_key(self, key_group: Site, settings: Any) -> None:
        """A PENDING key without proof, which signed nothing, makes room for a new one."""
        active, pending = key_group.imported(), key_group.started()
        settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = KEYS[:1]
        forge(pending)
        reencrypt(key_group)

        new = key_group.started()

        row = fresh(pending)
        assert (new.status, row.status) == ("pending", "revoked")
        assert (row.encrypted_private_key, row.reason) == ("", KnownReason.REPLACED)
        assert key_group.advance()
        assert fresh(pending).removed_at is not None
        key_group.rotation().trust(new, now=key_group.now)
        assert key_group.members == {key_group.foreign, str(active), str(new)}
        assert key_group.public_keys == key_group.members

    @pytest.mark.parametrize("keys", [None, KEYS[:1]], ids=["SECRET_KEY", "encryption keys"])
    def test_keys_of_the_settings(self, key_group: Site, settings: Any, keys: Any) -> None:
        """A key that AWS_CLOUDFRONT_ENCRYPTION_KEYS decrypts is encrypted again without AWS."""
        settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = keys
        rows = [*in_each_state(key_group).values(), key_group.started()]
        if keys:
            settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = KEYS[::-1]
        else:
            settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
            settings.SECRET_KEY = "another"
        assert all(fresh(each).encryption_problem for each in rows)

        candidates = examine(None)
        encrypted = encrypt_again(candidates)

        assert {each.verdict for each in candidates} == {Verdict.READY}
        assert {*encrypted} == {*rows}
        assert not any(fresh(each).encryption_problem for each in rows)

    def test_keys_that_cloudfront_has(self, key_group: Site, settings: Any) -> None:
        """A private key whose public key CloudFront has under the ID is encrypted again."""
        rows = in_each_state(key_group)
        settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = KEYS[:1]

        candidates = reencrypt(key_group)

        assert {each.verdict for each in candidates} == {Verdict.PROVEN}
        settings.SECRET_KEY = "another"
        for row in rows.values():
            assert fresh(row).open_trustworthy_key().public_key.to_pem() == row.public_key

    @pytest.mark.parametrize("status", ["trusted", "active", "retiring"])
    @pytest.mark.parametrize("forged", ["key", "key and fingerprint", "ID", "lost ID", "no ID"])
    def test_key_that_cloudfront_does_not_have(
        self, key_group: Site, settings: Any, status: str, forged: str
    ) -> None:
        """A key that someone swapped, or whose ID was changed, is left as it is, with --revoke."""
        row = in_each_state(key_group)[status]
        settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = KEYS[:1]
        if forged.startswith("key"):
            forge(row, keeps_fingerprint=forged == "key")
        else:
            other = {"ID": key_group.foreign, "lost ID": "K0;reboot", "no ID": None}[forged]
            change(row, key_pair_id=other)
        before = fresh(row).encrypted_private_key

        found = {each.key_pair.pk: each for each in reencrypt(key_group)}

        refused = found.pop(row.pk)
        assert {each.verdict for each in found.values()} == {Verdict.PROVEN}
        assert refused.verdict is Verdict.REFUSED
        assert f"--revoke {shlex.quote(str(fresh(row)))}" in refused.why
        assert fresh(row).encrypted_private_key == before
        with pytest.raises(CannotDecrypt):
            fresh(row).open_trustworthy_key()

    @pytest.mark.parametrize("by_hand", [True, False], ids=["by hand", "denied"])
    def test_keys_that_a_person_compares(
        self,
        key_group: Site,
        settings: Any,
        by_hand: bool,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """If CloudFront cannot be asked, a person compares fingerprints, which openssl computes.

        The fingerprint is that of the private key, whatever the row says. Only a
        key that was compared is encrypted again, not one that came after it.
        """
        rows = in_each_state(key_group)
        settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = KEYS[:1]
        forge(rows["active"], keeps_fingerprint=True)
        denied(key_group, "get_public_key", monkeypatch)
        listed = {each.key_pair_id: each for each in key_group.account.key_groups.public_keys()}

        candidates = examine(None if by_hand else key_group.rotation().key_groups)

        same = []
        for each in candidates:
            assert (each.verdict, bool(each.why)) == (Verdict.UNPROVEN, True)
            (tmp_path / "public.pem").write_text(listed[str(each.key_pair)].public_key_pem)
            ran = subprocess.run(
                ["bash", "-c", each.comparison], cwd=tmp_path, capture_output=True, text=True
            )
            assert (ran.returncode == 0) is (each.fingerprint in ran.stdout)
            same += [each] if ran.stdout else []
        assert {each.key_pair.status for each in same} == {"trusted", "retiring"}
        assert encrypt_again(candidates) == []
        forge(rows["trusted"])
        compared = [each.fingerprint for each in same]
        assert encrypt_again(candidates, compared=compared) == [rows["retiring"]]
        assert encrypt_again(examine(None), compared=compared) == [rows["retiring"]]


class TestRestore:
    """A key is put back into the group only if it is the key of its row."""

    def test_other_key_of_the_account(self, key_group: Site) -> None:
        """A public key ID that someone wrote into the row opens nothing for that key."""
        active, other = key_group.imported(), key_group.account.upload("staging")
        change(active, key_pair_id=other)

        with pytest.raises(AwsError) as refused:
            key_group.advance()

        assert refused.value.code == "OtherKey"
        assert other not in key_group.members

    @pytest.mark.parametrize("encrypted", ["damaged", "of another row"])
    def test_key_that_is_not_its_own(self, key_group: Site, encrypted: str) -> None:
        """A public key that someone wrote into the row, too, is not added again."""
        former, active = key_group.imported(), key_group.activated()
        other = key_group.account.upload("staging")
        answer = key_group.account.api.get_public_key(Id=other)["PublicKey"]
        change(
            active,
            key_pair_id=other,
            public_key=answer["PublicKeyConfig"]["EncodedKey"],
            encrypted_private_key=(
                "damaged" if encrypted == "damaged" else former.encrypted_private_key
            ),
        )

        with pytest.raises(CannotDecrypt):
            key_group.advance()

        assert other not in key_group.members

    def test_revoked_key_that_came_back(self, key_group: Site) -> None:
        """A revoked key, back in the table, is not added again, and keeps no other from leaving."""
        leaked = key_group.imported()
        former = key_group.activated()
        key_group.revoke(leaked, by_hand=True)
        key_group.set_members(key_group.foreign, str(former))
        key_group.revoke(former, by_hand=True)
        change(
            leaked,
            status="active",
            active_in=key_group.key_group_id,
            encrypted_private_key=leaked.encrypted_private_key,
        )

        with pytest.raises(NotItsKey):
            key_group.rotation().restore_missing([fresh(leaked)], now=key_group.now)
        key_group.finish(former)

        assert key_group.members == {key_group.foreign}
