"""Install the app with waits that end within the seconds of a scenario."""

from __future__ import annotations

from cfsigned_django.apps import CfsignedDjangoConfig


class ShortWaits(CfsignedDjangoConfig):
    """Wait for seconds where a site waits for minutes."""

    keyring_seconds = 1
    clock_skew_seconds = 1
    claim_seconds = 3
