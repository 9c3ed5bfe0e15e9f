"""A module that fails when it is imported, as one whose environment is missing."""

from __future__ import annotations

raise LookupError("no environment")
