"""Refuse what CloudFront refuses: an in-memory API with the methods of a boto3 client.

It enforces quotas, unique names and references, ETags, valid keys, and no
deletes of what is in use. What AWS does not document has the stricter answer
here, and a comment that says so.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from cfsigned_django.signing import PublicKey
from tests.simulation.answers import check_etag, check_texts, refusal

Answer: TypeAlias = dict[str, Any]
#: Is told a key group's id and its members after each change.
Listener: TypeAlias = Callable[[str, Mapping[str, PublicKey]], None]


@dataclass(slots=True)
class _StoredKey:
    number: int
    id: str
    config: dict[str, str]
    etag: str
    created: float
    public_key: PublicKey


@dataclass(slots=True)
class _StoredGroup:
    id: str
    config: dict[str, Any]
    etag: str
    modified: float


class StrictCloudFront:
    """Hold the public keys and key groups of one account; safe to share between threads.

    ``list_lag`` is for how many seconds ListPublicKeys does not show a new
    key: AWS promises nothing there. ``page_size`` is its longest page.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = lambda: 0.0,
        keys_per_group: int = 5,
        keys_per_account: int = 10,
        list_lag: float = 0.0,
        page_size: int = 100,
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
        self._keys_per_group = keys_per_group
        self._groups: dict[str, _StoredGroup] = {}
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Tell ``listener`` of each change of a key group, in order, and of all groups now."""
        with self._lock:
            self._listeners.append(listener)
            for group in self._groups.values():
                listener(group.id, self._trusted(group))

    def trusted_keys(self, key_group_id: str) -> dict[str, PublicKey]:
        """Return the public keys in the key group as the API has them now."""
        with self._lock:
            return self._trusted(self._groups[key_group_id])

    def create_key_group(self, *, KeyGroupConfig: Mapping[str, Any]) -> Answer:
        """Create a key group, as CreateKeyGroup does."""
        operation = "CreateKeyGroup"
        with self._lock:
            config = self._check_group(operation, KeyGroupConfig, self._groups.values())
            group = _StoredGroup(
                f"00000000-0000-4000-8000-{next(self._numbers):012d}",
                config,
                self._etag(),
                self._clock(),
            )
            self._groups[group.id] = group
            self._tell(group.id, self._trusted(group))
            return {**_describe_group(group), "Location": f"/2020-05-31/key-group/{group.id}"}

    def get_key_group(self, *, Id: str) -> Answer:
        """Return a key group and its ETag, as GetKeyGroup does."""
        with self._lock:
            return _describe_group(self._find_group(Id, "GetKeyGroup"))

    def update_key_group(
        self, *, Id: str, KeyGroupConfig: Mapping[str, Any], IfMatch: str | None = None
    ) -> Answer:
        """Replace the whole configuration of a key group, as UpdateKeyGroup does."""
        operation = "UpdateKeyGroup"
        with self._lock:
            group = self._find_group(Id, operation)
            check_etag(operation, group.etag, IfMatch)
            others = (each for each in self._groups.values() if each is not group)
            group.config = self._check_group(operation, KeyGroupConfig, others)
            group.etag, group.modified = self._etag(), self._clock()
            self._tell(Id, self._trusted(group))
            return _describe_group(group)

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

    def _find_key(self, key_pair_id: str, operation: str) -> _StoredKey:
        key = self._keys.get(key_pair_id)
        if key is None:
            raise refusal("NoSuchPublicKey", operation)
        return key

    def _etag(self) -> str:
        return f"E{next(self._numbers):013d}"

    def _check_group(
        self, operation: str, given: Mapping[str, Any], others: Iterable[_StoredGroup]
    ) -> dict[str, Any]:
        """Return the configuration to store, or raise what is wrong with it."""
        items = list(given["Items"])
        config = {**given, "Items": items}
        check_texts(operation, config, "Name")
        # The API reference wants one key at least. That a key twice, and a key that
        # does not exist, are refused so, it does not say.
        if not items or len(set(items)) < len(items) or not set(items) <= self._keys.keys():
            raise refusal("InvalidArgument", operation, "The list of public keys is not valid.")
        if any(each.config["Name"] == config["Name"] for each in others):
            raise refusal("KeyGroupAlreadyExists", operation)
        if len(items) > self._keys_per_group:
            raise refusal("TooManyPublicKeysInKeyGroup", operation)
        return config

    def _holds(self, key_pair_id: str) -> bool:
        return any(key_pair_id in group.config["Items"] for group in self._groups.values())

    def _find_group(self, key_group_id: str, operation: str) -> _StoredGroup:
        group = self._groups.get(key_group_id)
        if group is None:
            raise refusal("NoSuchResource", operation)
        return group

    def _trusted(self, group: _StoredGroup) -> dict[str, PublicKey]:
        return {each: self._keys[each].public_key for each in group.config["Items"]}

    def _tell(self, key_group_id: str, members: Mapping[str, PublicKey]) -> None:
        for listener in self._listeners:
            listener(key_group_id, members)


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


def _describe_group(group: _StoredGroup) -> Answer:
    described = {
        "Id": group.id,
        "LastModifiedTime": datetime.fromtimestamp(group.modified, UTC),
        "KeyGroupConfig": {**group.config, "Items": list(group.config["Items"])},
    }
    return {"KeyGroup": described, "ETag": group.etag}
