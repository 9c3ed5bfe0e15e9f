"""Sign URLs and cookies: the counterpart of verifier.py."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cfsigned_django.signing.algorithms import HashAlgorithm, KeyAlgorithm
from cfsigned_django.signing.encoding import MAX_URL_LENGTH, encode_base64, encode_url
from cfsigned_django.signing.exceptions import InvalidKey, InvalidPolicy, InvalidUrl
from cfsigned_django.signing.policy import MAX_EPOCH_TIME, Policy, canned_policy_json, epoch_time
from cfsigned_django.signing.resource import MUST_BE_ENCODED

if TYPE_CHECKING:
    from cfsigned_django.signing.keys import SigningKey

#: Bytes of one cookie that browsers keep (RFC 6265, section 6.1), name included.
MAX_COOKIE_LENGTH = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPolicy:
    """A policy with its signature, which opens every URL that the policy covers.

    One signature serves a whole folder. ``Signer.sign_policy()`` makes it.
    """

    policy: Policy
    #: The query parameters, without ``?`` or ``&`` around them. Anyone who has them has access.
    query: str = field(repr=False)

    def url(self, url: str) -> str:
        """Return the URL with the signature, encoded as clients must send it.

        This needs no further signature. Raise :exc:`InvalidUrl`, or
        :exc:`InvalidPolicy` if the policy does not cover the URL.
        """
        url = encode_url(url)
        _refuse_uncovered(url, self.policy)
        return join_signature(url, self.query)


class Signer:
    """Signs with one private key, which CloudFront knows as ``key_pair_id``.

    Everything that depends on the key alone is computed once: signing a URL
    then takes one signature and little else.

    The default ``hash_algorithm`` is SHA1 for RSA, as CloudFront assumes, and
    SHA256 for ECDSA. Raise :exc:`InvalidKey` for a key pair id that is not
    valid, and for ECDSA with SHA1, which not all of AWS's tools accept.
    """

    def __init__(
        self,
        *,
        key_pair_id: str,
        private_key: SigningKey,
        hash_algorithm: HashAlgorithm | None = None,
    ) -> None:
        is_rsa = private_key.algorithm is KeyAlgorithm.RSA_2048
        if hash_algorithm is None:
            hash_algorithm = HashAlgorithm.SHA1 if is_rsa else HashAlgorithm.SHA256
        if hash_algorithm not in list(HashAlgorithm):
            raise InvalidKey(
                f"The hash algorithm is {hash_algorithm!r}. CloudFront accepts SHA1 and SHA256."
            )
        self.hash_algorithm: HashAlgorithm = HashAlgorithm(hash_algorithm)
        if not is_rsa and self.hash_algorithm is HashAlgorithm.SHA1:
            raise InvalidKey(
                "Not every AWS tool accepts an ECDSA key with SHA1. "
                "Leave the hash algorithm out, or use SHA256."
            )
        if not key_pair_id or not key_pair_id.isascii() or not key_pair_id.isalnum():
            # A text that is too long for an id may be the private key, set in the wrong place.
            shown = repr(key_pair_id) if len(key_pair_id) <= 40 else "that was set"
            key_pair_id = ""  # A debug page prints this frame: see PrivateKey.load.
            raise InvalidKey(
                f"The key pair ID {shown} is not a valid public key ID. Use the ID from "
                "CloudFront: capital letters and digits, such as K2JCJMDEHXQW5F."
            )
        self.key_pair_id = key_pair_id
        #: A :class:`SigningKey`, usually a :class:`PrivateKey`.
        self.private_key: Any = private_key
        self._tail = f"&Key-Pair-Id={key_pair_id}"
        if self.hash_algorithm is not HashAlgorithm.SHA1:
            self._tail += f"&Hash-Algorithm={self.hash_algorithm}"
        public_key = private_key.public_key
        #: Equal for two signers that make the same signatures. It does not hold a private key,
        #: except if nothing else tells one key from another.
        self.identity: Hashable = (
            (self._tail, private_key) if public_key is None else self._tail + public_key.fingerprint
        )

    def with_hash(self, hash_algorithm: HashAlgorithm | None) -> Signer:
        """Return a signer with the same key that uses this hash, if the key is RSA.

        An ECDSA key always signs with SHA256.
        """
        if self.private_key.algorithm is not KeyAlgorithm.RSA_2048:
            return self
        return Signer(
            key_pair_id=self.key_pair_id,
            private_key=self.private_key,
            hash_algorithm=hash_algorithm,
        )

    def sign_url(
        self,
        url: str,
        *,
        date_less_than: datetime | int | None = None,
        policy: Policy | None = None,
    ) -> str:
        """Return the signed URL, encoded as clients must send it.

        Pass exactly one of ``date_less_than`` (Unix seconds or an aware
        datetime), which allows this URL until then, and ``policy``, which may
        add a start, an address, or a wildcard that covers the URL. As in the
        AWS CLI, a ``*`` in the URL itself is a wildcard and makes the policy
        a custom one: encode a ``*`` in a name as ``%2A``.

        Raise :exc:`InvalidUrl` or :exc:`InvalidPolicy`.
        """
        url = encode_url(url)
        policy = _choose_policy(url, date_less_than, policy)
        message = _text_to_sign(policy)
        if policy.is_canned and policy.resource == url:
            grant = f"Expires={policy.date_less_than}"
        else:
            grant = f"Policy={encode_base64(message)}"
        signature = encode_base64(self.private_key.sign(message, self.hash_algorithm))
        return join_signature(url, f"{grant}&Signature={signature}{self._tail}")

    def sign_address(self, address: str, date_less_than: int) -> str:
        """Return the query that opens an address, which is already encoded, and not checked again.

        The address must be a result of :func:`encode_url`, without ``*``, and
        ``date_less_than`` must be Unix seconds.
        """
        if date_less_than > MAX_EPOCH_TIME:
            epoch_time(date_less_than, "date_less_than")  # raises
        message = canned_policy_json(address, date_less_than).encode("ascii")
        signature = encode_base64(self.private_key.sign(message, self.hash_algorithm))
        return f"Expires={date_less_than}&Signature={signature}{self._tail}"

    def sign_policy(self, policy: Policy) -> SignedPolicy:
        """Return the policy, signed once for all URLs that it covers."""
        message = _text_to_sign(policy)
        signature = encode_base64(self.private_key.sign(message, self.hash_algorithm))
        grant = f"Policy={encode_base64(message)}&Signature={signature}{self._tail}"
        return SignedPolicy(policy=policy, query=grant)

    def sign_cookies(self, policy: Policy) -> dict[str, str]:
        """Return the three cookies (four with SHA256), as names and values.

        A policy without start, address and wildcard becomes
        ``CloudFront-Expires`` and opens one URL. Any other policy becomes
        ``CloudFront-Policy``. Raise :exc:`InvalidPolicy` if a cookie would be
        longer than browsers keep.
        """
        message = _text_to_sign(policy)
        cookies = (
            {"CloudFront-Expires": str(policy.date_less_than)}
            if policy.is_canned
            else {"CloudFront-Policy": encode_base64(message)}
        )
        signature = self.private_key.sign(message, self.hash_algorithm)
        cookies["CloudFront-Signature"] = encode_base64(signature)
        cookies["CloudFront-Key-Pair-Id"] = self.key_pair_id
        if self.hash_algorithm is not HashAlgorithm.SHA1:
            cookies["CloudFront-Hash-Algorithm"] = str(self.hash_algorithm)
        for name, value in cookies.items():
            if len(name) + 1 + len(value) > MAX_COOKIE_LENGTH:
                raise InvalidPolicy(
                    f"The cookie {name} would be longer than {MAX_COOKIE_LENGTH} bytes, the most "
                    "that browsers keep. Shorten the resource."
                )
        return cookies

    def __repr__(self) -> str:
        return f"<Signer {self.key_pair_id} {self.private_key.algorithm} {self.hash_algorithm}>"


def _choose_policy(
    url: str, date_less_than: datetime | int | None, policy: Policy | None
) -> Policy:
    """Return the policy to sign; raise :exc:`InvalidPolicy` if it does not cover the URL."""
    if (date_less_than is None) == (policy is None):
        raise InvalidPolicy(
            "Pass exactly one of date_less_than and policy: every signed URL must expire."
        )
    if policy is None:
        assert date_less_than is not None  # noqa: S101
        return Policy(resource=url, date_less_than=date_less_than)
    _refuse_uncovered(url, policy)
    return policy


def _text_to_sign(policy: Policy) -> bytes:
    """Return the text of a policy; raise :exc:`InvalidPolicy` if only a request may have it."""
    end, start = policy.date_less_than, policy.date_greater_than
    is_valid_once = start is None or start < end
    if end > MAX_EPOCH_TIME or not is_valid_once or MUST_BE_ENCODED.search(policy.resource):
        # What Policy.as_sent() reads, and a Policy of one's own refuses: this raises.
        Policy(
            resource=policy.resource,
            date_less_than=end,
            date_greater_than=start,
            allow_any_resource=True,
        )
    return policy.to_json().encode("ascii")


def _refuse_uncovered(url: str, policy: Policy) -> None:
    if not policy.matches(url):
        raise uncovered(url, policy.resource)


def uncovered(url: str, resource: str) -> InvalidPolicy:
    """Return the error that a policy of the resource does not open the URL."""
    return InvalidPolicy(
        f"The policy's resource {resource} does not cover {url}. CloudFront would refuse the "
        "signed URL. Change the resource or the URL."
    )


def join_signature(url: str, query: str) -> str:
    """Return an encoded URL with the query that opens it.

    Raise :exc:`InvalidUrl` if it is too long for CloudFront.
    """
    signed = f"{url}&{query}" if "?" in url else f"{url}?{query}"
    if len(signed) > MAX_URL_LENGTH:
        raise InvalidUrl(
            f"The signed URL has {len(signed)} bytes; CloudFront accepts at most {MAX_URL_LENGTH}. "
            "Shorten the name or the parameters."
        )
    return signed
