"""Hold URLs, keys and a site for the tests that explain URLs."""

from __future__ import annotations

import html
import json
from typing import Any
from urllib.parse import quote

from cfsigned_django.doctor.explain import Knowledge, explain_url
from cfsigned_django.doctor.findings import Finding
from cfsigned_django.doctor.site import KnownKey
from cfsigned_django.signing import Policy, PrivateKey, Signer
from tests.storage_cases import DOMAIN, KEY_ID, OTHER_KEY_ID

NOW = 1_800_000_000
ADDRESS = f"https://{DOMAIN}/media/albums/1.jpg"
KEY = PrivateKey.generate()
OTHER_KEY = PrivateKey.generate()
SIGNER = Signer(key_pair_id=KEY_ID, private_key=KEY)
KNOWN = KnownKey(key_pair_id=KEY_ID, public_key=KEY.public_key, where="AWS_CLOUDFRONT_KEY")
OTHER = KnownKey(
    key_pair_id=OTHER_KEY_ID,
    public_key=OTHER_KEY.public_key,
    where="key pair of the database, active",
)
SITE = Knowledge(keys=(KNOWN, OTHER), domains={DOMAIN}, now=NOW)
URL = SIGNER.sign_url(ADDRESS, date_less_than=NOW + 600)
SIGNATURE = URL.partition("Signature=")[2].partition("&")[0]


def custom(resource: str = ADDRESS, **conditions: Any) -> str:
    """Return a URL with a custom policy."""
    policy = Policy(resource=resource, **{"date_less_than": NOW + 600, **conditions})
    return SIGNER.sign_url(ADDRESS, policy=policy)


OPEN = custom(date_greater_than=NOW - 60)


def find(text: str, kind_id: str, knowledge: Knowledge = SITE) -> Finding:
    """Return the finding with an id."""
    [found] = [each for each in explain_url(text, knowledge) if each.id == kind_id]
    return found


WRONG: list[tuple[str, list[str]]] = [
    ("albums/1.jpg", ["url-not-absolute"]),
    ("", ["url-not-absolute"]),
    (ADDRESS, ["url-unsigned"]),
    (f"{ADDRESS}?v=2", ["url-unsigned"]),
    (f'"{URL}"', ["url-copied"]),
    (f"curl '{URL}' -o x", ["url-copied"]),
    (f"See <{URL}>.", ["url-copied"]),
    (f"{URL}.", ["url-copied"]),
    (URL.replace("Signature", "\n  Signature"), ["url-copied"]),
    (URL.replace("&", "\\&"), ["url-copied"]),
    (html.escape(URL), ["url-html-escaped"]),
    (html.escape(html.escape(URL)), ["url-html-escaped"]),
    (URL.replace("&", "&#38;"), ["url-html-escaped"]),
    (json.dumps(URL).replace("&", "\\u0026"), ["url-copied", "url-json-escaped"]),
    (URL.replace("/", "\\/"), ["url-json-escaped"]),
    (quote(URL, safe=""), ["url-double-encoded"]),
    (URL.replace("Signature=", "Signature=%25"), ["url-double-encoded", "url-malformed-signature"]),
    (f"{ADDRESS}#x?{URL.partition('?')[2]}", ["url-fragment"]),
    (URL.replace(DOMAIN, "d111111abcdef8.cloudfront.net"), ["url-other-domain"]),
    (URL.partition("&Key-Pair-Id")[0], ["url-incomplete"]),
    (URL.replace("Signature=", "X="), ["url-incomplete"]),
    (URL.replace(KEY_ID, ""), ["url-incomplete"]),
    (URL.replace("Signature=", "signature="), ["url-parameter-case"]),
    (URL.replace(KEY_ID, "KUNKNOWN123"), ["url-unknown-key"]),
    (URL.replace(KEY_ID, "a1b2c3d4-0123-4567-89ab-cdef01234567"), ["url-key-id"]),
    (URL.replace(KEY_ID, OTHER_KEY_ID), ["url-signature-mismatch"]),
    (URL.replace(SIGNATURE, SIGNATURE[:-9]), ["url-malformed-signature"]),
    (URL.replace(SIGNATURE, SIGNATURE[:40]), ["url-malformed-signature"]),
    (URL.replace(SIGNATURE, SIGNATURE.replace("M", "N", 1)), ["url-signature-mismatch"]),
    (URL.replace("1.jpg", "2.jpg"), ["url-signature-mismatch"]),
    (f"{URL}&utm_source=mail", ["url-signature-mismatch"]),
    (f"{URL}&Expires=1", ["url-refused"]),
    (URL.replace("SHA256", "sha256"), ["url-refused"]),
    (URL.replace("&Hash-Algorithm=SHA256", ""), ["url-signature-mismatch"]),
    (URL.replace("Expires=1800000600", "Expires=1800000600000"), ["url-malformed-policy"]),
    (URL.replace("Expires=1800000600", "Expires=soon"), ["url-malformed-policy"]),
    (OPEN.replace("Policy=", "Policy=!"), ["url-malformed-policy"]),
    (OPEN.replace("Policy=eyJ", "Policy=eyK"), ["url-malformed-policy"]),
    (SIGNER.sign_url(ADDRESS, date_less_than=NOW), ["url-expired"]),
    (SIGNER.sign_url(ADDRESS, date_less_than=NOW - 7500), ["url-expired"]),
    (custom(date_greater_than=NOW + 60), ["url-not-yet"]),
    (custom(date_greater_than=NOW + 599), ["url-not-yet"]),
    (custom(ip_address="192.0.2.0/24"), ["url-bound-to-address"]),
    (f"{OPEN}&utm_source=mail", ["url-not-covered"]),
    (f"{OPEN}&a=1&b=2", ["url-not-covered"]),
    (OPEN.replace("1.jpg", "2.jpg"), ["url-not-covered"]),
    (f"https://b.s3.amazonaws.com/a.jpg?X-Amz-Signature={'a' * 64}", ["url-presigned-s3"]),
    (
        "https://s3.amazonaws.com/b/a.jpg?AWSAccessKeyId=A&Signature=b&Expires=1",
        ["url-presigned-s3"],
    ),
    (URL.replace(DOMAIN, "media.s3.eu-west-1.amazonaws.com"), ["url-s3-address"]),
    (URL.replace("1.jpg", "1" * 8000), ["url-too-long", "url-signature-mismatch"]),
]
