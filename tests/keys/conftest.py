"""Let examples take the time that a loaded machine needs."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("cfsigned", deadline=None)
settings.load_profile("cfsigned")
