"""What the pages remember: who may see what, tokens, failed logins, and the configured sources.

Inventory objects are named by their keys, not by foreign keys: the inventory's models stay in
their room, and a grant survives an institution that is declared again.
"""

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint


class Person(models.Model):
    """Which user of the inventory a login is, so that they see what is theirs."""

    login = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="person"
    )
    user = models.TextField()  # key of the inventory's user


class Grant(models.Model):
    """A login may see one institution, or one project with all below it."""

    login = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="grants"
    )
    institution = models.TextField(blank=True, default="")  # key; "" when a project is granted
    project = models.TextField(blank=True, default="")  # key; "" when an institution is granted

    class Meta:
        constraints = [
            CheckConstraint(
                name="grant_of_one_thing",
                condition=Q(institution="", project__gt="") | Q(institution__gt="", project=""),
            ),
            UniqueConstraint(name="grant_once", fields=["login", "institution", "project"]),
        ]


class Token(models.Model):
    """A bearer token of the API. Its text is shown once and never kept."""

    login = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens"
    )
    name = models.CharField(max_length=80)
    beginning = models.CharField(max_length=12)  # of its text, so that people recognise it
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of its text, hexadecimal
    scope = models.CharField(max_length=10, default="read")
    created = models.DateTimeField()
    expires = models.DateTimeField(null=True, blank=True)  # None: never
    last_used = models.DateTimeField(null=True, blank=True)  # to the minute
    revoked = models.DateTimeField(null=True, blank=True)


class FailedLogin(models.Model):
    """A wrong password; enough of them close the door for a while."""

    account = models.CharField(max_length=150)  # as typed, lower case; may name nobody
    address = models.CharField(max_length=45)  # where it came from: IPv4 or IPv6
    at_ms = models.BigIntegerField(db_index=True)  # milliseconds since 1970


class SourceConfig(models.Model):
    """A configured source. ``config`` holds no secrets; those are encrypted in ``secrets``."""

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=100)
    interval_s = models.FloatField(null=True, blank=True)  # None: the kind's own
    enabled = models.BooleanField(default=True)
    config = models.JSONField(default=dict)
    secrets = models.BinaryField(default=bytes, blank=True)
    created = models.DateTimeField()
    changed = models.DateTimeField()


class SourceRun(models.Model):
    """One reading of one source: when, how it went, what it brought."""

    source = models.CharField(max_length=100)
    started_ms = models.BigIntegerField()  # milliseconds since 1970
    ended_ms = models.BigIntegerField()
    outcome = models.CharField(max_length=20)
    samples = models.PositiveIntegerField(default=0)
    objects_listed = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="")  # one line

    class Meta:
        indexes = [models.Index(name="run_by_source", fields=["source", "-id"])]


class SourceStatus(models.Model):
    """How one source is doing now; written by the collector, read by the pages."""

    source = models.CharField(max_length=100, primary_key=True)
    kind = models.CharField(max_length=100)
    status = models.CharField(max_length=20)
    last_run_ms = models.BigIntegerField(null=True)  # milliseconds since 1970; None: never
    last_good_ms = models.BigIntegerField(null=True)
    next_run_ms = models.BigIntegerField(null=True)
    error = models.TextField(blank=True, default="")  # one line; "" when the last run was good
    samples = models.BigIntegerField(default=0)  # counters since the collector started
    bad_readings = models.BigIntegerField(default=0)
    reopenings = models.BigIntegerField(default=0)
    failures = models.BigIntegerField(default=0)
    lost = models.BigIntegerField(default=0)
    blocked = models.BigIntegerField(default=0)  # times it held up all others
    refused = models.JSONField(default=dict)  # numbers that were not believed, by reason


class PartCounts(models.Model):
    """What one part of a running house has counted since it started: the bus, the recorder, ..."""

    part = models.CharField(max_length=100, primary_key=True)
    at_ms = models.BigIntegerField()  # when it told
    counts = models.JSONField(default=dict)  # word to number


class PublisherStatus(models.Model):
    """How far a publisher is followed, and how its sources do, as it says itself."""

    publisher = models.TextField(primary_key=True)
    epoch = models.BigIntegerField()
    delivered = models.BigIntegerField()  # numbers of batches
    acknowledged = models.BigIntegerField()
    last = models.BigIntegerField()
    heard_ms = models.BigIntegerField()
    told_ms = models.BigIntegerField(null=True)  # when it said how its sources do; None: never
    sources = models.JSONField(default=list)  # what it said
    counts = models.JSONField(default=dict)  # part to word to number, as it said
