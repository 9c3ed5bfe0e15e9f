"""Migrations of the table of key pairs."""

from __future__ import annotations
