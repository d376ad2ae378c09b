"""The one file that reads the environment. A value it does not understand stops the start.

METERHOUSE_DATA      folder of everything that is kept (default: data)
METERHOUSE_DATABASE  sqlite:///absolute/path.db or postgresql://user@host:port/name
                     (default: meterhouse.db in the data folder); METERHOUSE_DATABASE_FILE names a
                     file that holds it, for addresses with a password
METERHOUSE_REPORTS_DATABASE   the same PostgreSQL database as a role that may only SELECT; also
                     METERHOUSE_REPORTS_DATABASE_FILE (default: as above, read-only)
METERHOUSE_HOSTS     host names that pages may be asked under, separated by commas
METERHOUSE_FOLLOW    where publishers elsewhere are reached, tcp://host:port, separated by commas;
                     with #FILE of its public key behind one that encrypts
METERHOUSE_HTTPS     yes: a proxy in front speaks HTTPS and says so in X-Forwarded-Proto
METERHOUSE_KEEP_RAW, METERHOUSE_KEEP_MINUTES, METERHOUSE_KEEP_HOURS
                     days that samples of each granularity are kept, or forever (30, 365, forever)
METERHOUSE_LIVE_SILENT   seconds after which a silent probe is left out of /v1/ (300)
METERHOUSE_KEYSTONE_URL  where Keystone is; then its tokens are taken at /v1/. With it:
METERHOUSE_KEYSTONE_USER, METERHOUSE_KEYSTONE_PASSWORD_FILE
                     the account that asks it, and a file that holds its password
METERHOUSE_KEYSTONE_PROJECT, METERHOUSE_KEYSTONE_USER_DOMAIN, METERHOUSE_KEYSTONE_PROJECT_DOMAIN
                     where that account is (service, Default, Default)
METERHOUSE_KEYSTONE_CERTIFICATE   file of the authority behind Keystone's certificate
METERHOUSE_KEYSTONE_ROLE          the role that a token needs (admin)
METERHOUSE_KEYSTONE_REMEMBER      seconds for which Keystone's word is believed (300)
"""

import os
from pathlib import Path

from meterhouse.station.keyfile import kept_key
from meterhouse.web.assets import folder
from meterhouse.web.database import database_settings
from meterhouse.web.environment import flag, keystone, retentions, seconds

DATA = Path(os.environ.get("METERHOUSE_DATA", "data")).absolute()

SECRET_KEY = kept_key(DATA / "secret.key").decode()
DEBUG = False
ALLOWED_HOSTS = [
    "127.0.0.1",
    "localhost",
    "[::1]",
    *filter(None, os.environ.get("METERHOUSE_HOSTS", "").split(",")),
]
DATABASES = database_settings(DATA, os.environ)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "ninja",
    "meterhouse.store",
    "meterhouse.inventory",
    "meterhouse.live",
    "meterhouse.web",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "meterhouse.web.headers.Compressed",
    "meterhouse.web.headers.ContentSecurityPolicy",
    "meterhouse.web.fingerprints.Files",
    "meterhouse.web.pages.question.Legible",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "meterhouse.web.pages.question.Questions",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "meterhouse.web.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "meterhouse.web.pages.frame.frame",
            ],
        },
    },
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"
STATIC_URL = "static/"
STATICFILES_DIRS = [
    ("django_htmx", folder("django_htmx", "static/django_htmx")),
    ("uplot", folder("uplot", "static")),
]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "meterhouse.web.fingerprints.Finder",
]
WHITENOISE_USE_FINDERS = True
STORAGES = {"staticfiles": {"BACKEND": "meterhouse.web.fingerprints.Fingerprints"}}
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "meterhouse.web.passwords.NotRepeated"},
]
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
FOLLOW = os.environ.get("METERHOUSE_FOLLOW", "").replace(",", " ").split()
RETENTIONS = retentions(os.environ)
LIVE_SILENT_MS = seconds(os.environ, "METERHOUSE_LIVE_SILENT", 300)
KEYSTONE = keystone(os.environ)
HTTPS = flag(os.environ, "METERHOUSE_HTTPS")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "meterhouse.web.pages.refusals.csrf_failed"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # a form that chooses probes has one for each
SECURE_REFERRER_POLICY = "same-origin"
