from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from channable.pages.documents import DOCUMENTS


class Command(BaseCommand):
    help = "Write the pages of docs/ that are made from the code's own tables."

    def handle(self, *args: Any, **options: Any) -> None:
        for name, make in DOCUMENTS.items():
            (settings.BASE_DIR / name).write_text(make())
            self.stdout.write(name)
