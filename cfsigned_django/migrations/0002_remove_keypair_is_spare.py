"""Remove the column of spare keys: the next key to sign is one whose rotation has started."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("cfsigned_django", "0001_key_pair")]

    operations = [migrations.RemoveField(model_name="keypair", name="is_spare")]
