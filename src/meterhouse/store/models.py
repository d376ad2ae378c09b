"""The store's tables. Only migrations look here: what reads and writes samples is plain SQL.

All arrays are little-endian. All moments are milliseconds since 1970, UTC. No table has foreign
keys: rows of ``series`` are never deleted, so nothing that names one can dangle.
"""

from typing import ClassVar

from django.db import models


class Series(models.Model):
    """A series that was ever recorded; its id stands for it in the other tables."""

    resource = models.TextField()
    meter = models.TextField()
    hold_ms = models.BigIntegerField()  # of its newest readings; of older ones see Hold
    first_ms = models.BigIntegerField(null=True)  # of what is sealed or was brought; null: nothing
    last_ms = models.BigIntegerField(null=True)
    last_value = models.FloatField(null=True)
    folded_ms = models.BigIntegerField(default=0)  # minutes and hours are made of all before this
    pruned_ms = models.BigIntegerField(default=0)  # raw samples before this may be gone
    minutes_pruned_ms = models.BigIntegerField(default=0)  # minutes too, or never made
    own_ms = models.BigIntegerField(null=True)  # what is before was brought; null: nothing was

    class Meta:
        db_table = "store_series"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["resource", "meter"], name="store_series_once"),
        ]


class Hold(models.Model):
    """From when on the readings of a series stand for how long, up to its next row.

    Only of series whose hold changed; the first row is also that of all before it, and the last
    one is what ``Series`` has. Ids are never given twice: the largest tells whether one is new.
    """

    series = models.BigIntegerField()
    since_ms = models.BigIntegerField()
    hold_ms = models.BigIntegerField()

    class Meta:
        db_table = "store_hold"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["series", "since_ms"], name="store_hold_once"),
        ]


class Position(models.Model):
    """How far each publisher's journal is recorded, and what it brought."""

    publisher = models.TextField(primary_key=True)
    epoch = models.BigIntegerField()
    sequence = models.BigIntegerField()
    batches = models.BigIntegerField(default=0)
    samples = models.BigIntegerField(default=0)  # that were kept

    class Meta:
        db_table = "store_position"


class Loss(models.Model):
    """Batches ``first`` to ``last`` that a publisher forgot before they were recorded."""

    publisher = models.TextField()
    epoch = models.BigIntegerField()
    first = models.BigIntegerField()
    last = models.BigIntegerField()
    at_ms = models.BigIntegerField()  # when it was learnt

    class Meta:
        db_table = "store_loss"


class Refusal(models.Model):
    """How many samples were not kept, by reason."""

    reason = models.TextField(primary_key=True)
    samples = models.BigIntegerField(default=0)

    class Meta:
        db_table = "store_refusal"


class Head(models.Model):
    """The samples of one batch as they came: the newest end of the store, a write-ahead log.

    Its id is the order of recording: of two samples of a series at one moment, the later holds.
    """

    min_ms = models.BigIntegerField()
    max_ms = models.BigIntegerField()
    count = models.IntegerField()
    series = models.BinaryField()  # ids, as store/packing.py writes them
    at = models.BinaryField()  # moments, likewise
    value = models.BinaryField()  # values, likewise

    class Meta:
        db_table = "store_head"


class Block(models.Model):
    """Many samples, or many buckets, of one series, compressed.

    Blocks of one series and granularity do not overlap.
    """

    series = models.BigIntegerField()
    granularity = models.SmallIntegerField()  # 0 raw, 1 minute, 2 hour
    start_ms = models.BigIntegerField()  # the first sample, or the first bucket's start
    end_ms = models.BigIntegerField()  # after the last sample, or the last bucket's end
    count = models.IntegerField()
    payload = models.BinaryField()

    class Meta:
        db_table = "store_block"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["series", "granularity", "start_ms"], name="store_block_once"
            ),
        ]
