"""Install the app with the short waits of the demo."""

from __future__ import annotations

from cfsigned_django.apps import CfsignedDjangoConfig
from demo_project.state import Pace


class ShortWaits(CfsignedDjangoConfig):
    """Wait for seconds where a site waits for minutes."""

    keyring_seconds = Pace().keyring
    clock_skew_seconds = Pace().clock_skew
