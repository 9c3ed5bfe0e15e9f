"""Signed cookies: open folders for one viewer, for as long as the viewer may see them.

folder -> URL of the resource -> a place in the browser (Domain and Path) -> policy -> Set-Cookie
"""

from __future__ import annotations

from cfsigned_django.cookies.response import (
    delete_signed_cookies as delete_signed_cookies,
    set_signed_cookies as set_signed_cookies,
    signed_cookies as signed_cookies,
)
from cfsigned_django.cookies.scopes import SignedCookieScope as SignedCookieScope
