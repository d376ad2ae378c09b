"""Resources that were there before a source listed them, as what they measured shows.

Whose they were then nobody has said, so it is nobody's: that somebody has one now does not tell
who had it before. The rest (what an outlet feeds, where it measures) is taken to have been so.
"""

from django.db.models import F

from meterhouse.inventory.models import Revision


def was_there(key: str, since_ms: int, using: str = "default") -> None:
    """Let a resource's history begin at a moment, unless it begins earlier or there is none."""
    revisions = Revision.objects.using(using).filter(resource__key=key)
    first = revisions.filter(listing=F("resource__listing")).order_by("start_ms").first()
    if first is None or first.start_ms <= since_ms:
        return
    until_ms, first.start_ms, first.seen_ms = first.start_ms, since_ms, since_ms
    if first.project_id is None and first.user_id is None:
        first.save(using=using, update_fields=["start_ms", "seen_ms"])
        return
    first.pk, first.project, first.user = None, None, None
    first.end_ms, first.since_ms = until_ms, 0
    first.save(using=using, force_insert=True)
