"""Settings of the one application that this project is. The environment changes where data live, nothing in the code.

XIAOGUAN_HOME       folder of data, default ./var
DATABASE_URL        postgresql://user:password@host:port/name; without it SQLite in XIAOGUAN_HOME
XIAOGUAN_SECRET_KEY secret of sessions; without it one is made once and kept in XIAOGUAN_HOME
XIAOGUAN_HOSTS      host names that may be asked for, comma-separated
XIAOGUAN_HTTPS      1 behind a TLS proxy: secure cookies, HSTS
XIAOGUAN_URL        address that people reach it by, for links in mails, default http://localhost:8000
XIAOGUAN_MAIL       smtp://user:password@host:587?tls=1&from=crm@example.com; without it mails are printed on stdout
XIAOGUAN_API_RATE   API requests that one account may make in a minute on one machine, default 6000
XIAOGUAN_UPLOAD_MB  largest file that can be uploaded, default 200
XIAOGUAN_PROXIES    how many proxies stand before the server; throttling then counts visitors by their own address
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.utils.translation import gettext_lazy as _

PROJECT = Path(__file__).resolve().parent
HOME = Path(os.environ.get("XIAOGUAN_HOME", "var")).resolve()


def _secret() -> str:
    """The session secret: from the environment, or made once and kept where only the owner can read it."""
    if given := os.environ.get("XIAOGUAN_SECRET_KEY"):
        return given
    file = HOME / "secret_key"
    try:
        return file.read_text()
    except FileNotFoundError:
        HOME.mkdir(parents=True, exist_ok=True)
        made = secrets.token_urlsafe(50)
        try:
            with open(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as handle:
                handle.write(made)
        except FileExistsError:
            return file.read_text()
        return made


def _database() -> dict:
    if url := os.environ.get("DATABASE_URL"):
        parts = urlsplit(url)
        query = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(query.pop("host", "")) or parts.hostname or "",
            "PORT": str(parts.port or ""),
            # Pages read a few rows of large tables by index: disks without arms, no time to compile a plan, and plans
            # that are kept (desk/statements.py) the same for few ids and many.
            "OPTIONS": {"options": "-c random_page_cost=1.1 -c jit=off -c plan_cache_mode=force_generic_plan"}
            | {key: unquote(value) for key, value in query.items()},
            "CONN_MAX_AGE": 300,
        }
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": HOME / "xiaoguan.sqlite3",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-8192;"
            " PRAGMA mmap_size=50331648; PRAGMA temp_store=MEMORY;",
        },
        "CONN_MAX_AGE": None,
    }


HTTPS = os.environ.get("XIAOGUAN_HTTPS") == "1"
SECRET_KEY = _secret()
DEBUG = False
ALLOWED_HOSTS = [h for h in os.environ.get("XIAOGUAN_HOSTS", "localhost,127.0.0.1,[::1],testserver").split(",") if h]
CSRF_TRUSTED_ORIGINS = [f"https://{h}" for h in ALLOWED_HOSTS if HTTPS]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "csp",
    "xiaoguan.desk",
    "xiaoguan.people",
    "xiaoguan.rulebook",
    "xiaoguan.customers",
    "xiaoguan.sales",
    "xiaoguan.goals",
    "xiaoguan.appraisal",
    "xiaoguan.incentive",
    "xiaoguan.insight",
    "xiaoguan.project",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "xiaoguan.project.middleware.AskedOnceMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "xiaoguan.project.middleware.TokenMiddleware",
    "xiaoguan.project.middleware.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "xiaoguan.project.middleware.SignedInMiddleware",
]

ROOT_URLCONF = "xiaoguan.project.urls"
SILENCED_SYSTEM_CHECKS = ["urls.W002"]  # `api/orders` ends without a slash: what goes on from there begins with one
WSGI_APPLICATION = "xiaoguan.project.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [PROJECT / "templates"],
        "OPTIONS": {
            "environment": "xiaoguan.project.templating.environment",
            "context_processors": ["xiaoguan.project.templating.page"],
            "trim_blocks": True,
            "lstrip_blocks": True,
        },
    },
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True},  # form widgets, allauth's mails
]

DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 20_000},  # above that a third is thrown away, counted tries among them
    }
}

# Signing in. Throttling counts in the database cache, so that it holds across processes.
AUTH_USER_MODEL = "people.Account"
AUTHENTICATION_BACKENDS = ["xiaoguan.project.accounts.Backend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "xiaoguan.project.accounts.Adapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "20/m/ip,5/5m/key", "change_password": "5/m/user"}
ALLAUTH_TRUSTED_PROXY_COUNT = int(os.environ.get("XIAOGUAN_PROXIES", "0"))
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "today"
LOGOUT_REDIRECT_URL = "account_login"
SESSION_ENGINE = "xiaoguan.project.sessions"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000


def _mail() -> dict:
    """Django's mail settings from one address; ?tls=1 is STARTTLS, smtps:// is TLS from the first byte."""
    given = os.environ.get("XIAOGUAN_MAIL", "")
    if not given:
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    parts = urlsplit(given)
    query = dict(parse_qsl(parts.query))
    return {
        "EMAIL_HOST": parts.hostname or "localhost",
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": query.get("tls") == "1",
        "DEFAULT_FROM_EMAIL": query.get("from", f"xiaoguan@{parts.hostname or 'localhost'}"),
    }


globals().update(_mail())
EMAIL_TIMEOUT = 20
UPLOAD_MB = int(os.environ.get("XIAOGUAN_UPLOAD_MB", "200"))
API_RATE = int(os.environ.get("XIAOGUAN_API_RATE", "6000"))
BASE_URL = os.environ.get("XIAOGUAN_URL", "http://localhost:8000")

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Chinese")), ("en", _("English"))]
LOCALE_PATHS = [PROJECT / "locale"]
LANGUAGE_COOKIE_NAME = "language"
TIME_ZONE = os.environ.get("XIAOGUAN_TIME_ZONE", "Asia/Shanghai")
USE_I18N = USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [PROJECT / "static"] if (PROJECT / "static").is_dir() else []
STATIC_ROOT = HOME / "static"
_collected = (STATIC_ROOT / "staticfiles.json").exists()  # `xiaoguan init` collects them under names by content
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if _collected
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
SILENCED_SYSTEM_CHECKS = ["urls.W002"]  # `api/orders` ends without a slash: what goes on from there begins with one
