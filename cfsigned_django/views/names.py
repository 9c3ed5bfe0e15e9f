"""The view that returns fresh signed URLs for the names of files, in JSON."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import Any, Final

from asgiref.sync import async_to_sync
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse

from cfsigned_django.storage.context import watch_expiry
from cfsigned_django.storage.names import MAX_NAME_LENGTH, is_exact_name
from cfsigned_django.storage.site_storages import find_storage, url_of
from cfsigned_django.views.files import PermissionView
from cfsigned_django.views.permissions import require_permission, settled

#: How many names one request may ask for.
MAX_NAMES: Final = 100


class SignedUrlsView(PermissionView):
    """Return the signed URLs of up to 100 files to a POST of ``{"names": [...]}``, which is JSON.

    For a page that stays open, and for an app that keeps names instead of URLs. ::

        path("fresh-urls/", SignedUrlsView.as_view(permission=may_see), name="fresh-urls")

    The answer is ``{"urls": {name: url}, "expires_at": ...}``; ``expires_at`` says when
    the first URL expires (ISO 8601, UTC; null if the storage signs none of them).

    ``permission``, ``storage``, ``expire``, ``ip_address`` and
    :meth:`get_url_arguments` are those of :class:`SignedRedirectView`. The
    permission is asked once for each name. If it refuses one, or raises
    :exc:`~django.http.Http404`, nobody gets a URL: the answer is 403 with
    ``{"error": ..., "refused": [...]}``. A name that no file can have is answered
    so with 400 before the permission is asked, and so is, with ``{"error": ...}``,
    what is not JSON or has no names, or more than 100; another method than POST
    is answered 405.
    Only S3 knows whether a file exists. CSRF protection is Django's.

    If :class:`cfsigned_django.shortcuts.signed_urls` decorates the view, one
    signature serves all names in a folder, and the permission for one of them
    opens the folder.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return the URLs of all names, or of none."""
        if request.method != "POST":
            error = 'Send a POST with JSON: {"names": [...]}.'
            return JsonResponse({"error": error}, status=405, headers={"Allow": "POST"})
        try:
            names = _read_names(request.body)
        except ValueError as problem:
            return JsonResponse({"error": str(problem)}, status=400)
        # A storage would normalize ./a, and sign a name that was not asked about.
        bad = [each for each in names if not isinstance(each, str) or not is_exact_name(each)]
        if bad:
            error = (
                f"names[{names.index(bad[0])}] is not the name of a file. Send each name as the "
                f"storage returned it from save(): text of at most {MAX_NAME_LENGTH} bytes."
            )
            return JsonResponse({"error": error, "refused": bad}, status=400)
        names = list(dict.fromkeys(names))
        refused = [name for name in names if not self._may_see(name)]
        if refused:
            error = "The viewer may not see the files in refused. Ask for the others alone."
            return JsonResponse({"error": error, "refused": refused}, status=403)
        storage = find_storage(self.storage)
        with watch_expiry() as watch:
            urls = {name: url_of(storage, name, **self.get_url_arguments(name)) for name in names}
        return JsonResponse(
            {"urls": urls, "expires_at": watch.expires_at}, headers={"Cache-Control": "private"}
        )

    def _may_see(self, name: str) -> bool:
        ask: Any = self.permission
        try:
            answer = ask(self.request, name)
            if isinstance(answer, Awaitable):
                answer = async_to_sync(settled)(answer)
            require_permission(self, name, answer)
        except (PermissionDenied, Http404):
            return False
        return True


def _read_names(body: bytes) -> list[Any]:
    """Return the names in JSON. Raise :exc:`ValueError` with what is wrong."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        data = None
    names = data.get("names") if isinstance(data, dict) else None
    if not isinstance(names, list) or not 0 < len(names) <= MAX_NAMES:
        raise ValueError(f'Send JSON: {{"names": [...]}}, with 1 to {MAX_NAMES} names.')
    return names
