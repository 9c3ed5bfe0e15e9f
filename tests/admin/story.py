"""Play the rotation of the how-to pages, at a fixed time and with fixed ids.

The pictures of the page and what the command prints are taken from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cfsigned_django.rotation.importing import import_settings_key
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.site import site_rotation
from cfsigned_django.signing import KeyAlgorithm

#: What stands in the documentation for the ids that the tests give, in their order.
KEY_PAIR_IDS = (
    *("K2JCJMDEHXQW5F", "K36X4X2EO997HM", "K1N5QT7RWLB0GD"),
    *("K3HV8MAPZ2C6YS", "K2D7WFQ4T0XR9L", "K1UBE5ZN6JHK3P"),
)
KEY_GROUP_ID = "5f9c0a7b-e2d1-4c83-9b56-1f0e8a7d3c24"


@dataclass(kw_only=True)
class Story:
    """A site on its way through a rotation; ``now`` is the time of its database."""

    now: datetime = datetime(2026, 12, 7, 14, 0, tzinfo=UTC)

    def later(self, **duration: float) -> None:
        """Move the clock forward."""
        self.now += timedelta(**duration)

    @property
    def rotation(self) -> Rotation:
        """Return the site's rotation, by the person of the story."""
        return site_rotation(changed_by="mina")

    def import_key(self) -> KeyPair:
        """Take the settings' key into the database, 97 days ago."""
        self.later(days=-97)
        key_pair = import_settings_key(self.rotation, now=self.now)
        self.later(days=97)
        return key_pair

    def start(self) -> KeyPair:
        """Generate the successor."""
        algorithm = KeyAlgorithm.ECDSA_P256
        return self.rotation.start(algorithm=algorithm, now=self.now, reason="quarterly rotation")

    def work(self, key_pair: KeyPair) -> None:
        """Put a key pair into the key group, and see it work through CloudFront."""
        self.later(seconds=40)
        self.rotation.trust(key_pair, now=self.now)
        self.later(seconds=20)
        self.rotation.check(key_pair, now=self.now)
