"""
All settings, read from the environment (``.env`` beside ``manage.py`` is read first, the real environment wins).

A secret has no default: if one is missing the start stops and names it. ``.env.example`` lists every variable.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import environ
from csp.constants import NONCE, NONE, SELF, UNSAFE_EVAL
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy

BASE_DIR = Path(__file__).resolve().parents[2]

env = environ.Env()
if (BASE_DIR / ".env").is_file():
    env.read_env(BASE_DIR / ".env", overwrite=False)


def required(name: str, what: str) -> str:
    """The value of a variable that has no default."""
    value: str = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set: {what}. See .env.example.")
    return value


# --- Django ---------------------------------------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = required("SECRET_KEY", "a long random text that signs sessions")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1"])
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[PUBLIC_URL])

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "inventory_sync.config.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "skumap",
    "inventory_sync.alerts",
    "inventory_sync.stock",
    "inventory_sync.orders",
    "inventory_sync.engine",
    "inventory_sync.api",
    "inventory_sync.backoffice",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "inventory_sync.config.urls"
WSGI_APPLICATION = "inventory_sync.config.wsgi.application"
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
            ],
        },
    },
]

DATABASES = {
    "default": {
        **env.db_url_config(required("DATABASE_URL", "the address of a PostgreSQL database")),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 5,
            "options": "-c timezone=UTC -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s",
        },
    }
}

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_ENABLE_ADMIN = False

LANGUAGE_CODE = "en-in"
TIME_ZONE = "Asia/Kolkata"  # what staff read; everything is stored in UTC
USE_TZ = True
USE_I18N = False
DATETIME_FORMAT = "j M Y, H:i"
DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i"

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True

DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# --- Transport security: on unless the site is served over plain http (demo, development) -----------------------------------

_https = PUBLIC_URL.startswith("https://")
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=_https)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000 if _https else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https
SECURE_HSTS_PRELOAD = _https
SESSION_COOKIE_SECURE = _https
CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_AGE = 12 * 3600
X_FRAME_OPTIONS = "DENY"

# Unfold's Alpine and htmx evaluate expressions; nothing inline runs without a nonce.
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "EXCLUDE_URL_PREFIXES": [],
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE, UNSAFE_EVAL],
        "style-src": [SELF, "'unsafe-inline'"],
        "img-src": [SELF, "data:", "https:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

# --- Redis and Celery -------------------------------------------------------------------------------------------------------

REDIS_URL = required("REDIS_URL", "the address of a Redis server")
REDIS_TIMEOUT_SECONDS = 0.2

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "max_retries": 0,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_TIME_LIMIT = 240
CELERY_TASK_SOFT_TIME_LIMIT = 210
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "inbound"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = env.float("TICK_SECONDS", default=5.0)
CELERY_TIMEZONE = "UTC"
DJANGO_CELERY_BEAT_TZ_AWARE = True

# --- The product ------------------------------------------------------------------------------------------------------------

CHANNEL_ADAPTERS = {
    "flipkart": "channels_flipkart.adapter.FlipkartAdapter",
    "shopify": "channels_shopify.adapter.ShopifyAdapter",
    "amazon": "channels_amazon.adapter.AmazonAdapter",
}
# Fernet keys, newest first; credentials at rest are encrypted with the first and read with any (``rotate_credentials``).
CREDENTIALS_KEYS = [
    key for key in required("CREDENTIALS_KEYS", "Fernet key(s) for stored credentials").split(",") if key
]
# Base URLs of accounts must be public https hosts unless this is on (sandbox, tests).
ALLOW_PRIVATE_HOSTS = env.bool("ALLOW_PRIVATE_HOSTS", default=False)
TICK_SECONDS = env.float("TICK_SECONDS", default=5.0)
WORKERS = env.int("WORKERS", default=2)  # worker processes; a budget is divided by it while Redis is gone
# Against a sandbox whose marketplaces run faster than the clock on the wall; 1 everywhere else.
CLOCK_FACTOR = env.float("CLOCK_FACTOR", default=1.0)
ALERT_EMAILS = env.list("ALERT_EMAILS", default=[])
ALERT_WEBHOOK_URL = env.str("ALERT_WEBHOOK_URL", default="")
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="inventory-sync@localhost")

# --- REST -------------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["inventory_sync.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["inventory_sync.api.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "inventory_sync.api.pagination.IdPagination",
    "PAGE_SIZE": 100,
    "EXCEPTION_HANDLER": "inventory_sync.api.errors.handle",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "inventory-sync",
    "DESCRIPTION": "One pool of stock, sold on Flipkart, Shopify and Amazon India.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
}

# --- Back-office ------------------------------------------------------------------------------------------------------------


def _link(title: str, icon: str, name: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{name}")}


def _import_link() -> dict[str, Any]:
    """It leads to no list, so that it says itself who sees it, and it stands for all pages of imports."""
    return {
        **_link("Import a file", "upload_file", "engine_importrun_upload"),
        "permission": lambda request: request.user.has_perm("engine.add_importrun"),
        "active": lambda request: "/engine/importrun/" in request.path,
    }


UNFOLD = {
    "SITE_TITLE": "inventory-sync",
    "SITE_HEADER": "inventory-sync",
    "SITE_SUBHEADER": "one pool of stock, three marketplaces",
    "SITE_SYMBOL": "sync_alt",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [lambda request: static("backoffice/backoffice.css")],
    "SIDEBAR": {
        "show_search": True,
        "navigation": [
            {
                "items": [
                    _link("Home", "home", "index"),
                    _link("Alerts", "notifications", "alerts_alert_changelist"),
                ]
            },
            {
                "title": "Stock",
                "items": [
                    _link("SKUs", "inventory_2", "skumap_sku_changelist"),
                    _import_link(),
                    _link("Stock", "warehouse", "stock_stockbalance_changelist"),
                    _link("Stock history", "history", "stock_stockmovement_changelist"),
                    _link("Transfer proposals", "local_shipping", "stock_transferproposal_changelist"),
                    _link("Proposed corrections", "edit_note", "stock_correctionproposal_changelist"),
                    _link("Stock set aside", "inventory", "stock_withdrawal_changelist"),
                    _link("Warehouses", "store", "stock_warehouse_changelist"),
                ],
            },
            {
                "title": "Channels",
                "items": [
                    _link("Seller accounts", "storefront", "skumap_channelaccount_changelist"),
                    _link("Channel locations", "pin_drop", "skumap_channellocation_changelist"),
                    _link("Listings", "sell", "skumap_listing_changelist"),
                    _link("Review listings", "checklist", "skumap_listing_review"),
                    _link("Doubtful links", "rule_folder", "skumap_linkaudit_changelist"),
                    _link("Listing changes", "published_with_changes", "engine_listingchange_changelist"),
                    _link("Quantities", "tune", "engine_listingstate_changelist"),
                    _link("Stock rules", "rule", "engine_stockrule_changelist"),
                    _link("Sale events", "celebration", "engine_saleevent_changelist"),
                ],
            },
            {
                "title": "Compliance",
                "items": [
                    _link("Compliance report", "fact_check", "skumap_compliance_report"),
                    _link("Categories", "category", "skumap_category_changelist"),
                    _link("SKU declarations", "assignment", "skumap_skuprofile_changelist"),
                    _link("GST rates", "percent", "skumap_gstrate_changelist"),
                    _link("HSN codes", "tag", "skumap_hsncode_changelist"),
                    _link("States", "map", "skumap_gststate_changelist"),
                ],
            },
            {
                "title": "Orders",
                "items": [
                    _link("Orders", "receipt_long", "orders_order_changelist"),
                    _link("Returns", "assignment_return", "orders_returnitem_changelist"),
                ],
            },
            {
                "title": "Under the hood",
                "collapsible": True,
                "items": [
                    _link("Incoming messages", "inbox", "engine_webhookdelivery_changelist"),
                    _link("Read up to", "schedule", "engine_synccursor_changelist"),
                    _link("Sent quantities", "upload", "engine_pushattempt_changelist"),
                    _link("Trial run records", "visibility", "engine_shadowrecord_changelist"),
                    _link("Remote jobs", "cloud_sync", "engine_remotejob_changelist"),
                    _link("Demand", "trending_up", "engine_demand_changelist"),
                    _link("Pace of orders", "speed", "engine_orderpace_changelist"),
                    _link("Delays", "hourglass", "engine_latencysample_changelist"),
                    _link("API calls", "api", "engine_callcount_changelist"),
                    _link("Matched columns", "view_column", "engine_columnmapping_changelist"),
                    _link("Account tokens", "vpn_key", "skumap_accounttoken_changelist"),
                    _link("Repeated API requests", "repeat", "api_idempotencyrecord_changelist"),
                    _link("Schedule", "timer", "django_celery_beat_periodictask_changelist"),
                    _link("API tokens", "key", "api_apitoken_changelist"),
                    _link("Staff", "group", "auth_user_changelist"),
                    _link("Staff roles", "badge", "auth_group_changelist"),
                ],
            },
        ],
    },
}

# --- Logs -------------------------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)-7s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "urllib3": {"level": "WARNING"},
        "botocore": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "django_celery_beat": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
    },
}
