"""The demo's one app: pictures and documents behind signed links."""

from __future__ import annotations
