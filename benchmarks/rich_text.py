"""Measure sign_html() with long texts: an article, and what a hostile author repeats."""

from __future__ import annotations

import time

from django.test import override_settings

from benchmarks.sites import ECDSA, settings_for
from cfsigned_django.rich_text import MAX_LENGTH, MAX_URLS
from cfsigned_django.shortcuts import sign_html

UNITS = [
    *("<a ", "<a>", "<", "<!", "<!-->", '<a b="', "<script></script>", "<!--<script>", "</style"),
    *(
        "<a/",
        "<img src=x>",
        "a=",
        "/=",
        "a = ",
        "=a ",
        "a ",
        "src ",
        "- ",
        "&#1",
        ",",
        "<textarea>",
    ),
]
BEFORE = ["", "<script><!--", "<img ", "<style>", '<a x="']
END = "--></script></style>'\"><img src='{0}/articles/1.jpg'>"
ARTICLE = f"an article with {MAX_URLS:,} pictures"


def measure(*, rounds: int, length: int) -> dict[str, tuple[float, float]]:
    """Return the time (ms) of a text, and of one of half the length, by what it is."""
    site = settings_for(ECDSA)
    origin = f"https://{site['AWS_S3_CUSTOM_DOMAIN']}"
    storages = {"default": {"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"}}

    def article(length: int) -> str:
        number = MAX_URLS * length // MAX_LENGTH
        picture = '<p>글 &amp; text</p><img src="{0}/articles/{1}.jpg?Expires=1&amp;Signature=x">'
        pictures = "".join(picture.format(origin, each) for each in range(number))
        return pictures.ljust(length, "글")

    def hostile(before: str, unit: str, length: int) -> str:
        end = END.format(origin)
        return before + unit * ((length - len(before + end)) // len(unit)) + end

    def several(before: str, unit: str, after: str, length: int) -> str:
        room = MAX_LENGTH // MAX_URLS - len(f"{before}999/{after}")
        repeated = unit * (32 if "&" in unit else room // len(unit))
        number = MAX_URLS * length // MAX_LENGTH
        return "".join(f"{before}{each}/{repeated}{after}" for each in range(number)).ljust(length)

    def candidates(length: int) -> str:
        urls = several(f" 1x,{origin}/drafts/", "%25%41", " 2x", length - 100)
        return f'<img srcset="{urls}">'.ljust(length)

    def spent(text: str) -> float:
        times = []
        for _ in range(rounds):
            began = time.process_time_ns()
            sign_html(text, folder="articles")
            times.append((time.process_time_ns() - began) / 1e6)
        return min(times)

    found = {}
    lengths = (length, length // 2)
    with override_settings(**site, STORAGES=storages):
        sign_html(article(1000), folder="articles")
        first, second = (spent(article(length)) for length in lengths)
        found[ARTICLE] = first, second
        for what, before, unit, after in (
            *(
                ("URLs of another folder with", f'<img src="{origin}/drafts/', unit, '">')
                for unit in ("&#65536;", "%41%41%41", "a/a/a/", "%")
            ),
            ("tags with", "<a ", "a=b ", f"href={origin}/drafts/a>"),
        ):
            first, second = (spent(several(before, unit, after, length)) for length in lengths)
            found[f"{MAX_URLS:,} {what} `{unit}` repeated"] = first, second
        first, second = (spent(candidates(length)) for length in lengths)
        found[f"{MAX_URLS:,} candidates in one `srcset`"] = first, second
        for before in BEFORE:
            for unit in UNITS:
                first, second = (spent(hostile(before, unit, length)) for length in lengths)
                title = f"`{before}`, then `{unit}` repeated" if before else f"`{unit}` repeated"
                found[title] = first, second
    return found
