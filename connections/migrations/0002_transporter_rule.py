import django.db.models.deletion
from django.db import migrations, models

import channable.tenants.models
from channable.tenants.operations import WallOff


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0001_initial"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="TransporterRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0, verbose_name="position")),
                ("pattern", models.CharField(blank=True, max_length=100, verbose_name="tracking code")),
                ("transporter", models.CharField(max_length=100, verbose_name="transporter")),
                ("country_code", models.CharField(blank=True, max_length=2, verbose_name="country")),
                ("removes_match", models.BooleanField(default=False, verbose_name="remove matched text")),
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
                    "order_connection",
                    channable.tenants.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="connections.orderconnection",
                    ),
                ),
                (
                    "project",
                    channable.tenants.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="transporter_rules",
                        to="tenants.project",
                    ),
                ),
            ],
            options={
                "verbose_name": "transporter rule",
                "verbose_name_plural": "transporter rules",
            },
        ),
        WallOff("TransporterRule"),
    ]
