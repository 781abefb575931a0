from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False  # an index made without stopping those who write

    dependencies = [("orders", "0001_initial")]

    operations = [
        AddIndexConcurrently(
            model_name="orderevent",
            index=BrinIndex(fields=["recorded_at"], name="event_recorded", pages_per_range=32, autosummarize=True),
        ),
    ]
