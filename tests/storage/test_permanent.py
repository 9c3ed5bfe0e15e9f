"""Permanent links as the URLs of files, for what is stored for longer than a signed URL lives.

Modules: storage/backends.py
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import InvalidStorageError, storages
from django.db import models
from django.db.migrations.writer import MigrationWriter
from django.test import Client
from django.urls import path

from cfsigned_django.storage import PermanentLinkStorage
from cfsigned_django.testing import assert_signed, edge_for
from cfsigned_django.views import SignedRedirectView

MEMORY = "cfsigned_django.testing.InMemorySignedStorage"
PERMANENT = "cfsigned_django.storage.PermanentLinkStorage"
NAMES = ["a.txt", "보고서/2026 (1).txt", "q&a/50%+#1?.txt", 'it\'s "so".txt']


for_all = partial(SignedRedirectView.as_view, permission=lambda request, name: True)
urlpatterns = [
    path("media/<path:name>", for_all(), name="media"),
    path("uploads/<path:name>", for_all(storage="uploads"), name="uploads"),
]


class EditorStorage(PermanentLinkStorage):
    """A class with the options that an editor cannot pass."""

    storage = "uploads"
    url_name = "uploads"


@pytest.fixture(autouse=True)
def _site(site: Any) -> None:
    """Configure a site with these views."""
    site.ROOT_URLCONF = __name__
    site.MIDDLEWARE = []
    site.STORAGES = {
        "default": {"BACKEND": MEMORY},
        "uploads": {"BACKEND": MEMORY},
        "links": {"BACKEND": PERMANENT},
        "loop": {"BACKEND": PERMANENT, "OPTIONS": {"storage": "loop"}},
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("make", "keeps"),
    [
        (lambda: storages["links"], "default"),
        (partial(PermanentLinkStorage, storage="uploads", url_name="uploads"), "uploads"),
        (EditorStorage, "uploads"),
    ],
    ids=["default", "options", "class"],
)
def test_link_leads_to_the_file(make: Any, keeps: str, name: str, client: Client) -> None:
    """The URL of an upload is a path of the site, which leads to the file in the other storage."""
    links = make()
    assert links.save(name, ContentFile(b"text")) == name

    link = links.url(name)
    assert link.startswith("/media/" if keeps == "default" else "/uploads/")
    url = client.get(link)["Location"]
    assert_signed(url, storage=keeps, name=name)
    assert edge_for(keeps).get(url).body == b"text"


def test_files_are_those_of_the_other_storage() -> None:
    """Read, find, list and delete the files that the other storage keeps."""
    links, files = storages["links"], storages["default"]
    names = [links.save("a/b.txt", ContentFile(b"one")), links.save("a/b.txt", ContentFile(b"two"))]
    assert len({*names}) == 2
    assert sorted(files.listdir("a")[1]) == sorted(map(os.path.basename, names))
    assert links.listdir("a") == files.listdir("a")
    assert links.size(names[1]) == 3
    assert links.get_modified_time(names[0]) == files.get_modified_time(names[0])
    with links.open(names[1]) as file:
        assert file.read() == b"two"
    links.delete(names[0])
    assert [links.exists(name) for name in names] == [files.exists(name) for name in names]
    assert not links.exists(names[0])


def test_file_field() -> None:
    """A field may have it as its storage: its ``url`` is the link, and a migration can name it."""
    field = models.FileField(storage=EditorStorage(url_name="media"))
    assert field.attr_class(None, field, "a.txt").url == "/media/a.txt"  # type: ignore[arg-type]
    written, _ = MigrationWriter.serialize(field)
    assert "url_name='media'" in written


def test_no_path() -> None:
    """Name the path that is missing, and how to add it."""
    with pytest.raises(ImproperlyConfigured, match=r"'files'.*SignedRedirectView.*url_name"):
        PermanentLinkStorage(url_name="files").url("a.txt")


@pytest.mark.parametrize("name", [None, "", "/", "../admin", "a/../../admin", "a//b", "a\nb"])
def test_no_name(name: str | None) -> None:
    """Refuse a link to no file, and one that would lead out of the path of the view."""
    with pytest.raises(ValueError, match="not the name of a file"):
        PermanentLinkStorage().url(name)


@pytest.mark.parametrize("alias", ["loop", "staticfiles", "nowhere"])
def test_storage_without_signed_urls(alias: str) -> None:
    """Refuse to store a file whose URL the view could not sign: nothing is saved."""
    with pytest.raises(InvalidStorageError, match=f"'{alias}'"):
        PermanentLinkStorage(storage=alias).save("a.txt", ContentFile(b"x"))
