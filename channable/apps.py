from django.apps import AppConfig


class ChannableConfig(AppConfig):
    name = "channable"
    verbose_name = "Order sync"
