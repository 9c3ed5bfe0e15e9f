"""Views to put into a URLconf: permanent links, signed playlists, and signed cookies."""

from __future__ import annotations

from cfsigned_django.permissions import Permission as Permission
from cfsigned_django.views.cookies import (
    SignedCookiesMixin as SignedCookiesMixin,
    refresh_cookies as refresh_cookies,
)
from cfsigned_django.views.files import SignedRedirectView as SignedRedirectView
from cfsigned_django.views.playlists import SignedPlaylistView as SignedPlaylistView
