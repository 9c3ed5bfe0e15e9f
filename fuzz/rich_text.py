"""Sign the HTML of authors: Lexbor reads the same before and after, except signed URLs."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from cfsigned_django.shortcuts import sign_html
from cfsigned_django.signing import PrivateKey, Verifier
from cfsigned_django.storage import CloudFrontS3Storage
from fuzz.dice import spell
from tests.storage_cases import DOMAIN, KEY_ID, ORIGIN, options_for

KEY = PrivateKey.generate()
VERIFIER = Verifier({KEY_ID: KEY.public_key})
URL = f"{ORIGIN}/articles/a.jpg"
ELEMENTS = ["img", "source", "video", "audio", "track", "a"]
ATTRIBUTES = ["src", "srcset", "poster", "href"]
TEXTS = ["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"]
TOKENS = [f"<{each} " for each in (*ELEMENTS, *TEXTS, "p", "image", "plaintext", "template")]
TOKENS += [f"</{each}>" for each in (*TEXTS, "a", "video", "p")]
TOKENS += [f"{each}=" for each in (*ATTRIBUTES, "alt", "data-src")]
TOKENS += [f' {each}="{URL}"' for each in ATTRIBUTES] + [f"<img src={URL}>", f'<a href="{URL}">']
TOKENS += [f"{ORIGIN}/drafts/", f"{ORIGIN}/articles/../drafts/", f"//{DOMAIN}/articles/", URL, URL]
TOKENS += [f"https://evil.example/?{ORIGIN}/articles/", f"{URL}?Expires=1&amp;Signature=x#a"]
TOKENS += [
    ">",
    "/>",
    "<",
    "</",
    "<!",
    "<!--",
    "-->",
    "--!>",
    "<!-->",
    "<?",
    "<![CDATA[",
    "<script>",
]
TOKENS += ['"', "'", " ", "\n", "=", "/", "`", ",", " 1x,", " 2x", "&amp;", "&quot;", "&#39;"]
TOKENS += ["&#44", "&comma;", "&#46;", "&#x2f;", "%2e", "%2F", "%", "é", "\0", "\x0b", "\u017f"]


@cache
def storage() -> CloudFrontS3Storage:
    """Return a storage that signs."""
    return CloudFrontS3Storage(**options_for(KEY))


def check(data: bytes) -> None:
    """Fail if a tag, a text or another attribute is new, or if a file elsewhere is signed."""
    text = spell(data, TOKENS)
    signed = sign_html(text, folder="articles", storage=storage())
    for one, other in zip(nodes(text), nodes(signed), strict=True):
        if one != other:
            assert one[:2] == other[:2], (one, other)
            assert (one[0] in ELEMENTS, one[1] in ATTRIBUTES) == (True, True), (one, other)
            check_urls(one[1], one[2], other[2])


def check_urls(name: str, before: str, after: str) -> None:
    """Fail if an attribute has a URL that CloudFront refuses, or that means another file."""
    urls = [each for each in re.split(r"\s|,(?=\s)", after) if "Signature=" in each]
    if name == "srcset":
        urls = [re.sub(rf".*?,(?={ORIGIN})", "", each) for each in urls]
    else:
        assert path_of(before) == path_of(after)
    fresh = [each for each in urls if each not in before]
    assert fresh
    for each in fresh:
        url = each.partition("#")[0]
        policy = VERIFIER.verify(url, now=int(time.time()))
        assert policy.resource.startswith(f"{ORIGIN}/articles/")
        assert ".." not in unquote(policy.resource).split("/")
        assert "*" not in policy.resource


def path_of(url: str) -> str:
    """Return the path of a URL, as S3 reads it."""
    return unquote(urlsplit(url.strip(" \t\n\r\f")).path).replace("\\", "/")


def nodes(text: str) -> Iterator[tuple[Any, ...]]:
    """Yield what browsers read: elements, attributes and texts."""
    root = LexborHTMLParser(text, is_fragment=True).root
    return _nodes(root) if root else iter(())


def _nodes(first: LexborNode) -> Iterator[tuple[Any, ...]]:
    """Yield an element and those after it, each with what is in it, also in a template."""
    for each in first.traverse(include_text=True):
        if not each.is_element_node:
            yield (each.tag, each.html)
            continue
        yield ("element", each.tag)
        yield from ((each.tag, name, value or "") for name, value in each.attributes.items())
        for inner in each.template_fragments() if each.tag == "template" else ():
            yield from _nodes(inner)
