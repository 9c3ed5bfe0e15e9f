"""Tests of the JSON documents that AWS takes."""

from __future__ import annotations
