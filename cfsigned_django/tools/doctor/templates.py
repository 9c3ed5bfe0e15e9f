"""Find templates that join MEDIA_URL and the name of a file: such a URL has no signature."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.template import engines
from django.template.utils import get_app_template_dirs

from cfsigned_django.tools.catalog import finding
from cfsigned_django.tools.doctor.known_keys import site_domains
from cfsigned_django.tools.findings import Finding

#: MEDIA_URL, or the tag for it, with a name directly behind it. Before a quote, it stands alone.
_JOIN: Final = re.compile(
    r"(?:\{\{-?\s*MEDIA_URL\b[^{}]*\}\}|\{%-?\s*get_media_prefix\s*-?%\})(?=[^\s\"'`<])"
)
#: Folders whose templates are not the site's.
_FOREIGN: Final = frozenset({"site-packages", "dist-packages", "node_modules"})
_ENDINGS: Final = (".html", ".htm", ".txt", ".xml", ".jinja", ".jinja2", ".j2", ".js", ".css")
_NAMED: Final = 5


def check_templates() -> Iterator[Finding]:
    """Yield the templates that join MEDIA_URL and a name, if that host needs signatures."""
    host = urlsplit(settings.MEDIA_URL or "").netloc
    if not host or host.lower() not in {each.lower() for each in site_domains()}:
        return
    places = list(_joins(_folders()))
    if places:
        rest = len(places) - _NAMED
        said = ", ".join(places[:_NAMED]) + (f", and {rest} more" if rest > 0 else "")
        yield finding("media-url-joined", "templates", host=host, places=said)


def _folders() -> Iterator[Path]:
    """Yield the folders of the site's templates, whatever the template engine."""
    try:
        backends: list[Any] = engines.all()
    except (ImproperlyConfigured, ImportError):
        return  # no page has a template then
    found = [
        Path(folder)
        for each in backends
        for folder in (*each.dirs, *get_app_template_dirs(each.app_dirname))
    ]
    yield from (each for each in dict.fromkeys(found) if not _FOREIGN & {*each.parts})


def _joins(folders: Iterable[Path]) -> Iterator[str]:
    """Yield each place where a name is joined: the name of the template, and the line."""
    for folder in folders:
        for path, inner, names in os.walk(folder):
            inner[:] = sorted(
                each for each in inner if each not in _FOREIGN and not each.startswith(".")
            )
            for name in sorted(names):
                if name.endswith(_ENDINGS):
                    file = Path(path, name)
                    for line in _lines(file):
                        yield f"{file.relative_to(folder)} (line {line})"


def _lines(file: Path) -> list[int]:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [text.count("\n", 0, found.start()) + 1 for found in _JOIN.finditer(text)]
