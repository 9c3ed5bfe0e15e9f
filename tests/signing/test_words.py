"""Errors say what is wrong, what is expected and what to do next."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from cfsigned_django.signing import Policy, Signer, SigningError
from tests.golden import assert_golden
from tests.signing.cases import EXPIRES, IMAGE, ORIGIN

IMAGES = Policy(resource=f"{ORIGIN}/images/*", date_less_than=EXPIRES)
LONG = Policy(resource=f"{ORIGIN}/{'a' * 3000}/*", date_less_than=EXPIRES)


def test_errors(ec_signer: Signer) -> None:
    """Name the argument, and show the value unless it may be a secret."""
    policy = partial(Policy, resource=IMAGE, date_less_than=EXPIRES)
    signer = partial(Signer, key_pair_id="K1", private_key=ec_signer.private_key)
    errors: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        *(
            (ec_signer.sign_url, {"url": url, "date_less_than": EXPIRES})
            for url in ["/a", f"{IMAGE}#b", f"{IMAGE}\ud800", f"{IMAGE}?Expires=1", IMAGE * 300]
        ),
        *((ec_signer.sign_url, {"url": IMAGE} | each) for each in [{}, {"policy": IMAGES}]),
        (ec_signer.sign_cookies, {"policy": LONG}),
        *(
            (policy, {"date_less_than": moment})
            for moment in [datetime(2026, 1, 1), None, 1.5, EXPIRES * 1000, 2**31, 0]
        ),
        (policy, {"date_greater_than": EXPIRES}),
        *((policy, {"ip_address": address}) for address in ["::1", "10.0.0"]),
        *((policy, {"resource": each}) for each in ["", "*", f"{ORIGIN}/a b", "/a", ORIGIN]),
        *((signer, {"key_pair_id": each}) for each in ["K 1", "K 1" * 50]),
        *((signer, {"hash_algorithm": each}) for each in ["SHA1", "MD5"]),
    ]
    lines = []
    for call, arguments in errors:
        with pytest.raises(SigningError) as caught:
            call(**arguments)
        lines.append(f"{type(caught.value).__name__}: {caught.value}")
    text = re.sub("has [0-9]+ bytes", "has 9000 bytes", "\n".join(lines))
    assert_golden("signing-errors", text)
