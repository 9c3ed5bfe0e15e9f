"""Views to put into a URLconf: permanent links, fresh URLs, playlists, signed cookies."""

from __future__ import annotations

from cfsigned_django.views.cookies import (
    SignedCookiesMixin as SignedCookiesMixin,
    refresh_cookies as refresh_cookies,
)
from cfsigned_django.views.files import SignedRedirectView as SignedRedirectView
from cfsigned_django.views.names import SignedUrlsView as SignedUrlsView
from cfsigned_django.views.permissions import Permission as Permission
from cfsigned_django.views.playlists import SignedPlaylistView as SignedPlaylistView
