from django.apps import AppConfig


class PagesConfig(AppConfig):
    name = "channable.pages"
    label = "pages"
