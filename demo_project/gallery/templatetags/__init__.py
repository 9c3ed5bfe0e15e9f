"""The app's template filters."""

from __future__ import annotations
