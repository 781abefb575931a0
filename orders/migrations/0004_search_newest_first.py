from __future__ import annotations

from django.db import migrations

from ._search import CREATE_SEARCH as CREATE_FORMER
from ._search import DROP_SEARCH as DROP_FORMER
from ._search_newest import CREATE_SEARCH, DROP_SEARCH


class Migration(migrations.Migration):
    dependencies = [("orders", "0003_shipment_tracking_code")]

    operations = [migrations.RunSQL([DROP_FORMER, CREATE_SEARCH], [DROP_SEARCH, CREATE_FORMER])]
