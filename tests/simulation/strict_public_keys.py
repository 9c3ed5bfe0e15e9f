"""Refuse what CloudFront refuses of a public key.

What AWS does not document has the stricter answer here, and a comment that
says so.
"""

from __future__ import annotations

import itertools
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from cfsigned_django.signing import PublicKey
from tests.simulation.answers import check_etag, check_texts, refusal

Answer: TypeAlias = dict[str, Any]


@dataclass(slots=True)
class _StoredKey:
    number: int
    id: str
    config: dict[str, str]
    etag: str
    created: float
    public_key: PublicKey


class StrictPublicKeys(ABC):
    """Hold the public keys of one account; StrictCloudFront has the key groups to it."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        keys_per_account: int,
        list_lag: float,
        page_size: int,
    ) -> None:
        self._clock = clock
        self._keys_per_account = keys_per_account
        self._list_lag = list_lag
        self._page_size = page_size
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()
        self._keys: dict[str, _StoredKey] = {}
        # AWS says that a reference keeps a request from being replayed, not
        # for how long: here, for ever.
        self._references: set[str] = set()

    def create_public_key(self, *, PublicKeyConfig: Mapping[str, str]) -> Answer:
        """Create a public key, as CreatePublicKey does."""
        operation = "CreatePublicKey"
        config = dict(PublicKeyConfig)
        with self._lock:
            check_texts(operation, config, "CallerReference", "Name", "EncodedKey")
            public_key = _load(config["EncodedKey"])
            if public_key is None:
                raise refusal("InvalidArgument", operation, "The key is not RSA 2048 or P-256 PEM.")
            names = {each.config["Name"] for each in self._keys.values()}
            # That a repeated reference and a repeated key are refused is not documented.
            fingerprints = {each.public_key.fingerprint for each in self._keys.values()}
            if (
                config["Name"] in names
                or config["CallerReference"] in self._references
                or public_key.fingerprint in fingerprints
            ):
                raise refusal("PublicKeyAlreadyExists", operation)
            if len(self._keys) >= self._keys_per_account:
                raise refusal("TooManyPublicKeys", operation)
            number = next(self._numbers)
            key = _StoredKey(
                number, f"K{number:013d}", config, self._etag(), self._clock(), public_key
            )
            self._references.add(config["CallerReference"])
            self._keys[key.id] = key
            return {**_describe_key(key), "Location": f"/2020-05-31/public-key/{key.id}"}

    def get_public_key(self, *, Id: str) -> Answer:
        """Return a public key and its ETag, as GetPublicKey does."""
        with self._lock:
            return _describe_key(self._find_key(Id, "GetPublicKey"))

    def list_public_keys(self, *, Marker: str = "", MaxItems: str = "100") -> Answer:
        """Return a page of public keys, as ListPublicKeys does."""
        size = min(int(MaxItems), self._page_size)
        with self._lock:
            visible = self._clock() - self._list_lag
            after = [
                each
                for each in self._keys.values()
                if each.number > int(Marker or "0") and each.created <= visible
            ]
        page = after[:size]
        listed: Answer = {"MaxItems": size, "Quantity": len(page)}
        if page:
            listed["Items"] = [_summarize(each) for each in page]
        if len(after) > size:
            listed["NextMarker"] = str(page[-1].number)
        return {"PublicKeyList": listed}

    def update_public_key(
        self, *, Id: str, PublicKeyConfig: Mapping[str, str], IfMatch: str | None = None
    ) -> Answer:
        """Change the comment of a public key, as UpdatePublicKey does: only that can change."""
        operation = "UpdatePublicKey"
        config = dict(PublicKeyConfig)
        with self._lock:
            key = self._find_key(Id, operation)
            check_etag(operation, key.etag, IfMatch)
            check_texts(operation, config, "CallerReference", "Name", "EncodedKey")
            if {**config, "Comment": ""} != {**key.config, "Comment": ""}:
                raise refusal("CannotChangeImmutablePublicKeyFields", operation)
            key.config, key.etag = config, self._etag()
            return _describe_key(key)

    def delete_public_key(self, *, Id: str, IfMatch: str | None = None) -> Answer:
        """Delete a public key that is in no key group, as DeletePublicKey does."""
        operation = "DeletePublicKey"
        with self._lock:
            key = self._find_key(Id, operation)
            check_etag(operation, key.etag, IfMatch)
            if self._holds(Id):
                raise refusal("PublicKeyInUse", operation)
            del self._keys[Id]
            return {}

    @abstractmethod
    def _holds(self, key_pair_id: str) -> bool:
        """Tell whether a key group holds the public key."""

    def _find_key(self, key_pair_id: str, operation: str) -> _StoredKey:
        key = self._keys.get(key_pair_id)
        if key is None:
            raise refusal("NoSuchPublicKey", operation)
        return key

    def _etag(self) -> str:
        return f"E{next(self._numbers):013d}"


@lru_cache(maxsize=512)
def _load(pem: str) -> PublicKey | None:
    """Return the key of a PEM text, or nothing where CloudFront would not take it."""
    if not pem.startswith("-----BEGIN PUBLIC KEY-----\n"):
        return None
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError:
        return None
    is_rsa = isinstance(key, rsa.RSAPublicKey) and key.key_size == 2048
    is_ec = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    return PublicKey(key) if is_rsa or is_ec else None


def _describe_key(key: _StoredKey) -> Answer:
    described = {
        "Id": key.id,
        "CreatedTime": datetime.fromtimestamp(key.created, UTC),
        "PublicKeyConfig": dict(key.config),
    }
    return {"PublicKey": described, "ETag": key.etag}


def _summarize(key: _StoredKey) -> Answer:
    """Return what a list shows of a key: everything but the caller reference."""
    shown = {name: text for name, text in key.config.items() if name != "CallerReference"}
    return {"Id": key.id, "CreatedTime": datetime.fromtimestamp(key.created, UTC), **shown}
