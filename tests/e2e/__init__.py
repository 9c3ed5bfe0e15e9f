"""Tests that look at the demo through a browser."""

from __future__ import annotations
