"""A module of contrib needs its library, and says how to install it."""

from __future__ import annotations

import importlib
import sys

import pytest


def test_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the extra if the library is not installed."""
    name = "cfsigned_django.contrib.rest_framework"
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "rest_framework", None)  # as if it were not installed
    with pytest.raises(ImportError, match=r"\[drf\]"):
        importlib.import_module(name)
