"""Encrypt and decrypt private keys with a symmetric KMS key (KMS API reference, Encrypt, Decrypt).

What is encrypted begins with the ARN of its key, so that nothing else must be asked which it was.
"""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from cfsigned_django.aws.client import call, make_client
from cfsigned_django.aws.errors import AwsError, marked as _, phrase


def encrypt(
    arn: str, make_text: Callable[[], bytes], context: Mapping[str, str], access: Mapping[str, Any]
) -> str:
    """Return the text, at most 4,096 bytes, encrypted by KMS: the ARN, a colon, and base64.

    Only a call with the same encryption context decrypts it; CloudTrail shows it.
    Raise :exc:`AwsError`.
    """
    client = _client(arn, access)

    def ask() -> Any:  # No variable holds the text, which a debug page would show.
        return client.encrypt(KeyId=arn, Plaintext=make_text(), EncryptionContext=context)

    what = phrase(_("encrypt a private key with {key}"), key=arn)
    with _unlogged():
        answer = call(ask, what, "kms:Encrypt")
    return f"{arn}:{base64.b64encode(answer['CiphertextBlob']).decode()}"


def decrypt(encrypted: str, context: Mapping[str, str], access: Mapping[str, Any]) -> bytes:
    """Return the text again; nothing if it is not of this key, or of another context.

    Raise :exc:`AwsError`.
    """
    arn, _colon, packed = encrypted.rpartition(":")
    what = phrase(_("decrypt a private key with {key}"), key=arn)
    try:
        ways = {"KeyId": arn, "CiphertextBlob": base64.b64decode(packed)}
        method = _client(arn, access).decrypt
        with _unlogged():
            answer = call(method, what, "kms:Decrypt", EncryptionContext=context, **ways)
    except ValueError:
        return b""  # It is not base64: someone changed it.
    except AwsError as error:
        if error.code in ("InvalidCiphertextException", "IncorrectKeyException"):
            return b""
        raise
    return bytes(answer["Plaintext"])


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep botocore, at level DEBUG, from logging what this thread sends and receives: a key."""
    own = threading.get_ident()
    loggers = [logging.getLogger(f"botocore.{name}") for name in ("endpoint", "parsers")]

    def keeps(record: logging.LogRecord) -> bool:
        return threading.get_ident() != own

    for each in loggers:
        each.addFilter(keeps)
    try:
        yield
    finally:
        for each in loggers:
            each.removeFilter(keeps)


def _client(arn: str, access: Mapping[str, Any]) -> Any:
    return make_client("kms", region_name=arn.split(":")[3], **access)
