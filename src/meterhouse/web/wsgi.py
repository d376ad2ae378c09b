"""The pages as a WSGI application: for the house's own server, or for gunicorn behind nginx."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meterhouse.web.settings")
pages = application = get_wsgi_application()
