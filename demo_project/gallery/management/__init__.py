"""The app's commands."""

from __future__ import annotations
