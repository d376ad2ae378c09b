"""What was shown of running energy, so that it never falls, also after a restart."""

from django.db import models


class Tally(models.Model):
    """One probe's running energy as it was shown last.

    Up to ``base_ms`` it is kept as a sum, because the store does not keep for ever what it was
    added up from; from then on it is counted from the store. Moments are milliseconds since 1970.
    """

    resource = models.TextField(primary_key=True)
    base_ms = models.BigIntegerField(default=0)
    base_joules = models.FloatField(default=0)
    at_ms = models.BigIntegerField()  # the newest reading that is in it
    watts = models.FloatField()  # that reading
    joules = models.FloatField()  # shown then

    class Meta:
        db_table = "live_tally"
