"""The template tag library ``cfsigned``."""

from __future__ import annotations
