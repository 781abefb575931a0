import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import channable.tenants.models
from channable.tenants.operations import WallOff


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0001_initial"),
        ("orders", "0005_shop_notice"),
        ("tenants", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ProductLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("product_id", models.CharField(max_length=200, verbose_name="product at the marketplace")),
                ("shop_product_id", models.CharField(max_length=200, verbose_name="product in the shop")),
                (
                    "source",
                    models.CharField(
                        choices=[("person", "chosen by a person"), ("found", "found by an alternative id")],
                        max_length=8,
                        verbose_name="source",
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="created")),
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
                    "shop",
                    channable.tenants.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="connections.connection",
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
                "verbose_name": "product link",
                "verbose_name_plural": "product links",
                "constraints": [
                    models.UniqueConstraint(fields=("company", "shop", "product_id"), name="product_link_once"),
                    models.CheckConstraint(
                        condition=models.Q(("source__in", ["person", "found"])), name="product_link_known_source"
                    ),
                ],
            },
        ),
        WallOff("ProductLink"),
    ]
