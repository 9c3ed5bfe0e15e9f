"""Refuse what CloudFront refuses: an in-memory API with the methods of a boto3 client.

It enforces quotas, unique names and references, ETags, valid keys, and no
deletes of what is in use. What AWS does not document has the stricter answer
here, and a comment that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from cfsigned_django.signing import PublicKey
from tests.simulation.answers import check_etag, check_texts, refusal
from tests.simulation.strict_public_keys import Answer, StrictPublicKeys

#: Is told a key group's id and its members after each change.
Listener: TypeAlias = Callable[[str, Mapping[str, PublicKey]], None]


@dataclass(slots=True)
class _StoredGroup:
    id: str
    config: dict[str, Any]
    etag: str
    modified: float


class StrictCloudFront(StrictPublicKeys):
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
        groups_per_account: int = 10,
        list_lag: float = 0.0,
        page_size: int = 100,
    ) -> None:
        super().__init__(
            clock=clock, keys_per_account=keys_per_account, list_lag=list_lag, page_size=page_size
        )
        self._keys_per_group = keys_per_group
        self._groups_per_account = groups_per_account
        self._groups: dict[str, _StoredGroup] = {}
        self._in_distributions: set[str] = set()
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Tell ``listener`` of each change of a key group, in order, and of all groups now."""
        with self._lock:
            self._listeners.append(listener)
            for group in self._groups.values():
                listener(group.id, self._trusted(group))

    def use_in_distribution(self, key_group_id: str) -> None:
        """Let a cache behavior name the key group, which then cannot be deleted."""
        self._in_distributions.add(key_group_id)

    def trusted_keys(self, key_group_id: str) -> dict[str, PublicKey]:
        """Return the public keys in the key group as the API has them now."""
        with self._lock:
            return self._trusted(self._groups[key_group_id])

    def create_key_group(self, *, KeyGroupConfig: Mapping[str, Any]) -> Answer:
        """Create a key group, as CreateKeyGroup does."""
        operation = "CreateKeyGroup"
        with self._lock:
            config = self._check_group(operation, KeyGroupConfig, self._groups.values())
            if len(self._groups) >= self._groups_per_account:
                raise refusal("TooManyKeyGroups", operation)
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

    def delete_key_group(self, *, Id: str, IfMatch: str | None = None) -> Answer:
        """Delete a key group that no distribution names, as DeleteKeyGroup does."""
        operation = "DeleteKeyGroup"
        with self._lock:
            group = self._find_group(Id, operation)
            check_etag(operation, group.etag, IfMatch)
            if Id in self._in_distributions:
                raise refusal("ResourceInUse", operation)
            del self._groups[Id]
            self._tell(Id, {})
            return {}

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


def _describe_group(group: _StoredGroup) -> Answer:
    described = {
        "Id": group.id,
        "LastModifiedTime": datetime.fromtimestamp(group.modified, UTC),
        "KeyGroupConfig": {**group.config, "Items": list(group.config["Items"])},
    }
    return {"KeyGroup": described, "ETag": group.etag}
