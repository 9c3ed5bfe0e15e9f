"""Ask the storages of one checkout for the URLs of random cases, and print each answer.

usage: play_urls.py COUNT SEED KEY_FILE, with the checkout to play on PYTHONPATH.
Each line is JSON: the number of the case, and the URL or the name of the exception.
"""

from __future__ import annotations

import copy
import json
import pickle
import random
import sys
import time
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import django
from django.conf import settings

#: URLs are asked for from this moment on, in Unix seconds.
START = 1_800_000_000
_PIECES = (
    *("photo", "사진", "보고서", "é", "日本語", "a b", "a+b", "a&b", "a=b", "(1)", "[1]", "100%"),
    *("%20", "%2F", "#", "?", "it's", '"', ";", ":", "@", ",", "$", "!", "~", "|", "^", "`"),
    *(
        "\t",
        "\x00",
        "\n",
        "\x7f",
        "🌅",
        "-",
        "_",
        "..a",
        "a..",
        "...",
        ".",
        "*",
        "\\",
        "가",
        "\ud800",
    ),
    *("x" * 60, "Ω", "ﬁ", "\u200b", "{1}", "\u2028", "%zz"),
)
_FOLDERS = (
    *("", "", "", "albums/42/", "보고서/2026/", "a b/", "x/" * 12, "q&a/", "50%/", "C#/", "/"),
    *("../", "a/../", "./", "a/./", "//", "a//", "\\", "a\\..\\", "it's (1)/", ".hidden/"),
)
_RESOURCES = (
    *("albums/42/*", "보고서/*", "*", "*/photo", "a?b/*", "albums/*/photo*", "a b/*", "/albums/*"),
    *("", "https://x/*", "albums/42/photo", "../*", "a//*", "{slug}/*", "./*", "q&a/*", "x*"),
)


def make_name(chance: random.Random) -> Any:
    """Return a name; seldom something that is none."""
    match chance.random():
        case dice if dice < 0.01:
            return chance.choice((None, "", "/", ".", "..", 5, b"photo"))
        case dice if dice < 0.35:
            return f"albums/42/photo-{chance.randrange(40)}.jpg"
    name = chance.choice(_FOLDERS) + "".join(chance.choices(_PIECES, k=chance.randint(1, 4)))
    return unicodedata.normalize(chance.choice(("NFC", "NFD")), name) + chance.choice(("", ".jpg"))


def make_arguments(chance: random.Random) -> dict[str, Any]:
    """Return arguments of url(), most of them sensible."""
    found: dict[str, Any] = {}
    if chance.random() < 0.45:
        return found
    choices: dict[str, tuple[float, Callable[[], Any]]] = {
        "expire": (
            0.3,
            lambda: chance.choice(
                (1, 60, 600, 3600, 86_400, timedelta(minutes=5), 0, -1, 1.5, "60", True, 10**9)
            ),
        ),
        "parameters": (
            0.1,
            lambda: chance.choice(
                (
                    {},
                    {"ResponseContentType": "image/png"},
                    {"response-content-disposition": 'attachment; filename="사진.jpg"'},
                    {"v": "1 2+3&4"},
                    {"VersionId": "abc"},
                    {"Expires": "1"},
                    {"a": ["1", "2"]},
                )
            ),
        ),
        "http_method": (0.04, lambda: chance.choice(("GET", "HEAD", "get", "PUT", "DELETE", ""))),
        "date_greater_than": (
            0.08,
            lambda: chance.choice(
                (
                    START - 60,
                    START + 30,
                    START + 10**6,
                    datetime.fromtimestamp(START, UTC),
                    datetime(2020, 1, 1),
                    -5,
                )
            ),
        ),
        "ip_address": (
            0.08,
            lambda: chance.choice(("203.0.113.9", "203.0.113.0/24", "::1", "x", "", "1.2.3.4/40")),
        ),
        "resource": (0.25, lambda: chance.choice(_RESOURCES)),
        "download": (0.08, lambda: chance.choice(("a.jpg", "사진 1.jpg", 'a"b\\c', "", "a\nb"))),
        "expire_step": (
            0.12,
            lambda: chance.choice((0, 60, 3600, timedelta(hours=1), -1, 10**7, 1.5)),
        ),
    }
    for name, (share, make) in choices.items():
        if chance.random() < share:
            found[name] = make()
    return found


def make_options(chance: random.Random) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return a class of storage, its options, and the settings that it meets."""
    kind = chance.choice(("s3", "s3", "s3", "files", "memory"))
    options: dict[str, Any] = {}
    site: dict[str, Any] = {}
    if kind == "s3":
        if chance.random() < 0.3:
            options["location"] = chance.choice(("media", "보고서", "/lead/", "a b"))
        if chance.random() < 0.1:
            options["querystring_auth"] = chance.choice((True, False))
        if chance.random() < 0.1:
            options["bucket_name"] = "other"
    elif kind == "files":
        options["base_url"] = chance.choice(("/media/", "https://old.example.com/media/", "/"))
        options["location"] = "never-made"
    for name, share, values in (
        ("expire_step", 0.25, (0, 300, timedelta(hours=1))),
        ("querystring_expire", 0.2, (600, 7200)),
        ("max_expire", 0.15, (3600, 86_400, 10**6)),
        ("url_cache_size", 0.2, (0, 3, 1000)),
        ("hash_algorithm", 0.2, ("SHA1", "SHA256", "MD5")),
        ("custom_domain", 0.1, ("CDN.example.com", "사진.example.com", "https://x", "", "a.b:99")),
        ("url_protocol", 0.1, ("http:", "https:", "ftp:", "")),
        ("cloudfront_key_id", 0.05, ("K2OTHER", "", None)),
    ):
        if chance.random() < share:
            options[name] = chance.choice(values)
    if chance.random() < 0.2:
        site["AWS_CLOUDFRONT_EXPIRE_STEP"] = chance.choice((0, 60))
    if chance.random() < 0.2:
        site["AWS_QUERYSTRING_EXPIRE"] = chance.choice((300, 7200, 0))
    if chance.random() < 0.1:
        site["AWS_CLOUDFRONT_MAX_EXPIRE"] = chance.choice((600, 10**6))
    if chance.random() < 0.05:
        site["AWS_CLOUDFRONT_KEY_ID"] = chance.choice(("", "K2SETTING"))
    return kind, options, site


class Player:
    """Plays cases with the storages of the checkout that Python finds first."""

    def __init__(self, count: int, seed: int) -> None:
        from django.core.files.storage import InMemoryStorage

        from cfsigned_django.storage import (
            CloudFrontFileSystemStorage,
            CloudFrontS3Storage,
            SignedUrlMixin,
        )

        class MemoryStorage(SignedUrlMixin, InMemoryStorage):
            """One of Django's storages, signed."""

        self.classes: dict[str, Any] = {
            "s3": CloudFrontS3Storage,
            "files": CloudFrontFileSystemStorage,
            "memory": MemoryStorage,
        }
        self.count, self.chance, self.number = count, random.Random(seed), 0
        self.now = float(START)

    def say(self, answer: str, **case: Any) -> None:
        """Print one answer."""
        print(json.dumps({"n": self.number, "answer": answer, "case": repr(case)}))
        self.number += 1

    def play(self) -> None:
        """Play all cases: many storages, each asked several times while time goes on."""
        from django.test import override_settings

        while self.number < self.count:
            kind, options, site = make_options(self.chance)
            self.now = START + self.chance.choice((0.0, 0.5, 12.25, 299.0))
            with override_settings(**site):
                try:
                    storage = self.classes[kind](**options)
                except Exception as error:
                    self.say(type(error).__name__, kind=kind, options=options, site=site)
                    continue
                self.ask(storage, {"kind": kind, "options": options, "site": site})

    def ask(self, storage: Any, case: dict[str, Any]) -> None:
        """Ask one storage for URLs; assign an option, copy or pickle it in between."""
        from django.test import override_settings

        for _ in range(self.chance.randint(3, 40)):
            name, arguments = make_name(self.chance), make_arguments(self.chance)
            dice = self.chance.random()
            if dice < 0.02:
                changed = self.chance.choice(("expire_step", "custom_domain", "querystring_expire"))
                value = {"expire_step": 120, "custom_domain": "new.example.com"}.get(changed, 900)
                setattr(storage, changed, value)
                case["assigned"] = True
            elif dice < 0.03 and case["kind"] != "memory":
                storage = pickle.loads(pickle.dumps(storage))  # noqa: S301 Its own pickle.
                case["pickled"] = case.get("assigned", False)
            elif dice < 0.04:
                storage = copy.copy(storage)
            passes = self.chance.choice((0, 0, 0, 0.5, 1, 30, 299, 3600))
            self.now += passes
            dice = self.chance.random()
            if dice < 0.03:
                with override_settings(AWS_S3_CUSTOM_DOMAIN="set.example.com"):
                    self.answer(storage.url, case, name, arguments)
            elif dice < 0.07:
                self.answer(storage.unsigned_url, case, name, {})
            else:
                self.answer(storage.url, case, name, arguments)

    def answer(self, ask: Any, case: dict[str, Any], name: Any, arguments: Any) -> None:
        """Say what one call returns or raises."""
        try:
            found = ask(name, **arguments)
        except Exception as error:
            found = type(error).__name__
        self.say(found, name=name, arguments=arguments, **case)


def main() -> None:
    """Play the cases that the command line asks for."""
    count, seed, key_file = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    settings.configure(
        INSTALLED_APPS=["cfsigned_django"],
        SECRET_KEY="a key for tests",
        AWS_CLOUDFRONT_KEY=key_file.read_text(),
        AWS_CLOUDFRONT_KEY_ID="K2JCJMDEHXQW5F",
        AWS_S3_CUSTOM_DOMAIN="media.example.com",
        AWS_STORAGE_BUCKET_NAME="media",
        AWS_S3_REGION_NAME="us-east-1",
    )
    django.setup()
    player = Player(count, seed)
    with mock.patch.object(time, "time", side_effect=lambda: player.now):
        player.play()


if __name__ == "__main__":
    main()
