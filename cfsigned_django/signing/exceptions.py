"""Define the errors of keys, policies, URLs, playlists and refused requests.

::

    SigningError
    ├── InvalidKey       a key that cannot be read, or that CloudFront does not accept
    │   └── HashRefused  a key that cannot sign with SHA1 on this machine
    ├── InvalidPolicy    a policy that CloudFront would refuse, or that grants more than it says
    ├── InvalidUrl       a URL that cannot be signed
    ├── InvalidPlaylist  a text that is not an HLS playlist, or that cannot be signed as one
    └── Denied           a viewer request that the verifier refuses
"""

from __future__ import annotations

from enum import Enum, auto


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


class InvalidPlaylist(SigningError, ValueError):
    """Raised for a text that is not an HLS playlist, or whose URIs cannot be signed."""


class Check(Enum):
    """What a request must pass, in the order in which the verifier checks it."""

    #: The parameters are complete and readable, and their key is known.
    PARAMETERS = auto()
    #: The key made the signature.
    SIGNATURE = auto()
    #: The policy covers the URL.
    RESOURCE = auto()
    #: The policy is valid now.
    TIME = auto()
    #: The policy is valid for the viewer's address.
    ADDRESS = auto()


class Denied(SigningError):
    """Raised if a viewer request is refused.

    ``code`` and ``message`` are what CloudFront tells the viewer. ``reason``
    is this library's own explanation, for logs only and never for viewers.
    ``check`` is the check that failed.
    """

    def __init__(
        self, code: str, message: str, reason: str, check: Check = Check.PARAMETERS
    ) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.message = message
        self.reason = reason
        self.check = check

    def __reduce__(self) -> tuple[type[Denied], tuple[str, str, str, Check]]:
        return type(self), (self.code, self.message, self.reason, self.check)
