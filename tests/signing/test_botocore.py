"""Let botocore's CloudFrontSigner judge: the one that Django's storages use today."""

from __future__ import annotations

from datetime import UTC, datetime

from botocore.signers import CloudFrontSigner

from cfsigned_django.signing import HashAlgorithm, Signer
from cfsigned_django.signing.encoding import encode_url
from tests.signing.cases import KEY_ID, generated_policies


def botocore_signer(signer: Signer) -> CloudFrontSigner:
    """Return botocore's signer with the same key and SHA1, the only hash that it knows."""
    return CloudFrontSigner(
        KEY_ID, lambda message: signer.private_key.sign(message, HashAlgorithm.SHA1)
    )


def test_canned_urls_are_equal(rsa_signer: Signer) -> None:
    """Give botocore's URL byte for byte for a canned policy."""
    theirs = botocore_signer(rsa_signer)
    for url, policy in generated_policies(200):
        until = datetime.fromtimestamp(policy.date_less_than, UTC)
        expected = theirs.generate_presigned_url(url, date_less_than=until)
        assert rsa_signer.sign_url(url, date_less_than=until) == expected


def test_custom_urls_are_equal(rsa_signer: Signer) -> None:
    """Give botocore's URL byte for byte if both have the same custom policy."""
    theirs = botocore_signer(rsa_signer)
    for url, policy in generated_policies(200):
        if not policy.is_canned:
            expected = theirs.generate_presigned_url(url, policy=policy.to_json())
            assert rsa_signer.sign_url(url, policy=policy) == expected


def test_policy_bytes_are_equal(rsa_signer: Signer) -> None:
    """Write botocore's policy if it has one condition beside the end."""
    theirs = botocore_signer(rsa_signer)
    for _, policy in generated_policies(200):
        if policy.date_greater_than is None or policy.ip_address is None:
            start = policy.date_greater_than
            built = theirs.build_policy(
                policy.resource,
                datetime.fromtimestamp(policy.date_less_than, UTC),
                date_greater_than=start and datetime.fromtimestamp(start, UTC),
                ip_address=policy.ip_address,
            )
            assert built == policy.to_json()


def test_only_encoding_differs(rsa_signer: Signer) -> None:
    """Differ from botocore only in that what no client sends raw is encoded first."""
    theirs = botocore_signer(rsa_signer)
    until = datetime(2026, 1, 1, 18, tzinfo=UTC)
    for raw in ["https://h/a b", "https://h/한글.pdf", "https://h/a+b", "https://h/x?n=it's"]:
        ours = rsa_signer.sign_url(raw, date_less_than=until)
        assert ours != theirs.generate_presigned_url(raw, date_less_than=until)
        assert ours == theirs.generate_presigned_url(encode_url(raw), date_less_than=until)
