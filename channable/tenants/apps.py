from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "channable.tenants"
    label = "tenants"
    verbose_name = "Companies and people"

    def ready(self) -> None:
        from channable.tenants import checks  # noqa: F401  (registers the system checks)
