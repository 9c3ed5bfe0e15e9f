"""Create the tables of pictures and documents."""

from __future__ import annotations

import django.utils.timezone
from django.db import migrations, models


def _upload_fields() -> list[tuple[str, models.Field[object, object]]]:
    return [
        (
            "id",
            models.BigAutoField(
                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
            ),
        ),
        ("original_name", models.CharField(max_length=255)),
        ("title", models.CharField(max_length=255)),
        ("content_type", models.CharField(max_length=100)),
        ("size", models.PositiveBigIntegerField(help_text="in bytes")),
        ("uploaded_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
    ]


_OPTIONS = {"ordering": ["-uploaded_at", "-pk"], "abstract": False}


class Migration(migrations.Migration):
    """The first state of the app."""

    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Document",
            fields=[
                *_upload_fields(),
                ("file", models.FileField(max_length=300, upload_to="documents")),
            ],
            options=_OPTIONS,
        ),
        migrations.CreateModel(
            name="Picture",
            fields=[
                *_upload_fields(),
                (
                    "image",
                    models.ImageField(
                        height_field="height",
                        max_length=300,
                        upload_to="pictures",
                        width_field="width",
                    ),
                ),
                ("width", models.PositiveIntegerField()),
                ("height", models.PositiveIntegerField()),
                (
                    "thumbnail",
                    models.ImageField(
                        height_field="thumbnail_height",
                        max_length=300,
                        upload_to="thumbnails",
                        width_field="thumbnail_width",
                    ),
                ),
                ("thumbnail_width", models.PositiveIntegerField()),
                ("thumbnail_height", models.PositiveIntegerField()),
            ],
            options=_OPTIONS,
        ),
    ]
