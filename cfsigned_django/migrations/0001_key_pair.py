"""Create the table of key pairs. All values are literals, since constants may change later."""

from __future__ import annotations

import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="KeyPair",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("key_group_id", models.CharField(max_length=64, verbose_name="key group")),
                (
                    "key_pair_id",
                    models.CharField(
                        blank=True,
                        max_length=64,
                        null=True,
                        unique=True,
                        verbose_name="public key ID",
                    ),
                ),
                (
                    "algorithm",
                    models.CharField(
                        choices=[("RSA_2048", "RSA 2048"), ("ECDSA_P256", "ECDSA P-256")],
                        max_length=16,
                        verbose_name="algorithm",
                    ),
                ),
                ("fingerprint", models.CharField(max_length=64, verbose_name="fingerprint")),
                ("public_key", models.TextField(verbose_name="public key")),
                ("encrypted_private_key", models.TextField(blank=True, editable=False)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("trusted", "Trusted"),
                            ("active", "Active"),
                            ("retiring", "Retiring"),
                            ("retired", "Retired"),
                            ("revoked", "Revoked"),
                        ],
                        default="pending",
                        max_length=16,
                        verbose_name="status",
                    ),
                ),
                (
                    "active_in",
                    models.CharField(editable=False, max_length=64, null=True, unique=True),
                ),
                (
                    "next_in",
                    models.CharField(editable=False, max_length=64, null=True, unique=True),
                ),
                ("created_at", models.DateTimeField(verbose_name="created")),
                (
                    "trusted_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="trusted since"),
                ),
                (
                    "verified_since",
                    models.DateTimeField(blank=True, null=True, verbose_name="works since"),
                ),
                (
                    "active_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="signs since"),
                ),
                (
                    "retiring_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="retiring since"),
                ),
                ("retired_at", models.DateTimeField(blank=True, null=True, verbose_name="retired")),
                ("revoked_at", models.DateTimeField(blank=True, null=True, verbose_name="revoked")),
                (
                    "removed_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="removed from CloudFront"
                    ),
                ),
                ("claimed_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("retirement_seconds", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "changed_by",
                    models.CharField(blank=True, max_length=150, verbose_name="last changed by"),
                ),
                ("reason", models.CharField(blank=True, max_length=250, verbose_name="reason")),
            ],
            options={
                "verbose_name": "signing key pair",
                "verbose_name_plural": "signing key pairs",
                "ordering": ("-created_at",),
                "permissions": (
                    ("rotate_keypair", "Can rotate signing keys"),
                    ("revoke_keypair", "Can revoke a signing key, which breaks its links"),
                ),
                "default_permissions": ("view",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("active_in", models.F("key_group_id")),
                                ("active_in__isnull", False),
                                ("status", "active"),
                            ),
                            models.Q(
                                models.Q(("status", "active"), _negated=True),
                                ("active_in__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="cfsigned_active_in_its_key_group",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("next_in", models.F("key_group_id")),
                                ("next_in__isnull", False),
                                ("status__in", ("pending", "trusted")),
                            ),
                            models.Q(
                                models.Q(("status__in", ("pending", "trusted")), _negated=True),
                                ("next_in__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="cfsigned_next_in_its_key_group",
                    ),
                ],
            },
        )
    ]
