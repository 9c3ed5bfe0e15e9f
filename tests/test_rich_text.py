"""Sign the URLs in the HTML of an editor: those of files in one folder, and nothing else.

Modules: logs.py, rich_text.py, shortcuts.py
"""

from __future__ import annotations

import html
import logging
import re
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.storage import InvalidStorageError, storages
from django.template import Context, Template
from django.utils.functional import SimpleLazyObject, lazy, lazystr
from django.utils.safestring import SafeString, mark_safe

from cfsigned_django import rich_text
from cfsigned_django.shortcuts import sign_html, signed_urls
from cfsigned_django.signing import PrivateKey
from tests.storage_cases import DOMAIN, KEY_ID, NOW, ORIGIN, at, counted_signatures, verify

#: A URL as an editor stored it a year ago.
DEAD = f"{ORIGIN}/articles/a.jpg?Expires=1743464000&amp;Signature=x~-_&amp;Key-Pair-Id=K2JC"
MB = 1024 * 1024
QUERY = re.compile(
    rf"\?Expires=\d+&amp;Signature=[\w~-]+&amp;Key-Pair-Id={KEY_ID}(?:&amp;Hash-Algorithm=SHA256)?"
)


@pytest.fixture(autouse=True)
def _aliases(aliases: Any, ec_key: PrivateKey) -> None:
    """Sign with ECDSA: some texts have a thousand URLs."""
    aliases.AWS_CLOUDFRONT_KEY = ec_key.to_pem()


def sign(text: Any, folder: Any = "articles", **arguments: Any) -> str:
    """Return the signed text, with ``!`` for each query of a signature that verifies."""
    with at(NOW):
        signed = sign_html(text, folder=folder, **arguments)
    for url in re.findall(rf"{ORIGIN}/[^?\"\s]*{QUERY.pattern}", signed):
        opened = verify("default", html.unescape(url), now=NOW)
        assert "*" not in opened.resource
    return QUERY.sub("!", signed)


#: Texts with DEAD in each place of {}, and what is signed of them.
SIGNED: list[tuple[str, str]] = [
    ('<img src="{}">', '<img src="{}">'),
    ("<img src='{}'>", "<img src='{}'>"),
    ("<img src={}>", "<img src={}>"),
    ("<IMG\r\n\talt=x SrC \n=\n {} >", "<IMG\r\n\talt=x SrC \n=\n {} >"),
    ('<img/src="{}"/>', '<img/src="{}"/>'),
    ('<img alt="a>b" title=\'"\' src="{}"id=x>', '<img alt="a>b" title=\'"\' src="{}"id=x>'),
    ('<img src=" \n{}\t">', '<img src=" \n{}\t">'),
    ('<video poster="{0}" src="{0}">', '<video poster="{0}" src="{0}">'),
    ('<audio src="{}">', '<audio src="{}">'),
    ('<track src="{}">', '<track src="{}">'),
    ('<a href="{}" download>x</a>', '<a href="{}" download>x</a>'),
    (
        '<source media=x srcset="{0} 1x, {0} 2x,{0} 3x, /b.jpg 4x">',
        '<source media=x srcset="{0} 1x, {0} 2x,{0} 3x, /b.jpg 4x">',
    ),
    ("<img srcset='{}, x'>", "<img srcset='{}, x'>"),
    ('<img a=b =c ="d>e" src="{}">', '<img a=b =c ="d>e" src="{}">'),
    ("<p <!-- --><!--><!---><!-- a --!><img src='{}'>", "<p <!-- --><!--><!---><!-- a --!>"
     "<img src='{}'>"),
    ("<p a /=b =><p /==c><img src={}>",) * 2,
    ("< b </> <? > <![CDATA[ > <img src={}>", "< b </> <? > <![CDATA[ > <img src={}>"),
    ("<script><!-- <script> </script> --></script><img src={}>",) * 2,
    ("<script><!--><script></script><img src={}>",) * 2,
    ("<style>a</styles></style ><img src={}>",) * 2,
    ("<noscript><img src={}></noscript><template><img src={}></template>",) * 2,
    ('<img src="{}"><img src="https://x"', '<img src="{}"><img src="https://x"'),
]  # fmt: skip


def test_what_is_signed() -> None:
    """Sign the named attributes of the named tags, as browsers read them; change no other byte."""
    url = f"{ORIGIN}/articles/a.jpg!"
    rows = [[each.replace("{}", "{0}") for each in row] for row in SIGNED]
    found = [(text, sign(text.format(DEAD))) for text, _ in rows]
    assert found == [(text, signed.format(url)) for text, signed in rows]


#: A URL as a text has it, and what comes after the host when it is signed.
SPELLINGS: list[tuple[str, str]] = [
    (f"//{DOMAIN}/articles/b/a.jpg", "articles/b/a.jpg!"),
    (f"HTTP://{DOMAIN.upper()}/articles/a.jpg#t=1,2", "articles/a.jpg!#t=1,2"),
    (f"{ORIGIN}/articles/사진 (1).jpg?v=1#a&amp;b",
     "articles/%EC%82%AC%EC%A7%84%20(1).jpg!#a&amp;b"),
    (f"{ORIGIN}/articles/it's.jpg", "articles/it's.jpg!"),
    (f"{ORIGIN}/articles/a#&quot;onload=x&gt;", "articles/a!#&quot;onload=x&gt;"),
    (f"{ORIGIN}/articles/it&#39;s%20&#x41;&amp;&eacute;.jpg",
     "articles/it&#x27;s%20A%26%C3%A9.jpg!"),
    (f"{ORIGIN}/articles/a&copy=1&notit;.jpg", "articles/a%26copy%3D1%26notit%3B.jpg!"),
    (f"{ORIGIN}/articles/a?{'&amp;' * 32}", "articles/a!"),
    (f"{ORIGIN}/articles/a%{'%4a' * 40}{'%' * 31}", f"articles/a%25{'J' * 40}{'%25' * 31}!"),
    (f"{ORIGIN}/articles/%252e%252e/a.jpg", "articles/%252e%252e/a.jpg!"),
]  # fmt: skip


def test_spellings() -> None:
    """Read a URL, its references to characters and its fragment as browsers do."""
    found = [(url, sign(f'<img src="{url}">')) for url, _ in SPELLINGS]
    assert found == [(url, f'<img src="{ORIGIN}/{signed}">') for url, signed in SPELLINGS]


#: Names of other folders, and those that no storage has.
OTHERS = [
    f"{ORIGIN}/{name}"
    for name in (
        *("articles2/a.jpg", "Articles/a.jpg", "a.jpg", "articles", "articles/", "/articles/a"),
        *("articles/../drafts/a.jpg", "articles/%2e%2e/drafts/a.jpg", "articles/..%2Fdrafts/a"),
        *("articles/&#46;./drafts/a.jpg", "articles/.&period;/drafts/a.jpg", "%2Farticles/a.jpg"),
        *("articles\\..\\drafts\\a.jpg", "articles/%5C..%5Cdrafts/a.jpg", "drafts/articles/a"),
        *("articles//a.jpg", "articles/./a.jpg", "articles/a.jpg/", "articles/a%0A.jpg"),
        *("articles/%00.jpg", "arti\ncles/a.jpg", "arti&#1;cles/a", "articles/\ud800"),
        *("articles/%FF.jpg", f"articles/{'a' * 1025}", f"articles/a?{'&amp;' * 33}"),
        *("articles/a#&#32;onload=x", "articles/a?<", "articles/a?>", f"articles/{'%' * 33}"),
        *(f"articles/a?&#{'9' * 5000};", "articles/a?'#'", "articles/&#x27;'", "ärticles/a.jpg"),
    )
]


#: URLs that are not of the storage, whose domain is in them.
OTHER_HOSTS = [
    *(f"https://{DOMAIN}.evil.example/articles/a", f"https://{DOMAIN}@evil.example/articles/a"),
    *(f"https://u@{DOMAIN}/articles/a", f"https://{DOMAIN}:444/articles/a", "/articles/a"),
    *(f"https:/{DOMAIN}/articles/a", f"https:{DOMAIN}/articles/a", f"ftp://{DOMAIN}/articles/a"),
    *(f"https:\\\\{DOMAIN}\\articles\\a", f"x//{DOMAIN}/articles/a"),
    *(f"https://evil.example/?//{DOMAIN}/articles/a", f"https://{DOMAIN}./articles/a"),
]
#: The same, as candidates of a srcset.
CANDIDATES = [
    f"https://evil.example/?u=,//{DOMAIN}/articles/a 1x",
    f"https://evil.example/?u=&comma;//{DOMAIN}/articles/a 1x",
    f"https://evil.example/1x,https://{DOMAIN}/articles/a",
    *(f"1x//{DOMAIN}/articles/a", f"1x,//{DOMAIN}/articles/a", f"a, 1x,//{DOMAIN}/articles/a"),
    *(f"a&#44 1x,//{DOMAIN}/articles/a", f"/ 1x//{DOMAIN}/articles/a"),
]


def test_commas_that_are_references() -> None:
    """Leave a candidate that ends in such a comma, which browsers take off, and sign the next."""
    for comma in ("&#44", "&#44;", "&#x2C;", "&comma;", ",&comma;", "&comma;,"):
        text = f'<img srcset="{DEAD}{comma} {DEAD} 2x">'
        assert sign(text) == f'<img srcset="{DEAD}{comma} {ORIGIN}/articles/a.jpg! 2x">'
    inside = f'<img srcset="{ORIGIN}/articles/a&#44b&comma;c.jpg 2x">'
    assert "a%2Cb%2Cc.jpg! 2x" in sign(inside).replace(",", "%2C")
    alone = f'<img src="{ORIGIN}/articles/a&comma;">'
    assert sign(alone) == f'<img src="{ORIGIN}/articles/a%2C!">'


#: Texts with DEAD where no browser reads the URL of a file.
STAY: list[str] = [
    "{}",
    "",
    '<p title="<img src={}>"><b src={}><image src={}><link href={}><img data-src={} alt={}>',
    '<img alt="<img src=\'{}\'>">',
    "<!-- <img src={}> -- > <img src={}> --> x",
    "<!-- <img src={}>",
    "<!---!><img src={}>",
    "<!doctype x '><img src={}",
    "<? <img src={}> </ <img src={}>",
    *(f"<{each} a='>'><img src={{}}></{each}x></ {each}>" for each in (
        "script", "STYLE", "textarea", "title", "xmp", "iframe", "noembed", "noframes",
    )),
    "<script><!--<script></script><img src={}>--></script>",
    "<script><!--<script a></script><script><img src={}></script><img src={}></script x>",
    "<plaintext></plaintext><img src={}>",
    '<img src="{}',
    "<img src='{}' ",
    "<img src={}",
    '<a x="><a x=\'><img src={}>',
    "<img src src={}><img src=x SRC={}><img src='' src={}>",
    "<img ſrc={}><img src\x0b={}><img\x0bsrc={}><imgs src={}><img-x src={}>",
    "<a href='x {0}'><img src=x,{0}>",
    "</a href={}></img src={}>",
]  # fmt: skip


@pytest.mark.parametrize(
    ("tag", "places"),
    [
        ("{}", STAY),
        ('<img src="{}">', OTHERS),
        ('<img srcset="/x 1x,{} 2x">', OTHERS),
        ('<a href="{}">x</a>', OTHER_HOSTS),
        ('<img srcset="{}">', CANDIDATES),
    ],
    ids=["places", "names", "names of a srcset", "hosts", "candidates"],
)
def test_what_stays(tag: str, places: list[str]) -> None:
    """Sign no name of another folder, no URL of another host, and no text that is not a link.

    Comments, scripts, texts, repeated attributes and broken tags stay byte for byte.
    """
    texts = [tag.replace("{}", each) for each in places]
    texts = [each.replace("{0}", DEAD).replace("{}", DEAD) for each in texts]
    assert [sign(text) for text in texts] == texts


HOSTILE = [
    *("<a ", "<a>", "</", "<", "<!", "<!--", "<!-->", '<a b="', "<a b='", "<script>", "<script "),
    *("<!--<script>", "<script></script>", "<style></style", "<textarea", "<title>", "<plaintext>"),
    *("<![CDATA[", "<a/", "<img src=x>", "\"'", "a=", "/=", "a = ", "=a ", "src ", "- ", "-->"),
    *("<img src='", "<img srcset='a,", " ", "\n", ",", "&amp;", "&#1", f'<a href="//{DOMAIN}'),
]  # fmt: skip
BEFORE = [
    "",
    "<script><!--",
    "<script><!--<script>",
    "<style>",
    "<!--",
    "<img ",
    '<a x="',
    "<img src=",
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_texts(unit: str) -> None:
    """Finish with whatever a text repeats, and sign the picture behind it if there is one.

    What is not linear would take minutes; benchmarks/rich_text.py has the time of each.
    """
    end = "--></script></style>'\"><p><img src='//media.example.com/articles/a.jpg'>"
    for before in BEFORE:
        text = f"{before}{unit * (30_000 // len(unit))}{end}"
        signed = sign(text)
        assert signed in (text, f"{text[: text.rindex('//')]}{ORIGIN}/articles/a.jpg!'>")


def test_too_long(caplog: pytest.LogCaptureFixture) -> None:
    """Return a text of more than 1 MB, or of more than 1,000 URLs, as it is, and log it once."""
    picture = f'<img src="{DEAD}">'
    pixels = "A" * (MB - len(picture))
    url = f"<a href=//{DOMAIN}/articles/{uuid.uuid4()}>"
    with caplog.at_level(logging.WARNING, "cfsigned_django.rich_text"):
        assert sign(picture + pixels) == f'<img src="{ORIGIN}/articles/a.jpg!">{pixels}'
        assert sign(url * 1000).count("!") == 1000
        assert caplog.messages == []
        for text in (f"{picture}{pixels}A", f"{picture}{pixels}AA", url * 1001, url * 1002) * 2:
            assert sign(text) is text
    assert ["up to 2 MB" in caplog.messages[0], "up to 1 MB" in caplog.messages[1]] == [True] * 2
    assert len(caplog.messages) == 2


# The folder


@pytest.mark.parametrize("text", ["", f'<img src="{DEAD}">'], ids=["nothing", "text"])
def test_no_folder(text: str) -> None:
    """Refuse whatever is not the name of a folder: nothing means all of them."""
    folder: Any
    for folder in ("", "*", "articles/", None, (), ["articles", ""], b"articles", lazystr("a")):
        with pytest.raises(ValueError, match="folder is"):
            sign_html(text, folder=folder)


def test_several_folders() -> None:
    """Sign the files of each of several folders; in Python, a comma is a part of a name."""
    text = f"<img src={ORIGIN}/a/1><img src={ORIGIN}/b/c/2><img src={ORIGIN}/b/3>"
    signed = text.replace("/1", "/1!").replace("/2", "/2!")
    assert sign(text, ["a", "b/c"]) == sign(text, (each for each in ("a", "b/c"))) == signed
    assert sign(text, "a,b/c") == text
    for given in (SimpleLazyObject(lambda: "a"), [SimpleLazyObject(lambda: "a")]):
        assert sign(text, given) == text.replace("/1", "/1!")


def test_storage_and_expire() -> None:
    """Sign with the storage that is given, and for as long as is asked."""
    text = "<img src=https://o.example.com/a/1>"
    assert sign(text, "a") == text
    with at(NOW):
        signed = sign_html(text, folder="a", storage="other", expire=60)
    (url,) = re.findall("src=(.*)>", signed)
    assert verify("other", html.unescape(url), now=NOW).date_less_than == NOW + 60
    with pytest.raises(ValueError, match="expire"):
        sign_html(text, folder="a", storage="other", expire=-1)
    with pytest.raises(InvalidStorageError):
        sign_html(text, folder="a", storage="plain")
    public = f"<img src={ORIGIN}/a/1?v=2>"
    assert sign_html(public, folder="a", storage="public") == f"<img src={ORIGIN}/a/1>"


def test_within_a_block() -> None:
    """Take the signature of the block for what it covers: one for the whole text."""
    text = "".join(f"<img src={ORIGIN}/articles/{each}.jpg>" for each in range(9))
    with at(NOW), counted_signatures() as signatures, signed_urls(folder="articles"):
        signed = sign_html(text, folder="articles")
    assert len(signatures) == 1
    assert len(re.findall("Policy=", signed)) == 9


def test_safe_text() -> None:
    """Return safe text for safe text only."""
    text = f"<img src={DEAD}>"
    signed = f"<img src={ORIGIN}/articles/a.jpg!>"
    rendered = SimpleNamespace(__html__=lambda: mark_safe(text))  # noqa: S308 - no one's text
    with at(NOW):
        each: Any
        for each in (mark_safe(text), rendered, lazy(mark_safe, SafeString)(text)):  # noqa: S308
            assert isinstance(sign_html(each, folder="articles"), SafeString)
            assert sign(each) == signed
        for each in (text, lazystr(text)):
            assert not isinstance(sign_html(each, folder="articles"), SafeString)
            assert sign(each) == signed
    assert sign(None) == ""


# Templates


def render(text: str, **context: Any) -> str:
    """Return what a template gives, with ``!`` for each signature."""
    with at(NOW):
        rendered = Template("{% load cfsigned %}" + text).render(Context(context))
    return QUERY.sub("!", html.unescape(rendered) if "<" not in rendered else rendered)


def test_filter() -> None:
    """Sign in a template for one folder, or for several, none empty; escape what is not safe."""
    body = f"<img src={ORIGIN}/a/1><img src={ORIGIN}/b/2>"
    signed = body.replace("/1", "/1!").replace("/2", "/2!")
    assert render("{{ body|safe|signed_html:'a, b' }}", body=body) == signed
    assert render("{{ body|signed_html:folders|safe }}", body=body, folders=["a", "b"]) == signed
    assert render("{{ body|safe|signed_html:'a' }}", body=body) == body.replace("/1", "/1!")
    with at(NOW):
        escaped = Template("{% load cfsigned %}{{ body|signed_html:'a' }}").render(
            Context({"body": body})
        )
    assert "<" not in escaped
    assert render("{{ nothing|signed_html:'a' }}") == ""
    for folder in ("''", "'a,'"):
        with pytest.raises(ValueError, match="folder is ''"):
            render("{{ body|signed_html:" + folder + " }}", body="")


def test_permanent_links() -> None:
    """Put another URL instead, for the names that get one."""
    text = f"<img src={ORIGIN}/a/1><a href={ORIGIN}/b/2?x#y>"
    found = rich_text.replace_urls(
        text,
        storage=storages["default"],
        replace=lambda name: f"/media/{name}" if name == "b/2" else None,
    )
    assert found == f"<img src={ORIGIN}/a/1><a href=/media/b/2#y>"
