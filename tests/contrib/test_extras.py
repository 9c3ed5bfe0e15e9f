"""A module of contrib needs its library, and says how to install it."""

from __future__ import annotations

import importlib
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "library", "extra"),
    [("jinja2", "jinja2", "jinja2"), ("rest_framework", "rest_framework", "drf")],
)
def test_missing_library(
    module: str, library: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Name the extra if the library is not installed."""
    name = f"cfsigned_django.contrib.{module}"
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, library, None)  # as if it were not installed
    with pytest.raises(ImportError, match=rf"\[{extra}\]"):
        importlib.import_module(name)
