"""The web server's entry point."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "channable.settings")
application = get_wsgi_application()

from channable.tenants.checks import refuse_wrong_role  # noqa: E402  (needs the apps loaded above)

refuse_wrong_role()
