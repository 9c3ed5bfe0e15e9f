"""The pages gallery, documents and how it works; and links that last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.views.generic import FormView, TemplateView

from cfsigned_django.views import SignedRedirectView
from demo_project.gallery.anatomy import dissect, unsigned
from demo_project.gallery.attempts import direct_url
from demo_project.gallery.forms import DocumentForm, PictureForm, UploadForm
from demo_project.gallery.models import Document, Picture, Upload

if TYPE_CHECKING:
    _FormView = FormView[UploadForm]
else:
    _FormView = FormView


class UploadView(_FormView):
    """A list of files, with a form to add more."""

    model: type[Upload]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the files, newest first."""
        return super().get_context_data(uploads=self.model._default_manager.all(), **kwargs)

    def form_valid(self, form: Form) -> HttpResponse:
        """Store the files and show the list again."""
        assert isinstance(form, UploadForm)  # noqa: S101 - what form_class says
        saved = [checked.save() for checked in form.checked]
        names = ", ".join(f"“{upload.original_name}”" for upload in saved)
        messages.success(self.request, _("Stored %(names)s.") % {"names": names})
        if self.request.headers.get("X-Requested-With") == "fetch":
            # A script that followed the redirect would use up the message before it is seen.
            return HttpResponse(status=201)
        return HttpResponseRedirect(self.get_success_url())

    def form_invalid(self, form: Form) -> HttpResponse:
        """Show the list with the errors; the status tells scripts."""
        context = self.get_context_data(form=form)
        return self.render_to_response(context, status=422)


class GalleryView(UploadView):
    """The pictures."""

    model = Picture
    form_class = PictureForm
    template_name = "gallery/gallery.html"
    success_url = reverse_lazy("gallery")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the shortest link of the page, taken apart: its key decides how long it is."""
        links = [picture.thumbnail.url for picture in Picture.objects.all()]
        shortest = dissect(min(links, key=len)) if links else None
        return super().get_context_data(shortest=shortest, **kwargs)


class DocumentsView(UploadView):
    """The documents."""

    model = Document
    form_class = DocumentForm
    template_name = "gallery/documents.html"
    success_url = reverse_lazy("documents")


class HowView(TemplateView):
    """What happens between the browser, the site, the edge and S3."""

    template_name = "gallery/how.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add where things are, and one real picture, if there is one."""
        picture = Picture.objects.first()
        if picture:
            signed = picture.image.storage.url(picture.image.name)
            kwargs |= {
                "picture": picture,
                "example": dissect(signed),
                "unsigned": unsigned(signed),
                "direct": direct_url(picture.image),
            }
        return super().get_context_data(
            bucket=settings.AWS_STORAGE_BUCKET_NAME,  # type: ignore[misc]
            edge=settings.AWS_S3_CUSTOM_DOMAIN,  # type: ignore[misc]
            key_pair_id=settings.AWS_CLOUDFRONT_KEY_ID,  # type: ignore[misc]
            key_group_id=settings.AWS_CLOUDFRONT_KEY_GROUP_ID,  # type: ignore[misc]
            **kwargs,
        )


def may_see(request: HttpRequest, name: str) -> list[str]:
    """Show anyone the files that the site lists, and nothing else in the bucket.

    A site with accounts asks here for the files that `request.user` may see. The
    view compares the names, since not every database compares them exactly.
    """
    return [
        *Picture.objects.filter(image=name).values_list("image", flat=True),
        *Document.objects.filter(file=name).values_list("file", flat=True),
    ]


#: For an e-mail, which may be opened long after any signed URL has expired.
lasting_link = SignedRedirectView.as_view(permission=may_see)
