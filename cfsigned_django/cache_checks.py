"""Find caches that keep a page for longer than its signed URLs live, or that find none of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage
from django.template import engines
from django.template.backends.django import DjangoTemplates

from cfsigned_django import conf
from cfsigned_django.check_table import problem
from cfsigned_django.checks import whole_seconds
from cfsigned_django.signing import InvalidKey, KeyAlgorithm
from cfsigned_django.signing.keys import has_deterministic_ecdsa
from cfsigned_django.storage_checks import signing_configs

_UPDATE = "django.middleware.cache.UpdateCacheMiddleware"
_CAP = "cfsigned_django.http.cap_cache_control"
#: A fragment that is cached for a number of seconds, and what is in it.
_FRAGMENT = re.compile(
    r"\{%\s*cache\s+(?P<seconds>\d+)\s(?P<body>.*?)\{%\s*endcache\s*%\}", re.DOTALL
)
_SIGNS = re.compile(r"\{%\s*signed_url\b|\.url\s*[}|]")


def check_caches(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Return which caches outlive the URLs of the most impatient storage.

    Looks at MIDDLEWARE and into the templates of the site. What a view does,
    with ``cache_page`` or with a time that is no number in the template, only
    a response tells: see :func:`cfsigned_django.http.cap_cache_control`.
    """
    lifetimes = [whole_seconds(config.querystring_expire) for config in signing_configs()]
    found = list(_unlike_signatures())
    known = [each for each in lifetimes if each is not None]  # else find_problems() tells
    if known:
        found += [*_middleware(min(known)), *_fragments(min(known))]
    return found


def _unlike_signatures() -> Iterator[CheckMessage]:
    """Warn where no browser finds what it keeps, since each process signs a URL differently."""
    stable = [config for config in signing_configs() if whole_seconds(config.expire_step)]
    if not has_deterministic_ecdsa() and not all(_is_rsa(config) for config in stable):
        yield problem(
            "cfsigned.W042",
            "URLs shall stay the same for a step, and cryptography was built against an OpenSSL "
            "without deterministic ECDSA signatures: each process gives other URLs.",
        )


def _is_rsa(config: conf.Config) -> bool:
    """Tell whether an RSA key signs for sure; new keys in the database are ECDSA ones."""
    try:
        key = config.cloudfront_key
        return key is not None and key.load().algorithm is KeyAlgorithm.RSA_2048
    except InvalidKey:
        return True  # It signs nothing: find_problems() tells.


def _middleware(least: int) -> Iterator[CheckMessage]:
    """Warn where Django's middleware keeps whole pages for too long."""
    names = conf.middleware()
    if _UPDATE not in names or _CAP in names[names.index(_UPDATE) + 1 :][:1]:
        return
    seconds = conf.cache_middleware_seconds()
    if seconds > least:
        yield problem(
            "cfsigned.W040",
            f"CACHE_MIDDLEWARE_SECONDS is {seconds}, and a signed URL may live for {least} s only: "
            "pages from the cache would show dead links.",
        )


def _fragments(least: int) -> Iterator[CheckMessage]:
    """Warn where a template keeps a fragment for too long that holds signed URLs."""
    for path in _templates():
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue  # Nothing that Django could render, either.
        for fragment in _FRAGMENT.finditer(text):
            seconds = int(fragment["seconds"])
            if seconds > least and _SIGNS.search(fragment["body"]):
                yield problem(
                    "cfsigned.W041",
                    f"{path} keeps a fragment for {seconds} s which seems to hold signed URLs, and "
                    f"one may live for {least} s only.",
                )


def _templates() -> Iterator[Path]:
    """Yield the files that Django's template engines of this site can load."""
    folders: dict[Path, None] = {}
    for engine in engines.all():
        if isinstance(engine, DjangoTemplates):
            folders.update(dict.fromkeys(Path(each) for each in engine.template_dirs))
    for folder in folders:
        yield from sorted(each for each in folder.rglob("*") if each.is_file())
