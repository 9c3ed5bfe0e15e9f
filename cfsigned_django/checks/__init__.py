"""The system checks, one module per subject."""

from __future__ import annotations
