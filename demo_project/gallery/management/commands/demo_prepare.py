"""`manage.py demo_prepare`: migrate, then draw, write and upload what is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import BaseCommand, call_command

from demo_project.documents import papers
from demo_project.gallery.models import Document, Picture, Upload
from demo_project.gallery.uploads import check_document, check_picture
from demo_project.pictures import COLLECTION


class Command(BaseCommand):
    """Bring the demo's database and bucket to the state in which it starts."""

    help = "Migrate the database, then draw and upload the demo's pictures and documents."

    def handle(self, *args: Any, **options: Any) -> None:
        """Do each part that is not done yet, and say so."""
        call_command("migrate", verbosity=0)
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
        self.stdout.write(
            f"{Picture.objects.count()} pictures and {Document.objects.count()} documents"
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
