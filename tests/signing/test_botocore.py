"""Compare many policies with botocore's CloudFrontSigner, which Django's storages use today.

Single policies are in tests/vectors/sign-*.json.

Modules: signing/policy.py, signing/signer.py
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from unittest import mock

from botocore.signers import CloudFrontSigner

from cfsigned_django.signing import KeyAlgorithm, Signer
from tests.signing.cases import KEY_ID, generated_policies


def test_urls_are_equal() -> None:
    """Give botocore's URLs byte for byte, and its policy if it can build one."""
    # Sign with a digest, as only what is signed is compared: RSA takes a hundred times as long.
    digests = mock.Mock(
        algorithm=KeyAlgorithm.RSA_2048,
        public_key=None,
        sign=lambda message, kind: hashlib.new(kind, message).digest(),
    )
    ours = Signer(key_pair_id=KEY_ID, private_key=digests)
    theirs = CloudFrontSigner(KEY_ID, lambda message: hashlib.sha1(message).digest())  # noqa: S324
    for url, policy in generated_policies(200):
        until = datetime.fromtimestamp(policy.date_less_than, UTC)
        expected = theirs.generate_presigned_url(url, date_less_than=until)
        assert ours.sign_url(url, date_less_than=until) == expected
        if not policy.is_canned:
            expected = theirs.generate_presigned_url(url, policy=policy.to_json())
            assert ours.sign_url(url, policy=policy) == expected
        start, address = policy.date_greater_than, policy.ip_address
        if start is None or address is None:  # It sets no more than one condition beside the end.
            since = None if start is None else datetime.fromtimestamp(start, UTC)
            built = theirs.build_policy(policy.resource, until, since, address)
            assert built == policy.to_json()
