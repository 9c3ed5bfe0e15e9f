"""Name what can go wrong with keys, policies and URLs.

::

    SigningError
    ├── InvalidKey       a key that cannot be read, or that CloudFront does not take
    │   └── HashRefused  a key that cannot sign with SHA1 on this machine
    ├── InvalidPolicy    a policy that CloudFront would refuse, or that grants more than was meant
    ├── InvalidUrl       a URL that cannot be signed
    └── Denied           a viewer request that the verifier refuses
"""

from __future__ import annotations


class SigningError(Exception):
    """Stand for every error of this layer. Never raised itself."""


class InvalidKey(SigningError, ValueError):
    """Report a key that cannot be read or that CloudFront does not accept."""


class HashRefused(InvalidKey):
    """Report that this machine's OpenSSL signs nothing with the hash of the signer."""


class InvalidPolicy(SigningError, ValueError):
    """Report a policy that CloudFront would refuse or that grants too much."""


class InvalidUrl(SigningError, ValueError):
    """Report a URL that cannot be signed as it stands."""


class Denied(SigningError):
    """Refuse a viewer request.

    ``code`` and ``message`` are what CloudFront tells the viewer; ``reason``
    is this library's own explanation, meant for logs and never for viewers.
    """

    def __init__(self, code: str, message: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.message = message
        self.reason = reason

    def __reduce__(self) -> tuple[type[Denied], tuple[str, str, str]]:
        return type(self), (self.code, self.message, self.reason)
