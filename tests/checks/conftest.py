"""Share a model whose file fields have their own storages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.core.files.storage import Storage
from django.db import models
from django.test.utils import isolate_apps


@pytest.fixture
def fields(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Return a function that makes a model of the site, with a file field for each storage.

    A field that is given is taken as it is.
    """

    def make(**storages: Storage | models.FileField) -> Any:
        body: dict[str, Any] = {
            name: each if isinstance(each, models.FileField) else models.FileField(storage=each)
            for name, each in storages.items()
        }
        meta = type("Meta", (), {"app_label": "cfsigned_django"})
        report = type("Report", (models.Model,), {"__module__": __name__, "Meta": meta, **body})
        monkeypatch.setattr(apps, "get_models", lambda: [report])
        return report

    with isolate_apps("cfsigned_django"):
        yield make
