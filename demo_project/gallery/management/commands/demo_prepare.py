"""`manage.py demo_prepare`: migrate, create the admin, then upload what is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.storage import default_storage, storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import BaseCommand, call_command
from django.utils.translation import gettext_noop

from cfsigned_django.models import KeyPair
from demo_project.gallery import thumbnails, video
from demo_project.gallery.forms import check_document, check_picture
from demo_project.gallery.models import Document, Picture, Upload
from demo_project.state import ADMIN_NAME, DemoState, demo_folder

COLLECTION: Final = Path(__file__).parents[3] / "collection"
# The file of the collection, its name as somebody uploaded it, and its title. Korean names and
# spaces are here on purpose: they must survive the way from the form to the key in S3, into the
# signature, and back into the name under which a browser saves the file.
PICTURES: Final = (
    ("mountains.webp", "새벽 산등성이.webp", gettext_noop("Mountains at dawn")),
    ("lily-pond.webp", "lily pond.webp", gettext_noop("Lily pond")),
    ("moon.webp", "바다와 달.webp", gettext_noop("Moon over the sea")),
    ("facets.webp", "facets.webp", gettext_noop("Facets")),
    ("dunes.webp", "dunes.webp", gettext_noop("Dunes")),
    ("paper-contours.webp", "paper contours.webp", gettext_noop("Paper contours")),
    ("stained-glass.webp", "stained glass (1).webp", gettext_noop("Stained glass")),
    ("northern-lights.webp", "northern lights.webp", gettext_noop("Northern lights")),
    ("quarter-tiles.webp", "tiles + dots.webp", gettext_noop("Quarter tiles")),
    ("city.webp", "city & river.webp", gettext_noop("City by the river")),
    ("rain.webp", "rain on the window.webp", gettext_noop("Rain on the window")),
    ("birch-wood.webp", "자작나무 숲.webp", gettext_noop("Birch wood")),
)
DOCUMENTS: Final = (
    ("report.pdf", "보고서 2026.pdf", gettext_noop("Report 2026")),
    ("minutes.txt", "회의록 2026.txt", gettext_noop("Minutes, in Korean")),
    ("read-me-first.txt", "read me first.txt", gettext_noop("Read me first")),
)


class Command(BaseCommand):
    """Bring the demo's database and bucket to the state in which it starts."""

    help = "Migrate the database, then upload the demo's pictures and documents."

    def handle(self, *args: Any, **options: Any) -> None:
        """Do each part that is not done yet, and print it."""
        call_command("migrate", verbosity=0)
        self._forget_lost_keys()
        _ensure_admin(DemoState.open(demo_folder()).admin_password)
        for name in (video.MEMBER, video.GUEST):
            User.objects.get_or_create(username=name)
        # Newest first is the order of the pages, so the first file is stored last.
        for file, name, title in reversed(PICTURES):
            self._ensure(Picture, check_picture, file, name, title)
        for file, name, title in reversed(DOCUMENTS):
            self._ensure(Document, check_document, file, name, title)
        if stored := _store_thumbnails():
            self.stdout.write(f"thumbnails: {stored}")
        _store_film()
        self.stdout.write(
            f"{Picture.objects.count()} pictures and {Document.objects.count()} documents"
        )

    def _forget_lost_keys(self) -> None:
        """Delete the key pairs of a key group that the emulator has lost."""
        group = settings.AWS_CLOUDFRONT_KEY_GROUP_ID  # type: ignore[misc]
        lost, _ = KeyPair.objects.exclude(key_group_id=group).delete()
        if lost:
            self.stdout.write(
                "The emulator has lost its key group. The demo starts again with the key from the "
                "settings."
            )

    def _ensure(
        self, model: type[Upload], check: Callable[..., Any], file: str, name: str, title: str
    ) -> None:
        """Store the file unless both its row and its object in S3 are there."""
        rows = model._default_manager.filter(original_name=name)
        if any(default_storage.exists(str(row.media.name)) for row in rows):
            return
        rows.delete()
        content = (COLLECTION / file).read_bytes()
        check(SimpleUploadedFile(name, content)).save(title=title)
        self.stdout.write(f"uploaded: {name}")


def _ensure_admin(password: str) -> None:
    user, is_new = User.objects.get_or_create(
        username=ADMIN_NAME, defaults={"is_staff": True, "is_superuser": True}
    )
    if is_new or not user.check_password(password):
        user.set_password(password)
        user.save()


def _store_film() -> None:
    """Store the files of the film that are missing in S3."""
    storage = storages["videos"]
    for name, file in video.files():
        if not storage.exists(name):
            storage.save(name, file)


def _store_thumbnails() -> int:
    """Store the thumbnails that are missing in S3; return how many."""
    storage: Any = storages["thumbnails"]
    there = set(storage.listdir(thumbnails.FOLDER)[1])
    missing = [each for each in thumbnails.THUMBNAILS if each.file_name not in there]
    # save() is ready for files of any size; of a thousand small ones, that is most of the work.
    put = storage.connection.meta.client.put_object
    for thumbnail, content in thumbnails.contents(missing):
        put(
            Bucket=storage.bucket_name,
            Key=thumbnail.name,
            Body=content,
            ContentType="image/jpeg",
            **storage.get_object_parameters(thumbnail.name),
        )
    return len(missing)
