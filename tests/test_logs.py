"""Redact what opens a file, in whatever form a log has it, and leave all else as it is."""

from __future__ import annotations

import html
import io
import json
import logging
import pickle
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from django.utils.html import escapejs
from hypothesis import example, given, strategies as st

from cfsigned_django.logs import RedactSignatures, redact
from cfsigned_django.signing import Policy, PrivateKey, Signer
from cfsigned_django.signing.encoding import encode_base64, encode_name
from cfsigned_django.storage import CloudFrontS3Storage, Upload, UploadPart
from tests.characters import CHARACTERS
from tests.storage_cases import KEY_ID, NOW, ORIGIN, SECRET_KEY

MARK = "MARK3R"
SIGNATURE, POLICY = f"MEUCIQD~{MARK}-s_", f"eyJTdGF0ZW1lbnQi{MARK}__"
V4, SESSION, FORM = f"{MARK}0f".lower() + MARK, f"IQoJb3{MARK}", f"eyJleHBpcmF0aW9u{MARK}"
TOKEN = f"eyJidWNrZXQi{MARK}:1wAbCd:{MARK}-5Qs7hOEkYtW8"
SECRETS = (SIGNATURE, POLICY, V4, SESSION, FORM, TOKEN)

CANNED = f"{ORIGIN}/a%20b.jpg?v=1&Expires={NOW}&Signature={SIGNATURE}&Key-Pair-Id={KEY_ID}"
URL = f"{ORIGIN}/사진.jpg?Policy={POLICY}&Signature={SIGNATURE}&Key-Pair-Id={KEY_ID}"
PRESIGNED = (
    f"https://b.s3.amazonaws.com/a?X-Amz-Credential=AKIA&X-Amz-Date=20261101T000000Z"
    f"&X-Amz-Security-Token={SESSION}&X-Amz-SignedHeaders=host&X-Amz-Signature={V4}"
)
COOKIES = {
    "CloudFront-Policy": POLICY,
    "CloudFront-Signature": SIGNATURE,
    "CloudFront-Key-Pair-Id": KEY_ID,
}
UPLOAD = Upload(
    name="a/b.jpg",
    expires_at=datetime(2026, 11, 1, tzinfo=UTC),
    token=TOKEN,
    url="https://b.s3.amazonaws.com/",
    fields={
        "key": "media/tmp/uploads/x",
        "x-amz-credential": "AKIA/20261101/eu-central-1/s3/aws4_request",
        "x-amz-security-token": SESSION,
        "policy": FORM,
        "x-amz-signature": V4,
    },
)
IN_PARTS = replace(UPLOAD, url="", fields={}, parts=(UploadPart(number=1, size=5, url=PRESIGNED),))
VALUES = {"Expires": NOW, "Policy": POLICY, "Signature": SIGNATURE, "Key-Pair-Id": KEY_ID}


def raised(message: str) -> str:
    """Return the traceback of an error."""
    try:
        raise OSError(message)
    except OSError:
        return traceback.format_exc()


def set_cookies() -> str:
    """Return cookies as a response sets them."""
    jar: SimpleCookie = SimpleCookie(COOKIES)
    jar["CloudFront-Signature"]["path"] = "/"
    return jar.output()


EVENT = {
    "request": {"url": URL, "query_string": URL.partition("?")[2], "cookies": COOKIES},
    "exception": {"values": [{"stacktrace": {"frames": [{"vars": {"url": repr(URL)}}]}}]},
    "extra": {"upload": {each: repr(value) for each, value in UPLOAD.fields.items()}},
    "breadcrumbs": [{"data": {"Signature": [SIGNATURE], "Policy": repr(POLICY)}, "n": 1}],
}
NGINX = (
    '192.0.2.1 - - [01/Nov/2026:00:00:00 +0000] "GET /a?{query} HTTP/1.1" 200 7 "{url}" '
    r'"{{\x22Signature\x22: \x22{signature}\x22}}" "CloudFront-Signature={signature}; a=b"'
).format(query=CANNED.partition("?")[2], url=URL, signature=SIGNATURE)

CARRIERS: dict[str, str] = {
    "upload": repr(UPLOAD.to_dict()),
    "upload in parts": repr(IN_PARTS.to_dict()),
    "upload as JSON": json.dumps(UPLOAD.to_dict(), indent=2),
    "finished upload": f"token={TOKEN}",
    "form": urlencode(UPLOAD.fields),
    "URL": f"Opened {CANNED}, and then {URL.partition('&Key')[0]}.",
    "query": URL.partition("?")[2],
    "presigned": PRESIGNED,
    "presigned, old": f"https://b.s3.amazonaws.com/a?AWSAccessKeyId=A&Signature={V4}%3D&Expires=1",
    "lower case": PRESIGNED.replace("X-Amz-S", "x-amz-s"),
    "Location": repr([("Location", URL), ("Content-Length", "0")]),
    "Set-Cookie": set_cookies(),
    "morsels": repr(SimpleCookie(COOKIES)),
    "headers": f"x-amz-security-token:{SESSION}\nX-Amz-Security-Token: {SESSION}\nhost:s3",
    "Cookie": "Cookie: " + "; ".join(f"{each}={value}" for each, value in COOKIES.items()),
    "listed": "\n".join(f"{each} = {value!r}" for each, value in COOKIES.items()),
    "JSON": json.dumps({"url": URL, **COOKIES, **VALUES}),
    "JSON in JSON": json.dumps({"body": json.dumps({"url": URL, **VALUES})}),
    "JSON in JSON in JSON": json.dumps(json.dumps(json.dumps(VALUES))),
    "repr": repr({**VALUES, "cookies": COOKIES, "url": URL}),
    "repr of bytes": repr({b"Signature": SIGNATURE.encode(), b"url": URL.encode()}),
    "lists": repr({each: [value] for each, value in VALUES.items()}),
    "traceback": raised(f"Cannot open {URL}: timed out"),
    "event": json.dumps(EVENT),
    "nginx": NGINX,
    "&amp;": html.escape(f'<a href="{URL}">'),
    "&amp;amp;": html.escape(html.escape(URL)),
    "HTML of repr": html.escape(repr({**VALUES, "url": URL})),
    "%26": quote(URL, safe=""),
    "%2526": f"/login?next=/go%3Fto%3D{quote(quote(URL, safe=''), safe='')}&a=b",
    "JSON in a URL": f"?state={quote(json.dumps(VALUES))}&also={quote_plus(json.dumps(VALUES))}",
    r"\u0026": json.dumps(URL).replace("&", r"\u0026"),
    r"\\u0026": json.dumps(json.dumps(URL).replace("&", r"\u0026")),
    "semicolons": URL.replace("&", ";"),
    "lost question mark": f"/a.jpgExpires={NOW}&Signature={SIGNATURE}&Key-Pair-Id={KEY_ID}",
    "no delimiter": f"/a.jpgSignature={SIGNATURE * 4}",
}


@pytest.mark.parametrize("text", CARRIERS.values(), ids=CARRIERS)
def test_carriers(text: str) -> None:
    """No value is left, in whatever form a log has it, and all else is equal byte for byte."""
    expected = text.replace(SIGNATURE * 4, "(hidden)").replace(f"{V4}%3D", "(hidden)")
    for secret in SECRETS:
        expected = expected.replace(secret, "(hidden)")

    assert MARK in text
    assert redact(text) == expected
    assert MARK not in expected
    assert redact(expected) == expected


def test_escaped_for_scripts() -> None:
    """A signature is hidden whole where a script has its hyphens and equals signs escaped."""
    assert escapejs(CANNED).count(MARK) == 1
    assert redact(escapejs(CANNED)) == escapejs(CANNED).replace(escapejs(SIGNATURE), "(hidden)")


POLICY_OF_IAM = {"Policy": json.dumps({"Version": "2012-10-17"}), "PolicyName": "eyJ"}
UNTOUCHED: list[str] = [
    *(
        "",
        "Signature",
        "Signature=",
        "?Signature=&Policy=&Expires=1",
        'Signature: "a',
        "Signature: a",
    ),
    'GET /a?Signature= HTTP/1.1" 200',
    'Set-Cookie: CloudFront-Signature=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0',
    json.dumps(POLICY_OF_IAM),
    repr(POLICY_OF_IAM),
    json.dumps({"Policy": POLICY_OF_IAM, "Signature": None, "signature": "a", "Expires": 1}),
    json.dumps({"Policy": "ReadOnlyAccess", "Content-Security-Policy": "default-src 'self'"}),
    json.dumps({"Policy": "arn:aws:iam::aws:policy/ReadOnlyAccess", "Signature": "", "a": "b"}),
    json.dumps({"X-Hub-Signature": "sha1=0f", "X-Hub-Signature-256": "sha256=0f"}),
    json.dumps(["Policy", "Signature", "CloudFront-Signature", "CloudFront-Policy", "Key-Pair-Id"]),
    json.dumps({"Signature": {"type": "string"}, "policy": POLICY.replace(MARK, "a")}),
    json.dumps({"token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "csrf_token": "a:b:c"}),
    f"https://storage.example.com/a?X-Goog-Signature={'0f' * 256}&X-Goog-Expires=60",
    CANNED.replace("Signature", "signature"),
    URL.replace("Signature", "SIGNATURE").replace("Policy", "POLICY"),
    *("cloudfront-signature=a; cloudfront-policy=b", "&policy=eyJhIjoxfQ&Signatures=a&Policys=b"),
    "signature = sign(Policy=policy, Signature=signature, token=token)",
    'return f"{url}?Signature={signature}&Key-Pair-Id={key}"',
]


@pytest.mark.parametrize("text", UNTOUCHED)
def test_untouched(text: str) -> None:
    """Names without values, other people's names, and IAM's policies stay byte for byte."""
    assert redact(text) == text


KEY = PrivateKey.generate()
SIGNER = Signer(key_pair_id=KEY_ID, private_key=KEY)
FORMS: list[Callable[[str], str]] = [
    *(str, repr, json.dumps, html.escape, quote, quote_plus, "see <{}>.".format),
    lambda text: text.replace("&", r"\u0026"),
    lambda text: json.dumps({"url": text, "Expires": 1}),
]
forms = st.lists(st.sampled_from(FORMS), max_size=3)


def seen_in(text: str, others: list[Callable[[str], str]]) -> str:
    """Return a text in forms, one in another."""
    for form in others:
        text = form(text)
    return text


@given(
    name=st.text(CHARACTERS, min_size=1).filter(lambda name: name.strip("/. ")),
    custom=st.booleans(),
    age=st.integers(0, 10**8),
    others=forms,
)
def test_signed_urls(name: str, custom: bool, age: int, others: list[Callable[[str], str]]) -> None:
    """Of a URL that the package signs, only signature and policy are hidden, in any form."""
    address = f"{ORIGIN}/{encode_name(name)}"
    policy = Policy(
        resource=address.replace("*", "%2A"),
        date_less_than=NOW + age,
        date_greater_than=NOW - 1 if custom else None,
    )
    url = SIGNER.sign_url(address, policy=policy)
    values = dict(each.split("=") for each in url.partition("?")[2].split("&"))
    secrets = [values[each] for each in ("Policy", "Signature") if each in values]
    expected = seen = seen_in(url, others)
    for secret in secrets:
        expected = expected.replace(secret, "(hidden)")

    assert len(secrets) == 1 + custom
    assert redact(seen) == expected
    assert not any(secret in expected for secret in secrets)


@given(folder=st.text(CHARACTERS), others=forms, as_dict=st.booleans())
def test_signed_cookies(folder: str, others: list[Callable[[str], str]], as_dict: bool) -> None:
    """Of cookies that the package signs, only the signature and the policy are hidden."""
    resource = f"{ORIGIN}/{encode_name(folder[:50])}/*"
    cookies = SIGNER.sign_cookies(Policy(resource=resource, date_less_than=NOW))
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    expected = seen = seen_in(json.dumps(cookies) if as_dict else header, others)
    for name in ("CloudFront-Policy", "CloudFront-Signature"):
        expected = expected.replace(cookies[name], "(hidden)")

    assert expected.count("(hidden)") == 2
    assert redact(seen) == expected


def test_signed_uploads(site: Any) -> None:
    """Of an upload that the package signs, token, policy, signature and session are hidden."""
    storage = CloudFrontS3Storage(
        bucket_name="media",
        access_key="AKIAEXAMPLE",
        secret_key=SECRET_KEY,
        security_token="IQoJb3JpZ2luX2VjE/+abc==",
        region_name="eu-central-1",
        file_overwrite=True,
    )
    upload = storage.sign_upload("a.jpg", size=5, owner="사용자 1")
    fields = upload.fields
    hidden = {"policy", "x-amz-security-token", "x-amz-signature"}
    secrets = [upload.token, *(fields[each] for each in hidden)]
    for seen in (repr(upload.to_dict()), json.dumps(upload.to_dict())):
        expected = seen
        for secret in secrets:
            expected = expected.replace(secret, "(hidden)")
        assert expected.count("(hidden)") == 4
        assert redact(seen) == expected
    kept = {each: "(hidden)" if each in hidden else value for each, value in fields.items()}
    assert redact(urlencode(fields)) == urlencode(kept, safe="()")
    assert redact(urlencode({"token": upload.token})) == "token=(hidden)"


PIECES = st.sampled_from(
    [
        *("Signature", "Policy", "CloudFront-Signature", "X-Amz-Signature", "x-amz-security-token"),
        *("policy", "token", "=", "%3D", ":", "%3A", '"', "'", "\\", "%22", "&quot;", "&amp;", "&"),
        *("?", ";", "%26", "%25", "%", " ", "[", "b", "u0026", "eyJ", "a", "-", ".", "(hidden)"),
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join))
@example("?Signature=a!.Policy=b")
def test_redacted_twice(text: str) -> None:
    """What is redacted stays as it is, whatever the text was, and nothing but values was lost."""
    once = redact(text)
    assert redact(once) == once
    parts = map(re.escape, once.split("(hidden)"))
    assert re.fullmatch(".+".join(parts), text, re.DOTALL)


HOSTILE = [
    *("?Signature=", "&Signature=a", "Policy", '"Signature": ', "Signature'[", "&amp;", "amp;amp;"),
    *(
        "\\",
        'Signature\\"',
        "Signature=a\\",
        "%25",
        "Signature%25",
        "Signature=%25",
        "%5C%22",
        "&#x27;",
    ),
    *(
        "token=eyJ",
        "token=eyJa:a:",
        "eyJ",
        "policy=eyJ",
        "X-Amz-Signature=",
        "Signature=:",
        "a:",
        "=",
    ),
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_texts(unit: str) -> None:
    """Finish with whatever a text repeats, and hide the signature behind it.

    1 MB takes up to 0.2 s. What is not linear would take minutes.
    """
    for before in ("", "?Signature=", '"Policy": "', "X-Amz-Signature='"):
        text = redact(f"{before}{unit * (300_000 // len(unit))}\n{CANNED}")
        assert text.endswith(redact(CANNED))


# The filter


class Listening(logging.Handler):
    """Keeps the records that it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.records.append(record)


@pytest.fixture
def logger() -> logging.Logger:
    """Return a logger of no other test."""
    logger = logging.Logger("cfsigned_django.tests.logs", logging.DEBUG)
    return logger


@pytest.fixture
def stream(logger: logging.Logger) -> io.StringIO:
    """Return what a handler with the filter writes."""
    handler = logging.StreamHandler(stream := io.StringIO())
    handler.addFilter(RedactSignatures())
    logger.addHandler(handler)
    return stream


@pytest.fixture
def after(logger: logging.Logger, stream: io.StringIO) -> Listening:
    """Return a handler without the filter, after the one that has it."""
    logger.addHandler(handler := Listening())
    return handler


def test_message(logger: logging.Logger, stream: io.StringIO, after: Listening) -> None:
    """A handler writes a redacted message; what other handlers get depends on the Python."""
    logger.info("%s took %d %%", URL, 3)

    (record,) = after.records
    assert stream.getvalue() == redact(f"{URL} took 3 %\n")
    assert (record.msg, record.args) == ("%s took %d %%", (URL, 3))
    replaces = sys.version_info >= (3, 12)
    assert record.getMessage() == (f"{URL} took 3 %" if replaces else redact(f"{URL} took 3 %"))
    assert pickle.loads(pickle.dumps(record.__dict__)) == record.__dict__  # noqa: S301 - our own


def test_split_between_arguments(
    logger: logging.Logger, stream: io.StringIO, after: Listening
) -> None:
    """It is the whole message that is redacted: name and value may come from two arguments."""
    logger.info("%(name)s=%(value)s", {"name": "CloudFront-Signature", "value": SIGNATURE})
    assert stream.getvalue() == "CloudFront-Signature=(hidden)\n"
    assert after.records[0].args == {"name": "CloudFront-Signature", "value": SIGNATURE}


def test_message_without_arguments(
    logger: logging.Logger, stream: io.StringIO, after: Listening
) -> None:
    """A percent sign of a message without arguments stays, and an object is written as text."""
    logger.info(URL)
    logger.info(UPLOAD.to_dict())
    assert stream.getvalue() == redact(f"{URL}\n{UPLOAD.to_dict()}\n")
    if sys.version_info >= (3, 12):
        assert [each.msg for each in after.records] == [URL, UPLOAD.to_dict()]


def test_traceback(logger: logging.Logger, stream: io.StringIO, after: Listening) -> None:
    """The traceback and the stack are redacted; the exception itself stays for other handlers."""
    try:
        raise OSError(URL)
    except OSError as error:
        logger.exception("failed", stack_info=True)
        raised = error

    written = stream.getvalue()
    assert f"OSError: {redact(URL)}\n" in written
    assert "Stack (most recent call last):" in written
    assert MARK not in written
    (record,) = after.records
    assert record.exc_info is not None
    assert record.exc_info[1] is raised
    assert (MARK in logging.Formatter().format(record)) == (sys.version_info >= (3, 12))


def test_traceback_that_was_written_before(logger: logging.Logger, stream: io.StringIO) -> None:
    """A traceback that another handler has made already is redacted too."""
    logger.handlers.insert(0, logging.StreamHandler(before := io.StringIO()))
    try:
        raise OSError(URL)
    except OSError:
        logger.exception("failed")
    assert MARK in before.getvalue()
    assert MARK not in stream.getvalue()


def test_arguments_that_do_not_fit(
    logger: logging.Logger, stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake in a call of the logger is reported by the handler, and raises nothing."""
    logger.info("%d", "x")
    assert stream.getvalue() == ""
    assert "TypeError" in capsys.readouterr().err


def test_logger_misses_children() -> None:
    """The docstring is right: on a logger, the filter does not see what a child logs."""
    parent = logging.getLogger("cfsigned_django.tests.parent")
    parent.addHandler(handler := Listening())
    parent.addFilter(RedactSignatures())
    parent.propagate = False
    logging.getLogger("cfsigned_django.tests.parent.child").warning("%s", URL)
    assert handler.records[0].getMessage() == URL


def test_real_policies_begin_alike() -> None:
    """Each policy in CloudFront's base64 is known by its beginning, in any layout of the JSON."""
    for text in ('{"Statement": []}', '{ "Statement": []}', '{\n"Statement": []}', "{\r\n", "{\t"):
        assert redact(f'"Policy": "{encode_base64(text.encode())}"') == '"Policy": "(hidden)"'
