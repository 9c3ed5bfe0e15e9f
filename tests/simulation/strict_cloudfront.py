"""Refuse what CloudFront refuses: an in-memory API with the methods of a boto3 client.

It enforces quotas, unique names and references, ETags, valid keys, and no
deletes of what is in use. What AWS does not document has the stricter answer
here, and a comment that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from functools import lru_cache, wraps
from threading import RLock
from typing import Any, Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from cfsigned_django.signing import PublicKey
from tests.simulation.answers import operation_of, refusal

Answer: TypeAlias = dict[str, Any]
#: Is told a key group's id and its members after each change.
Listener: TypeAlias = Callable[[str, Mapping[str, PublicKey]], None]


class _Refused(Exception):
    """Refuse a request with one of AWS's codes."""


def _request(method: Callable[..., Answer]) -> Callable[..., Answer]:
    """Take one request at a time, and refuse as boto3 does; what is returned is the caller's."""

    @wraps(method)
    def answer(self: StrictCloudFront, **arguments: Any) -> Answer:
        with self.lock:
            try:
                return deepcopy(method(self, **arguments))
            except _Refused as refused:
                raise refusal(str(refused), operation_of(method.__name__)) from None

    return answer


#: "Public keys in a single key group", unless raised (Developer Guide, Quotas).
KEYS_PER_GROUP: Final = 5


class StrictCloudFront:
    """Hold the public keys and key groups of one account; safe to share between threads.

    ``list_lag`` is for how many seconds ListPublicKeys does not show a new
    key: AWS promises nothing there. ``page_size`` is its longest page.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = lambda: 0.0,
        keys_per_group: int = KEYS_PER_GROUP,
        keys_per_account: int = 10,
        list_lag: float = 0.0,
        page_size: int = 100,
    ) -> None:
        self._clock = clock
        self._keys_per_group, self._keys_per_account = keys_per_group, keys_per_account
        self._list_lag, self._page_size = list_lag, page_size
        self._number = 0
        self.lock = RLock()
        #: As they are described, by id.
        self._keys: dict[str, Answer] = {}
        self._groups: dict[str, Answer] = {}
        self._etags: dict[str, str] = {}
        # AWS says that a reference keeps a request from being replayed, not
        # for how long: here, for ever.
        self._references: set[str] = set()
        self._listeners: list[Listener] = []

    def __deepcopy__(self, memo: dict[int, Any]) -> StrictCloudFront:
        """Return another account in which there is the same."""
        made = StrictCloudFront.__new__(StrictCloudFront)
        kept = {name: value for name, value in vars(self).items() if name != "lock"}
        vars(made).update(deepcopy(kept, memo), lock=RLock())
        return made

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    def listen(self, listener: Listener) -> None:
        """Tell ``listener`` of each change of a key group, in order, and of all groups now."""
        with self.lock:
            self._listeners.append(listener)
            for key_group_id in self._groups:
                listener(key_group_id, self.trusted_keys(key_group_id))

    def trusted_keys(self, key_group_id: str) -> dict[str, PublicKey]:
        """Return the public keys in the key group as the API has them now."""
        with self.lock:
            members = self._groups[key_group_id]["KeyGroupConfig"]["Items"]
            return {each: self._public_key(each) for each in members}

    @_request
    def create_key_group(self, *, KeyGroupConfig: Mapping[str, Any]) -> Answer:
        """Create a key group, as CreateKeyGroup does."""
        config = self._check_group(KeyGroupConfig, self._groups.values())
        new_id = f"00000000-0000-4000-8000-{self._next_number():012d}"
        self._put_group(new_id, config)
        return {**self._describe_group(new_id), "Location": f"/2020-05-31/key-group/{new_id}"}

    @_request
    def get_key_group(self, *, Id: str) -> Answer:
        """Return a key group and its ETag, as GetKeyGroup does."""
        return self._describe_group(Id)

    @_request
    def update_key_group(
        self, *, Id: str, KeyGroupConfig: Mapping[str, Any], IfMatch: str | None = None
    ) -> Answer:
        """Replace the whole configuration of a key group, as UpdateKeyGroup does."""
        found = self._describe_group(Id)
        self._check_etag(Id, IfMatch)
        others = [each for each in self._groups.values() if each is not found["KeyGroup"]]
        self._put_group(Id, self._check_group(KeyGroupConfig, others))
        return self._describe_group(Id)

    @_request
    def create_public_key(self, *, PublicKeyConfig: Mapping[str, str]) -> Answer:
        """Create a public key, as CreatePublicKey does."""
        config = dict(PublicKeyConfig)
        _check_texts(config, "CallerReference", "Name", "EncodedKey")
        public_key = _load(config["EncodedKey"])
        if public_key is None:
            raise _Refused("InvalidArgument")
        # That a repeated reference and a repeated key are refused is not documented.
        if config["CallerReference"] in self._references or any(
            each["PublicKeyConfig"]["Name"] == config["Name"]
            or self._public_key(each["Id"]).fingerprint == public_key.fingerprint
            for each in self._keys.values()
        ):
            raise _Refused("PublicKeyAlreadyExists")
        if len(self._keys) >= self._keys_per_account:
            raise _Refused("TooManyPublicKeys")
        self._references.add(config["CallerReference"])
        new_id = f"K{self._next_number():013d}"
        self._keys[new_id] = {"Id": new_id, "CreatedTime": self._now(), "PublicKeyConfig": config}
        self._etags[new_id] = self._new_etag()
        return {**self._describe_key(new_id), "Location": f"/2020-05-31/public-key/{new_id}"}

    @_request
    def get_public_key(self, *, Id: str) -> Answer:
        """Return a public key and its ETag, as GetPublicKey does."""
        return self._describe_key(Id)

    @_request
    def list_public_keys(self, *, Marker: str = "", MaxItems: str = "100") -> Answer:
        """Return a page of public keys, as ListPublicKeys does: all but their references."""
        size, visible = min(int(MaxItems), self._page_size), self._now(-self._list_lag)
        after = [
            {
                **{name: each[name] for name in ("Id", "CreatedTime")},
                **{k: v for k, v in each["PublicKeyConfig"].items() if k != "CallerReference"},
            }
            for each in self._keys.values()
            if each["Id"] > Marker and each["CreatedTime"] <= visible
        ]
        page = after[:size]
        listed: Answer = {"MaxItems": size, "Quantity": len(page)}
        if page:
            listed["Items"] = page
        if len(after) > size:
            listed["NextMarker"] = page[-1]["Id"]
        return {"PublicKeyList": listed}

    @_request
    def update_public_key(
        self, *, Id: str, PublicKeyConfig: Mapping[str, str], IfMatch: str | None = None
    ) -> Answer:
        """Change the comment of a public key, as UpdatePublicKey does: only that can change."""
        key = self._describe_key(Id)["PublicKey"]
        self._check_etag(Id, IfMatch)
        if {**PublicKeyConfig, "Comment": ""} != {**key["PublicKeyConfig"], "Comment": ""}:
            raise _Refused("CannotChangeImmutablePublicKeyFields")
        key["PublicKeyConfig"] = dict(PublicKeyConfig)
        self._etags[Id] = self._new_etag()
        return self._describe_key(Id)

    @_request
    def delete_public_key(self, *, Id: str, IfMatch: str | None = None) -> Answer:
        """Delete a public key that is in no key group, as DeletePublicKey does."""
        self._describe_key(Id)
        self._check_etag(Id, IfMatch)
        if any(Id in each["KeyGroupConfig"]["Items"] for each in self._groups.values()):
            raise _Refused("PublicKeyInUse")
        del self._keys[Id]
        return {}

    def _now(self, seconds: float = 0.0) -> datetime:
        return datetime.fromtimestamp(self._clock() + seconds, UTC)

    def _new_etag(self) -> str:
        return f"E{self._next_number():013d}"

    def _check_etag(self, each_id: str, if_match: str | None) -> None:
        """Refuse a change by somebody who did not say, or does not know, what is there now."""
        if not if_match:
            raise _Refused("InvalidIfMatchVersion")
        if if_match != self._etags[each_id]:
            raise _Refused("PreconditionFailed")

    def _describe_key(self, key_pair_id: str) -> Answer:
        if key_pair_id not in self._keys:
            raise _Refused("NoSuchPublicKey")
        return {"PublicKey": self._keys[key_pair_id], "ETag": self._etags[key_pair_id]}

    def _describe_group(self, key_group_id: str) -> Answer:
        if key_group_id not in self._groups:
            raise _Refused("NoSuchResource")
        return {"KeyGroup": self._groups[key_group_id], "ETag": self._etags[key_group_id]}

    def _put_group(self, key_group_id: str, config: Answer) -> None:
        """Store a key group, and tell of it."""
        self._groups[key_group_id] = {
            "Id": key_group_id,
            "LastModifiedTime": self._now(),
            "KeyGroupConfig": config,
        }
        self._etags[key_group_id] = self._new_etag()
        for listener in self._listeners:
            listener(key_group_id, self.trusted_keys(key_group_id))

    def _check_group(self, given: Mapping[str, Any], others: Iterable[Answer]) -> Answer:
        """Return the configuration to store, or raise what is wrong with it."""
        items = list(given["Items"])
        _check_texts(given, "Name")
        # The API reference wants one key at least. That a key twice, and a key that
        # does not exist, are refused so, it does not say.
        if not items or len(set(items)) < len(items) or not set(items) <= self._keys.keys():
            raise _Refused("InvalidArgument")
        if any(each["KeyGroupConfig"]["Name"] == given["Name"] for each in others):
            raise _Refused("KeyGroupAlreadyExists")
        if len(items) > self._keys_per_group:
            raise _Refused("TooManyPublicKeysInKeyGroup")
        return {**given, "Items": items}

    def _public_key(self, key_pair_id: str) -> PublicKey:
        public_key = _load(self._keys[key_pair_id]["PublicKeyConfig"]["EncodedKey"])
        assert public_key is not None
        return public_key


def _check_texts(config: Mapping[str, Any], *required: str) -> None:
    """Refuse a configuration without its required texts, or with a long one."""
    # 128 characters are documented for comments; for names they are an assumption.
    is_long = any(len(config.get(each, "")) > 128 for each in ("Comment", "Name"))
    if is_long or not all(config.get(each) for each in required):
        raise _Refused("InvalidArgument")


@lru_cache(maxsize=512)
def _load(pem: str) -> PublicKey | None:
    """Return the key of a PEM text, or None if CloudFront would not take it."""
    if not pem.startswith("-----BEGIN PUBLIC KEY-----\n"):
        return None
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError:
        return None
    is_rsa = isinstance(key, rsa.RSAPublicKey) and key.key_size == 2048
    is_ec = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    return PublicKey(key) if is_rsa or is_ec else None
