import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import channable.tenants.models
from channable.tenants.operations import WallOff


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0002_transporter_rule"),
        ("orders", "0007_attachment"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="shopnotice",
            name="notice_known_kind",
        ),
        migrations.AlterField(
            model_name="shopnotice",
            name="kind",
            field=models.CharField(
                choices=[
                    ("requested", "The buyer asks to cancel"),
                    ("withdrawn", "The buyer no longer asks to cancel"),
                    ("cancelled", "Nothing of it is to be shipped any more"),
                    ("part_cancelled", "Some of it is not to be shipped any more"),
                    ("not_cancelled", "The cancellation was refused"),
                    ("returned", "Goods come back"),
                ],
                max_length=16,
                verbose_name="kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="shopnotice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["requested", "withdrawn", "cancelled", "part_cancelled", "not_cancelled", "returned"])
                ),
                name="notice_known_kind",
            ),
        ),
        migrations.CreateModel(
            name="Return",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=200, verbose_name="number of the line there")),
                ("return_id", models.CharField(blank=True, max_length=200, verbose_name="return there")),
                ("quantity", models.PositiveIntegerField(verbose_name="quantity")),
                ("title", models.CharField(blank=True, max_length=500, verbose_name="title")),
                ("product_id", models.CharField(blank=True, max_length=200, verbose_name="product")),
                ("ean", models.CharField(blank=True, max_length=40, verbose_name="EAN")),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="reason")),
                ("comment", models.TextField(blank=True, verbose_name="comment of the buyer")),
                ("tracking_code", models.CharField(blank=True, max_length=200, verbose_name="tracking code")),
                ("transporter", models.CharField(blank=True, max_length=200, verbose_name="transporter")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("new", "New"),
                            ("processing", "Processing"),
                            ("accepted", "Accepted"),
                            ("rejected", "Rejected"),
                            ("repaired", "Repaired"),
                            ("keeps", "Buyer keeps it"),
                            ("exchanged", "Exchanged"),
                            ("cancelled", "Cancelled"),
                            ("manual", "Manual"),
                        ],
                        default="new",
                        max_length=12,
                        verbose_name="status",
                    ),
                ),
                ("is_manual", models.BooleanField(default=False, verbose_name="handled by a person")),
                ("is_test", models.BooleanField(default=False, verbose_name="test")),
                ("error_code", models.CharField(blank=True, max_length=60, verbose_name="error")),
                ("error_detail", models.TextField(blank=True, verbose_name="error detail")),
                ("remote_version", models.CharField(blank=True, editable=False, max_length=200)),
                ("checked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("registered_at", models.DateTimeField(verbose_name="registered there")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="created")),
                ("modified_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="modified")),
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
                    "connection",
                    channable.tenants.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="returns",
                        to="connections.connection",
                    ),
                ),
                (
                    "item",
                    channable.tenants.models.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="returns",
                        to="orders.orderitem",
                    ),
                ),
                (
                    "order",
                    channable.tenants.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="returns",
                        to="orders.order",
                    ),
                ),
            ],
            options={
                "verbose_name": "return",
                "verbose_name_plural": "returns",
                "indexes": [
                    models.Index(
                        models.F("company"),
                        models.OrderBy(models.F("created_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="return_newest",
                    ),
                    models.Index(
                        models.F("company"),
                        models.F("status"),
                        models.OrderBy(models.F("created_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="return_by_status",
                    ),
                    models.Index(
                        models.F("company"),
                        models.OrderBy(models.F("created_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        condition=models.Q(("error_code", ""), _negated=True),
                        name="return_error",
                    ),
                    models.Index(fields=["company", "order"], name="return_of_order"),
                    models.Index(fields=["company", "connection", "return_id"], name="return_of_return"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("company", "connection", "external_id"), name="return_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "new",
                                    "processing",
                                    "accepted",
                                    "rejected",
                                    "repaired",
                                    "keeps",
                                    "exchanged",
                                    "cancelled",
                                    "manual",
                                ],
                            )
                        ),
                        name="return_known_status",
                    ),
                    models.CheckConstraint(condition=models.Q(("quantity__gt", 0)), name="return_not_empty"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReturnDecision",
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
                    "verdict",
                    models.CharField(
                        choices=[
                            ("accepted", "accepted"),
                            ("rejected", "rejected"),
                            ("repaired", "repaired"),
                            ("keeps", "keeps"),
                            ("exchanged", "exchanged"),
                            ("cancelled", "cancelled"),
                        ],
                        max_length=12,
                        verbose_name="decision",
                    ),
                ),
                ("quantity", models.PositiveIntegerField(verbose_name="quantity")),
                (
                    "refund_status",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("pending", "Pending"),
                            ("processing", "Processing"),
                            ("confirmed", "Confirmed"),
                            ("refused", "Refused"),
                        ],
                        max_length=10,
                        verbose_name="refund in the shop",
                    ),
                ),
                ("refund_id", models.CharField(blank=True, max_length=200, verbose_name="refund there")),
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
                (
                    "returned",
                    channable.tenants.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="decisions",
                        to="orders.return",
                    ),
                ),
            ],
            options={
                "verbose_name": "decision about a return",
                "verbose_name_plural": "decisions about returns",
                "indexes": [models.Index(fields=["company", "returned"], name="decision_of_return")],
                "constraints": [
                    models.UniqueConstraint(fields=("company", "order", "number"), name="return_decision_number_once"),
                    models.UniqueConstraint(
                        fields=("company", "order", "source_ref"), name="return_decision_source_once"
                    ),
                    models.CheckConstraint(condition=models.Q(("quantity__gt", 0)), name="return_decision_not_empty"),
                ],
            },
        ),
        WallOff("Return"),
        WallOff("ReturnDecision"),
    ]
