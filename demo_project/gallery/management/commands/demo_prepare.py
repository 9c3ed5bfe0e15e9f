"""`manage.py demo_prepare`: migrate, make the admin, then draw and upload what is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.storage import default_storage, storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import BaseCommand, call_command

from cfsigned_django.rotation.models import KeyPair
from demo_project.documents import papers
from demo_project.gallery.models import Document, Picture, Upload
from demo_project.gallery.uploads import check_document, check_picture, store_missing
from demo_project.pictures import COLLECTION
from demo_project.state import ADMIN_NAME, DemoState, demo_folder


class Command(BaseCommand):
    """Bring the demo's database and bucket to the state in which it starts."""

    help = "Migrate the database, then draw and upload the demo's pictures and documents."

    def handle(self, *args: Any, **options: Any) -> None:
        """Do each part that is not done yet, and say so."""
        call_command("migrate", verbosity=0)
        self._forget_lost_keys()
        _ensure_admin(DemoState.open(demo_folder()).admin_password)
        # Newest first is the order of the pages, so the first picture is stored last.
        for number, drawing in enumerate(reversed(COLLECTION), start=1):

            def picture(drawing: Any = drawing) -> None:
                file = SimpleUploadedFile(drawing.file_name, drawing.jpeg())
                check_picture(file).save(title=drawing.title)

            text = f"picture {number} of {len(COLLECTION)}: {drawing.title}"
            self._ensure(Picture, drawing.file_name, text, picture)
        for paper in papers():

            def document(paper: Any = paper) -> None:
                file = SimpleUploadedFile(paper.file_name, paper.content)
                check_document(file).save(title=paper.title)

            self._ensure(Document, paper.file_name, f"document: {paper.file_name}", document)
        if stored := store_missing(storages["thumbnails"]):
            self.stdout.write(f"thumbnails: {stored}")
        self.stdout.write(
            f"{Picture.objects.count()} pictures and {Document.objects.count()} documents"
        )

    def _forget_lost_keys(self) -> None:
        """Drop the key pairs of a key group that the emulator no longer has: nothing knows them."""
        group = settings.AWS_CLOUDFRONT_KEY_GROUP_ID  # type: ignore[misc]
        lost, _ = KeyPair.objects.exclude(key_group_id=group).delete()
        if lost:
            self.stdout.write(
                "CloudFront's API has lost its key group: the demo begins anew with the key of the "
                "settings"
            )

    def _ensure(
        self, model: type[Upload], file_name: str, text: str, store: Callable[[], None]
    ) -> None:
        """Store the file unless both its row and its object in S3 are there."""
        rows = model._default_manager.filter(original_name=file_name)
        if any(default_storage.exists(str(row.media.name)) for row in rows):
            return
        rows.delete()
        store()
        self.stdout.write(text)


def _ensure_admin(password: str) -> None:
    user, _ = User.objects.get_or_create(
        username=ADMIN_NAME, defaults={"is_staff": True, "is_superuser": True}
    )
    if not user.check_password(password):
        user.set_password(password)
        user.save()
