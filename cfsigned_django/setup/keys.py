"""Keep the site's private key in a file that only its owner reads, and never overwrite one."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from cfsigned_django.aws.provisioning.desired_state import SiteKey
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.signing import KeyAlgorithm, PrivateKey, Signer

_ONLY_THE_OWNER = 0o600


def public_half(private_key: PrivateKey) -> SiteKey:
    """Return what CloudFront gets; the same names for the same key, so that it is found again."""
    fingerprint = private_key.public_key.fingerprint
    return SiteKey(
        name=f"cfsigned-{fingerprint[:16]}",
        caller_reference=f"cfsigned-{fingerprint}",
        public_key_pem=private_key.public_key.to_pem(),
    )


class KeyHolder(Protocol):
    """Where the site keeps its private key."""

    @property
    def place(self) -> str:
        """Return where that is, for people."""

    def find(self) -> SiteKey | None:
        """Return the public half, or None where there is no key yet."""

    def make(self, algorithm: KeyAlgorithm) -> None:
        """Make the key pair."""

    def signer(self, key_pair_id: str) -> Signer:
        """Return what signs with the key."""

    def settings(self, key_pair_id: str) -> dict[str, str | Path]:
        """Return the settings that let the site sign with the key."""

    def settle(
        self, key_group_id: str, key_pair_id: str, probe: Callable[[Signer], ProbeResult]
    ) -> str:
        """Do what is left to do once CloudFront trusts the key; say what a person does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """The key pair in a PEM file."""

    path: Path

    @property
    def place(self) -> str:
        """Return where the private key is, for people."""
        return f"the file {self.path}"

    def find(self) -> SiteKey | None:
        """Return the public half, or None where there is no file.

        Raise :exc:`cfsigned_django.signing.InvalidKey` for a file that holds
        something else.
        """
        return public_half(self._load()) if self.path.exists() else None

    def make(self, algorithm: KeyAlgorithm) -> None:
        """Write a new key. Raise :exc:`FileExistsError` rather than touch a file that is there.

        It comes under its name only when it is whole: who dies before leaves
        a file beside it that means nothing.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        # O_EXCL follows no link and takes over no file with other rights.
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_THE_OWNER)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(PrivateKey.generate(algorithm).to_pem())
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, self.path)  # unlike a rename, this replaces nothing
        finally:
            draft.unlink()

    def signer(self, key_pair_id: str) -> Signer:
        """Return what signs with the key."""
        return Signer(key_pair_id=key_pair_id, private_key=self._load())

    def settings(self, key_pair_id: str) -> dict[str, str | Path]:
        """Return the settings that let the site sign with the key."""
        return {
            "AWS_CLOUDFRONT_KEY_ID": key_pair_id,
            "AWS_CLOUDFRONT_KEY": self.path,
        }

    def settle(
        self, key_group_id: str, key_pair_id: str, probe: Callable[[Signer], ProbeResult]
    ) -> str:
        """Say what is left to do, once CloudFront trusts the key."""
        return (
            f"Keep {self.path} out of version control, and give only the site's user the right to "
            "read it."
        )

    def _load(self) -> PrivateKey:
        return PrivateKey.load(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsKey:
    """The key pair that the settings hold already."""

    private_key: PrivateKey
    place: ClassVar[str] = "the setting AWS_CLOUDFRONT_KEY"

    def find(self) -> SiteKey:
        """Return the public half."""
        return public_half(self.private_key)

    def make(self, algorithm: KeyAlgorithm) -> None:
        """Never needed: the key is there."""
        raise RuntimeError("The settings have a key pair already.")

    def signer(self, key_pair_id: str) -> Signer:
        """Return what signs with the key."""
        return Signer(key_pair_id=key_pair_id, private_key=self.private_key)

    def settings(self, key_pair_id: str) -> dict[str, str | Path]:
        """Return the settings that let the site sign with the key."""
        return {"AWS_CLOUDFRONT_KEY_ID": key_pair_id}

    def settle(
        self, key_group_id: str, key_pair_id: str, probe: Callable[[Signer], ProbeResult]
    ) -> str:
        """Say what is left to do, once CloudFront trusts the key."""
        return ""
