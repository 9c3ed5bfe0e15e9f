"""Sign playlists: each URI of the host is signed where it stands, and nothing else changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin

from cfsigned_django.signing.exceptions import InvalidPlaylist
from cfsigned_django.signing.playlist import sign_playlist
from fuzz.dice import spell

ORIGIN = "https://d1.example"
BASE = f"{ORIGIN}/videos/42/a.m3u8"
TAGS = ["KEY", "MAP", "MEDIA", "PART", "I-FRAME-STREAM-INF", "SESSION-DATA", "SESSION-KEY"]
TAGS += ["CONTENT-STEERING", "PRELOAD-HINT", "RENDITION-REPORT"]
SIGNED_TAGS = tuple(f"#EXT-X-{each}:" for each in TAGS)
TOKENS = [f"#EXT-X-{each}:" for each in (*TAGS, "STREAM-INF", "KEYS", "DEFINE", "DATERANGE")]
TOKENS += ["\n", "\r\n", "\r", "\n#", "#EXTINF:4,", 'URI="', 'SERVER-URI="', 'X-URI="', 'NAME="']
TOKENS += ['"', ",", "=", " ", "\t", "..", "./", "//", "?", ":", "https:", ORIGIN, "seg.ts"]
TOKENS += [
    "HTTPS://D1.example/",
    "//evil.example/",
    "https://d1.example.evil",
    "\x85",
    "\u2028",
    "{$",
]


def check(data: bytes) -> None:
    """Fail if anything but a URI changes, or if a URI leads elsewhere."""
    text = "#EXTM3U\n" + spell(data, TOKENS)
    asked: list[str] = []

    def sign(url: str) -> str:
        asked.append(url)
        return f"«{len(asked)}»"

    try:
        signed = sign_playlist(text, BASE, sign)
    except InvalidPlaylist:
        assert "{$" in text
        return
    lines = zip(text.split("\n"), signed.split("\n"), strict=True)
    uris = [uri for before, after in lines if before != after for uri in replaced(before, after)]
    for uri, url in zip(uris, asked, strict=True):
        assert url.startswith(f"{ORIGIN}/")
        assert "/../" not in url.partition("?")[0]
        if re.fullmatch(r"[\w./-]+", uri) and "//" not in uri:
            assert url == urljoin(BASE, uri), uri


def replaced(before: str, after: str) -> Iterator[str]:
    """Yield what the marks stand for, if nothing else of the line is new."""
    around = re.split("«[0-9]+»", after)
    is_tag = before.startswith("#")
    group = '([^"]*)' if is_tag else r"([^ \t\r].*)"
    found = re.fullmatch(group.join(map(re.escape, around)), before, re.DOTALL)
    assert found, (before, after)
    if is_tag:
        assert before.startswith(SIGNED_TAGS)
        assert all(re.search(r'[^\w-](?:SERVER-)?URI="\Z', each) for each in around[:-1]), before
    yield from found.groups()
