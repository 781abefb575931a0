from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index made without stopping those who write

    dependencies = [("orders", "0002_event_recorded")]

    operations = [
        AddIndexConcurrently(
            model_name="shipment",
            index=models.Index(
                fields=["company", "tracking_code"],
                condition=models.Q(("tracking_code", ""), _negated=True),
                name="shipment_tracking_code",
            ),
        ),
    ]
