"""Put public keys into CloudFront, find them there, and delete them."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, ParamSpec, Protocol, Self, TypeVar

from cfsigned_django.aws.client import AwsError, call
from cfsigned_django.aws.listed_key import ListedPublicKey, as_listed
from cfsigned_django.signing import PublicKey

logger = logging.getLogger("cfsigned_django.aws")

P = ParamSpec("P")
T = TypeVar("T")

# "The comment cannot be longer than 128 characters" (API reference, PublicKeyConfig).
COMMENT_LENGTH: Final = 128

# Enough for a dozen writers that all want the same thing in the same second.
_ATTEMPTS = 12
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0
# How often to look for a key that CloudFront says it has: for 1.5 s at most.
_LOOKS = 5


class CloudFrontApi(Protocol):
    """The calls that are made; the IAM action of each has the name of the call."""

    def get_key_group(self, *, Id: str) -> Mapping[str, Any]: ...
    def update_key_group(
        self, *, Id: str, IfMatch: str, KeyGroupConfig: Any
    ) -> Mapping[str, Any]: ...
    def list_public_keys(self, *, Marker: str = ...) -> Mapping[str, Any]: ...
    def create_public_key(self, *, PublicKeyConfig: Any) -> Mapping[str, Any]: ...
    def get_public_key(self, *, Id: str) -> Mapping[str, Any]: ...
    def delete_public_key(self, *, Id: str, IfMatch: str) -> object: ...


class PublicKeys:
    """Hold the public keys of one AWS account; ``client`` is a boto3 client for CloudFront.

    ``sleep`` waits for some seconds, and ``jitter`` returns a number from 0 to
    1: they space the attempts where others change the same thing.
    ``before_call`` is called before each request. Every method
    does the same when it is called twice, whatever became of the first call:
    an answer may be lost on the way, and a process may die before it records
    one. Every method raises :exc:`AwsError`.
    """

    def __init__(
        self,
        client: CloudFrontApi,
        *,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        before_call: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._sleep = sleep
        self._jitter = jitter
        self._before_call = before_call

    def before_each_call(self, do: Callable[[], None]) -> Self:
        """Return the same, with something to do before each request to AWS.

        What it raises ends the method that is at work. A request takes 21 s at
        most, and less than 3 s lie between two: see client.py.
        """
        return type(self)(self._client, sleep=self._sleep, jitter=self._jitter, before_call=do)

    def public_keys(self) -> Iterator[ListedPublicKey]:
        """Return every public key of the account, however many pages there are."""
        page: dict[str, str] = {}
        while True:
            listed = self._call(
                self._client.list_public_keys,
                "list the public keys",
                "cloudfront:ListPublicKeys",
                **page,
            )["PublicKeyList"]
            for item in listed.get("Items", ()):
                yield as_listed(item)
            if not listed.get("NextMarker"):
                return
            page = {"Marker": listed["NextMarker"]}

    def find_public_key(self, name: str) -> ListedPublicKey | None:
        """Return the public key of that name; CloudFront gives a name only once."""
        return next((each for each in self.public_keys() if each.name == name), None)

    def ensure_public_key(
        self, *, caller_reference: str, name: str, public_key_pem: str, comment: str = ""
    ) -> str:
        """Return the id (``K...``) of the public key; create it where it is missing.

        ``caller_reference`` and ``name`` are for this key alone. Raise
        :exc:`cfsigned_django.signing.InvalidKey` for what is not a public key,
        :exc:`ValueError` for a comment of more than 128 characters, and
        :exc:`AwsError` also where the name is another key's, or the key is
        there under another name.
        """
        if len(comment) > COMMENT_LENGTH:
            raise ValueError(
                f"comment has {len(comment)} characters; CloudFront takes {COMMENT_LENGTH}."
            )
        # Loaded first: a private key must not leave by mistake.
        pem = PublicKey.load(public_key_pem).to_pem()
        what = f"create the public key {name}"
        found = self.find_public_key(name)
        if found is not None:
            return _same_key(found, pem, what)
        config = {"CallerReference": caller_reference, "Name": name, "EncodedKey": pem}
        if comment:
            config["Comment"] = comment
        try:
            created = self._call(
                self._client.create_public_key,
                what,
                "cloudfront:CreatePublicKey",
                PublicKeyConfig=config,
            )
        except AwsError as error:
            if error.code != "PublicKeyAlreadyExists":
                raise
        else:
            key_pair_id: str = created["PublicKey"]["Id"]
            logger.info("Created the public key %s (%s).", key_pair_id, name)
            return key_pair_id
        return self._find_existing(name, pem, what)

    def delete_public_key(self, key_pair_id: str) -> None:
        """Delete a public key that no key group holds; one that is gone already is fine."""
        what = f"delete the public key {key_pair_id}"
        attempt = 0
        while True:
            try:
                etag = self._call(
                    self._client.get_public_key, what, "cloudfront:GetPublicKey", Id=key_pair_id
                )["ETag"]
                self._call(
                    self._client.delete_public_key,
                    what,
                    "cloudfront:DeletePublicKey",
                    Id=key_pair_id,
                    IfMatch=etag,
                )
            except AwsError as error:
                if error.code == "NoSuchPublicKey":
                    return
                self._pause_or_raise(error, attempt)
                attempt += 1
            else:
                logger.info("Deleted the public key %s.", key_pair_id)
                return

    def _find_existing(self, name: str, pem: str, what: str) -> str:
        """Return the id of a key that CloudFront has just called existing.

        Whether ListPublicKeys shows a new key at once is not documented:
        hence more than one look.
        """
        for attempt in range(_LOOKS):
            listed = list(self.public_keys())
            for each in listed:
                if each.name == name:
                    return _same_key(each, pem, what)
            for each in listed:
                if each.holds(pem):
                    raise _conflict(
                        what,
                        reason=f"CloudFront has this key under another name: {each.name}, "
                        f"{each.key_pair_id}",
                        next_step="Use that id, or delete that public key if nothing uses it.",
                    )
            self._pause(attempt)
        raise _conflict(
            what,
            reason="CloudFront says that it exists, but does not list it",
            next_step="Try again in a minute. If that changes nothing, it was there once and was "
            "deleted: start with a new key pair.",
            is_temporary=True,
        )

    def _call(
        self, method: Callable[P, T], what: str, permission: str, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Make one request to AWS."""
        self._before_call()
        return call(method, what, permission, *args, **kwargs)

    def _pause_or_raise(self, error: AwsError, attempt: int) -> None:
        """Wait where somebody else was quicker; raise every other error, and this one at last."""
        if error.code != "PreconditionFailed" or attempt + 1 >= _ATTEMPTS:
            raise error
        self._pause(attempt)

    def _pause(self, attempt: int) -> None:
        self._sleep(self._jitter() * min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt))


def _same_key(found: ListedPublicKey, pem: str, what: str) -> str:
    if found.holds(pem):
        return found.key_pair_id
    raise _conflict(
        what,
        reason=f"another key, {found.key_pair_id}, has that name",
        next_step="Delete it under CloudFront > Public keys if nothing uses it, or choose another "
        "name.",
    )


def _conflict(what: str, *, reason: str, next_step: str, is_temporary: bool = False) -> AwsError:
    return AwsError(
        what=what,
        reason=reason,
        next_step=next_step,
        code="PublicKeyAlreadyExists",
        is_temporary=is_temporary,
    )
