"""Say under which address CloudFront serves the file of a name, without a signature."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from cfsigned_django.signing.encoding import encode_path
from cfsigned_django.storage.arguments import refuse_dot_dot, refuse_writing
from cfsigned_django.storage.query import build_query
from cfsigned_django.storage.ready import make_origin
from cfsigned_django.storage.signing_key import SigningKeyMixin
from cfsigned_django.validation import find_address_problems, raise_first_error


class AddressMixin(SigningKeyMixin):
    """Know the addresses of files, behind whatever storage class makes their paths."""

    _known_origin: tuple[tuple[Any, Any], str] | None = None

    def unsigned_url(
        self,
        name: str | None,
        parameters: dict[str, Any] | None = None,
        download: str | None = None,
    ) -> str:
        """Return the CloudFront URL without a signature.

        It names the file for good, where a signed URL changes: for the key of
        a cache, for a thumbnail library, or where the files are public.
        """
        self._keep_up()
        address = self._get_origin() + self._url_path(name)
        if parameters or download is not None:
            address = join_query(address, build_query(parameters, download))
        return address

    def _get_origin(self) -> str:
        """Return protocol and domain of unsigned URLs, checked again only after a change."""
        state = self.url_protocol, self.custom_domain
        known = self._known_origin
        if known is None or known[0] != state:
            raise_first_error(find_address_problems(self.signing_config()))
            # Not by setattr(), which drops the URLs that are known.
            self.__dict__["_known_origin"] = known = state, make_origin(*state)
        return known[1]

    def _plain_url(
        self,
        name: str | None,
        parameters: dict[str, Any] | None,
        expire: int | timedelta | None,
        http_method: str | None,
        download: str | None,
    ) -> str:
        """Return the URL where it was said that this mixin shall not sign it."""
        if http_method is not None:
            refuse_writing(http_method)
        return self.unsigned_url(name, parameters, download)

    def _url_path(self, name: str | None) -> str:
        """Return the percent-encoded path of the file, from its slash on."""
        refuse_dot_dot(name or "")
        # The storage may stand behind a base URL, of which the path counts.
        path = encode_path(urlsplit(super().url(name)).path)  # type: ignore[misc]
        return escape_asterisks(path if path.startswith("/") else f"/{path}")

    def _resource_path(self, resource: str) -> str:
        """Return the path of a resource, in which ``*`` keeps its meaning."""
        if not resource or "://" in resource:
            raise ValueError(
                f"resource is {resource!r}: give it as a name in the storage, such as "
                "'albums/42/*', without protocol and domain."
            )
        folders = re.split(r"[\\/]", resource)[:-1]
        if "*" in resource and {"", "."} & set(folders):
            # What a variable that is empty leaves of "albums/{slug}/*". Tidied up, as names are,
            # it would open the albums of all.
            raise ValueError(
                f"resource is {resource!r}, with a folder without a name: give it as names are "
                "given, without '//', './' or a slash in front."
            )
        # Those of the resource are the last ones: a location may hold others.
        return "*".join(self._url_path(resource).rsplit("%2A", resource.count("*")))


def escape_asterisks(path: str) -> str:
    """Encode ``*``, which a policy would take for a wildcard and S3 for itself."""
    return path.replace("*", "%2A")


def join_query(address: str, query: str) -> str:
    return f"{address}?{query}" if query else address
