"""Define the errors of keys, policies, URLs and refused requests.

::

    SigningError
    ├── InvalidKey       a key that cannot be read, or that CloudFront does not accept
    │   └── HashRefused  a key that cannot sign with SHA1 on this machine
    ├── InvalidPolicy    a policy that CloudFront would refuse, or that grants more than it says
    ├── InvalidUrl       a URL that cannot be signed
    └── Denied           a viewer request that the verifier refuses
"""

from __future__ import annotations


class SigningError(Exception):
    """Base class of every error of this layer; never raised itself."""


class InvalidKey(SigningError, ValueError):
    """Raised if a key cannot be read, or if CloudFront does not accept it."""


class HashRefused(InvalidKey):
    """Raised if this machine's OpenSSL refuses to sign with the signer's hash."""


class InvalidPolicy(SigningError, ValueError):
    """Raised for a policy that CloudFront would refuse, or that grants more than it says."""


class InvalidUrl(SigningError, ValueError):
    """Raised for a URL that cannot be signed as it stands."""


class Denied(SigningError):
    """Raised if a viewer request is refused.

    ``code`` and ``message`` are what CloudFront tells the viewer. ``reason``
    is this library's own explanation, for logs only and never for viewers.
    """

    def __init__(self, code: str, message: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.message = message
        self.reason = reason

    def __reduce__(self) -> tuple[type[Denied], tuple[str, str, str]]:
        return type(self), (self.code, self.message, self.reason)
