"""The REST API under /api/v1/: what the pages show, for programs. Reading only."""

from meterhouse.web.api.house import api

__all__ = ["api"]
