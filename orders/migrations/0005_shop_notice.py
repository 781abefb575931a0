import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import channable.tenants.models
from channable.tenants.operations import WallOff


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0004_search_newest_first"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="ShopNotice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField()),
                ("source_ref", models.CharField(max_length=200)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("processing", "Processing"),
                            ("confirmed", "Confirmed"),
                            ("refused", "Refused"),
                        ],
                        default="pending",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("remote_id", models.CharField(blank=True, max_length=200, verbose_name="id at the marketplace")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="created")),
                ("confirmed_at", models.DateTimeField(blank=True, null=True, verbose_name="confirmed")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("requested", "The buyer asks to cancel"),
                            ("withdrawn", "The buyer no longer asks to cancel"),
                            ("cancelled", "Nothing of it is to be shipped any more"),
                            ("part_cancelled", "Some of it is not to be shipped any more"),
                            ("not_cancelled", "The cancellation was refused"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("text", models.TextField(verbose_name="text")),
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
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="%(class)ss",
                        to="orders.order",
                    ),
                ),
            ],
            options={
                "verbose_name": "notice to the shop",
                "verbose_name_plural": "notices to the shop",
                "constraints": [
                    models.UniqueConstraint(fields=("company", "order", "number"), name="notice_number_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind__in", ["requested", "withdrawn", "cancelled", "part_cancelled", "not_cancelled"])
                        ),
                        name="notice_known_kind",
                    ),
                ],
            },
        ),
        WallOff("ShopNotice"),
    ]
