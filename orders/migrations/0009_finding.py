import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import channable.tenants.models
from channable.tenants.operations import WallOff


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0001_initial"),
        ("orders", "0008_returns"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Finding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=60, verbose_name="kind")),
                ("external_id", models.CharField(max_length=100, verbose_name="marketplace number")),
                ("detail", models.TextField(blank=True, verbose_name="detail")),
                ("first_seen_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="first seen")),
                ("last_seen_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="last seen")),
                ("resolved_at", models.DateTimeField(blank=True, null=True, verbose_name="resolved")),
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
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="orders.order",
                    ),
                ),
                (
                    "order_connection",
                    channable.tenants.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="findings",
                        to="connections.orderconnection",
                    ),
                ),
            ],
            options={
                "verbose_name": "difference",
                "verbose_name_plural": "differences",
                "indexes": [
                    models.Index(
                        models.F("company"),
                        models.F("order_connection"),
                        models.OrderBy(models.F("last_seen_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        condition=models.Q(("resolved_at", None)),
                        name="finding_open",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("company", "order_connection", "code", "external_id"), name="finding_once"
                    )
                ],
            },
        ),
        WallOff("Finding"),
    ]
