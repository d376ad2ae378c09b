"""The Django project: settings, pages, REST API, service wiring."""
