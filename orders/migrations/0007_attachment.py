import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import channable.tenants.models
from channable.tenants.operations import WallOff


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0006_product_link"),
        ("tenants", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Attachment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("invoice", "Invoice"), ("label", "Shipping label")],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "item_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="items",
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("marketplace", "Marketplace"),
                            ("shop", "Shop"),
                            ("system", "Order sync"),
                            ("user", "Person"),
                            ("token", "API client"),
                            ("time_limit", "Time limit"),
                        ],
                        max_length=12,
                        verbose_name="from",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("expected", "Being stored"), ("stored", "Stored"), ("deleted", "Deleted")],
                        default="expected",
                        max_length=10,
                        verbose_name="file",
                    ),
                ),
                ("filename", models.CharField(blank=True, max_length=150, verbose_name="name")),
                ("file_type", models.CharField(blank=True, max_length=4, verbose_name="type")),
                ("size", models.PositiveIntegerField(default=0, verbose_name="bytes")),
                ("sha256", models.CharField(blank=True, editable=False, max_length=64)),
                ("storage_key", models.CharField(blank=True, editable=False, max_length=100)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="created")),
                ("expires_at", models.DateTimeField(verbose_name="expires")),
                (
                    "delivery",
                    models.CharField(
                        choices=[
                            ("none", "Kept here"),
                            ("waiting", "Waits for the shipment"),
                            ("pending", "Goes to the marketplace"),
                            ("processing", "The marketplace checks it"),
                            ("confirmed", "At the marketplace"),
                            ("refused", "Refused"),
                        ],
                        default="none",
                        max_length=10,
                        verbose_name="delivery",
                    ),
                ),
                ("remote_id", models.CharField(blank=True, max_length=200, verbose_name="id at the marketplace")),
                ("delivered_at", models.DateTimeField(blank=True, null=True, verbose_name="delivered")),
                ("error_detail", models.TextField(blank=True, verbose_name="error detail")),
                (
                    "company",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.company",
                    ),
                ),
                (
                    "order",
                    channable.tenants.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attachments",
                        to="orders.order",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "attachment",
                "verbose_name_plural": "attachments",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "deleted"), _negated=True),
                        fields=["expires_at"],
                        name="attachment_expires",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("company", "order", "number"), name="attachment_number_once"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["invoice", "label"])), name="attachment_known_kind"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["expected", "stored", "deleted"])),
                        name="attachment_known_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "delivery__in",
                                ["none", "waiting", "pending", "processing", "confirmed", "refused"],
                            )
                        ),
                        name="attachment_known_delivery",
                    ),
                ],
            },
        ),
        WallOff("Attachment"),
    ]
