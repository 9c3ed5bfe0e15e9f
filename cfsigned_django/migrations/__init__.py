"""Hold the migrations of KeyPair."""

from __future__ import annotations
