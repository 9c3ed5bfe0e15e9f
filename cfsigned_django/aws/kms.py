"""Encrypt and decrypt private keys with a symmetric KMS key (KMS API reference, Encrypt, Decrypt).

What is encrypted begins with the ARN of its key, so that nothing else must be asked which it was.
"""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from cfsigned_django.aws.client import call, make_client
from cfsigned_django.aws.errors import AwsError, marked as _, phrase

_calls = threading.local()
# At level DEBUG, botocore logs what it sends and receives: here, a key.
for _log in map(logging.getLogger, ("botocore.endpoint", "botocore.parsers")):
    _log.addFilter(lambda record: not getattr(_calls, "now", False))


def encrypt(
    arn: str, make_text: Callable[[], bytes], context: Mapping[str, str], access: Mapping[str, Any]
) -> str:
    """Return the text, at most 4,096 bytes, encrypted by KMS: the ARN, a colon, and base64.

    Only a call with the same encryption context decrypts it; CloudTrail shows it.
    Raise :exc:`AwsError`.
    """

    def ask(client: Any) -> Any:  # No variable holds the text, which a debug page would show.
        return client.encrypt(KeyId=arn, Plaintext=make_text(), EncryptionContext=context)

    what = phrase(_("encrypt a private key with {key}"), key=arn)
    answer = _call(ask, arn, access, what, "kms:Encrypt")
    return f"{arn}:{base64.b64encode(answer['CiphertextBlob']).decode()}"


def decrypt(encrypted: str, context: Mapping[str, str], access: Mapping[str, Any]) -> bytes:
    """Return the text again; nothing if it is not of this key, or of another context.

    Raise :exc:`AwsError`.
    """
    arn, _colon, packed = encrypted.rpartition(":")

    def ask(client: Any) -> Any:
        blob = base64.b64decode(packed)
        return client.decrypt(KeyId=arn, CiphertextBlob=blob, EncryptionContext=context)

    what = phrase(_("decrypt a private key with {key}"), key=arn)
    try:
        return bytes(_call(ask, arn, access, what, "kms:Decrypt")["Plaintext"])
    except ValueError:
        return b""  # It is not base64: someone changed it.
    except AwsError as error:
        if error.code in ("InvalidCiphertextException", "IncorrectKeyException"):
            return b""
        raise


def _call(
    ask: Callable[[Any], Any], arn: str, access: Mapping[str, Any], what: str, permission: str
) -> Any:
    """Call KMS, without records of what this thread sends and receives."""
    client = make_client("kms", region_name=arn.split(":")[3], **access)
    _calls.now = True
    try:
        return call(ask, what, permission, client)
    finally:
        _calls.now = False
