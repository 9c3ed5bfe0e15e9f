"""Links that last: for an e-mail, which is opened long after any signed URL has ended."""

from __future__ import annotations

from django.http import HttpRequest

from cfsigned_django.views import SignedRedirectView
from demo_project.gallery.models import Document, Picture


def may_see(request: HttpRequest, name: str) -> bool:
    """Let everybody see what the site lists, and nothing else that is in the bucket.

    A site with accounts asks here whether `request.user` may see the file.
    """
    return (
        Picture.objects.filter(image=name).exists() or Document.objects.filter(file=name).exists()
    )


media = SignedRedirectView.as_view(permission=may_see)
