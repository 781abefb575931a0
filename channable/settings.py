"""Every setting, read once from the environment (or a .env file) with safe defaults.

Nothing here asks "are we in production?": what differs is a variable with a safe default, and
`channable/checks.py` refuses values that cannot be right. docs/configuration.md lists them all.
"""

from __future__ import annotations

from pathlib import Path

import environ

from channable.logs import configure_logging

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

# -- the process -------------------------------------------------------------------------------
DEMO = env.bool("DEMO", default=False)  # the seeded demo: simulators, fast syncs, no mail server
SECRET_KEY = env.str("SECRET_KEY", default="")  # empty is refused by channable.E001
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
BEHIND_HTTPS = env.bool("BEHIND_HTTPS", default=not DEMO)  # cookies and redirects for https only
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("TRUST_PROXY", default=False) else None

# -- what the product does ---------------------------------------------------------------------
SYNC_INTERVAL_SECONDS = env.int("SYNC_INTERVAL_SECONDS", default=300)
TRACKING_WAIT_SECONDS = env.int("TRACKING_WAIT_SECONDS", default=10_800)
ENGINE_WAIT_SCALE = env.float("ENGINE_WAIT_SCALE", default=1.0)  # see connections/waits.py
ALLOW_PRIVATE_ADDRESSES = env.bool("ALLOW_PRIVATE_ADDRESSES", default=False)
EXCHANGES_KEPT_WEEKS = env.int("EXCHANGES_KEPT_WEEKS", default=8)  # masked calls, for the orders' timelines
ATTACHMENTS_KEPT_DAYS = env.int("ATTACHMENTS_KEPT_DAYS", default=90)  # then their files are deleted
PAUSED_KINDS = env.list("PAUSED_KINDS", default=[])  # no write goes to these kinds of system
# "id:base64 of 32 bytes", the newest first: it seals, all of them open
CREDENTIAL_KEYS = dict(entry.partition(":")[::2] for entry in env.list("CREDENTIAL_KEYS", default=[]))

# -- servers -----------------------------------------------------------------------------------
DATABASES = {"default": env.db("DATABASE_URL", default="postgres://channable_app@localhost/channable")}
# A process that stands still in the middle of a transaction (a paused machine) loses its locks after a minute.
IDLE_IN_TRANSACTION = f"-c idle_in_transaction_session_timeout={60_000 * ENGINE_WAIT_SCALE:.0f}"
DATABASE_OPTIONS = DATABASES["default"].get("OPTIONS", {})
DATABASES["default"] |= {
    "CONN_MAX_AGE": env.int("CONN_MAX_AGE", default=300),
    "CONN_HEALTH_CHECKS": True,
    "OPTIONS": DATABASE_OPTIONS
    | {
        "application_name": env.str("PROCESS_NAME", "channable"),
        "options": f"{IDLE_IN_TRANSACTION} {DATABASE_OPTIONS.get('options', '')}".strip(),
    },
    "TEST": {"NAME": "test_channable"},
}
# The role that owns the tables; used by `migrate` and `setup_database` only.
DATABASE_OWNER_URL = env.str("DATABASE_OWNER_URL", default="")
REDIS_URL = env.str("REDIS_URL", default="redis://localhost:6379/0")

# -- Django ------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "channable.tenants",
    "connections",
    "orders",
    "billing",
    "channable.pages",
    "channable",
    "channable.tenants.admin_apps.OrderSyncAdminConfig",  # django.contrib.admin with our site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_celery_beat",
    "django_filters",
    "django_htmx",
    "rest_framework",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "channable.middleware.security_headers",
    "channable.middleware.request_id",
    "channable.middleware.body_limit",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "channable.pages.middleware.own_time_zone",
    "channable.tenants.middleware.CompanyMiddleware",
]
ROOT_URLCONF = "channable.urls"
WSGI_APPLICATION = "channable.wsgi.application"
APPEND_SLASH = False  # the API never redirects; page addresses carry their slash
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "channable.tenants.context.company",
                "channable.pages.context.navigation",
            ],
        },
    },
]

# -- people ------------------------------------------------------------------------------------
AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "channable.tenants.forms.SignUpForm"
ACCOUNT_ADAPTER = "channable.tenants.adapter.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = env.str("EMAIL_VERIFICATION", default="mandatory")
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
MFA_TOTP_ISSUER = "Channable Order Sync"
EMAIL_CONFIG = env.email("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Order sync <noreply@localhost>")

# -- language, time, files ---------------------------------------------------------------------
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = env.bool("WHITENOISE_USE_FINDERS", default=DEMO)
# Files of orders hold personal data. Nothing serves them by itself: no address leads to this storage.
PRIVATE_FILES_DIR = env.str("PRIVATE_FILES_DIR", default=str(BASE_DIR / "var" / "private"))
PRIVATE_FILES_BUCKET = env.str("PRIVATE_FILES_BUCKET", default="")
if PRIVATE_FILES_BUCKET:
    PRIVATE_STORAGE = {
        "BACKEND": "storages.backends.s3.S3Storage",  # its keys are found as every tool of AWS finds them
        "OPTIONS": {
            "bucket_name": PRIVATE_FILES_BUCKET,
            "endpoint_url": env.str("PRIVATE_FILES_ENDPOINT", default="") or None,
            "region_name": env.str("PRIVATE_FILES_REGION", default="") or None,
            "default_acl": None,
            "file_overwrite": True,  # keys are random, so there is no need to ask for each whether it is taken
        },
    }
else:
    PRIVATE_STORAGE = {"BACKEND": "orders.storage.PrivateFolder", "OPTIONS": {"location": PRIVATE_FILES_DIR}}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "private": PRIVATE_STORAGE,
}

# -- browsers ----------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_HTTPS
SECURE_SSL_REDIRECT = BEHIND_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000 if BEHIND_HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_HSTS_SECONDS > 0
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# -- Celery: Redis carries hints, PostgreSQL the truth -----------------------------------------
CELERY_BROKER_URL = REDIS_URL
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {  # what waits for other people's servers has queues of its own
    "connections.tasks.sync_stream": {"queue": "sync"},
    "connections.tasks.send_due": {"queue": "outbox"},
    "connections.tasks.ask_account": {"queue": "outbox"},
}
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 900,
    "unacked_restore_interval": 10,  # how often lost messages are looked for; the default is 10 polls
    "socket_timeout": 10,  # unlimited by default
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 25,
}
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_DB_REUSE_MAX = 10_000  # otherwise the database connection is closed around every task
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_ENABLE_UTC = True
CELERY_TIMEZONE = "UTC"
DJANGO_CELERY_BEAT_TZ_AWARE = True

# -- API ---------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}

# -- logs --------------------------------------------------------------------------------------
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOG_FORMAT = env.str("LOG_FORMAT", default="console" if DEMO else "json")
LOGGING_CONFIG = None
configure_logging(level=LOG_LEVEL, form=LOG_FORMAT)
