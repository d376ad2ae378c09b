"""The tables of who owns what. They stay in this room: others get dataclasses (facts.py).

Moments are integer milliseconds since 1970, UTC; stretches are half-open: in at ``start_ms``, out
at ``end_ms``, which is FOREVER while they last.

What a person declared and what a source discovered are rows of the same table. A discovered row
has ``source`` and ``external_id``, the source's own name for it; a declared row is ``declared``,
and has both when it adopts what a source lists.
"""

from typing import ClassVar

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from meterhouse.inventory.facts import FOREVER


def _once_per_source(table: str) -> UniqueConstraint:
    return UniqueConstraint(
        fields=["source", "external_id"], condition=~Q(source=""), name=f"{table}_once_per_source"
    )


def _ends_after_it_starts(table: str) -> CheckConstraint:
    return CheckConstraint(
        condition=Q(end_ms__gt=F("start_ms")), name=f"{table}_ends_after_it_starts"
    )


class Known(models.Model):
    """What institutions, projects and users have in common.

    key:      stable, readable, used in addresses and files
    listed:   False while a source has only referred to it, and not yet listed it by name
    ended_ms: when its source's complete list lacked it first, or when it was pruned
    """

    key = models.TextField(unique=True)
    name = models.TextField()
    source = models.TextField(default="", blank=True)
    external_id = models.TextField(default="", blank=True)
    declared = models.BooleanField(default=False)
    listed = models.BooleanField(default=True)
    ended_ms = models.BigIntegerField(default=FOREVER)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.key


class Institution(Known):
    """Who pays."""

    class Meta:
        constraints = [_once_per_source("institution")]


class Project(Known):
    """A node of the project tree. The one root is the cloud itself and has no row: a project
    without a parent is directly under it. Every writer refuses circles (tree.py).
    """

    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT)

    class Meta:
        constraints = [
            _once_per_source("project"),
            CheckConstraint(
                condition=Q(parent=None) | ~Q(parent=F("id")), name="project_is_not_its_own_parent"
            ),
        ]


class User(Known):
    """A person of a cloud. Those who log in here are logins, another room's."""

    email = models.TextField(default="", blank=True)

    class Meta:
        constraints = [_once_per_source("user")]


class Listing(models.Model):
    """Everything of one kind that one source lists: whose evidence a dated row rests on.

    repeated: complete snapshots that came again and were dropped
    late:     snapshots that came after a later one and were worked into the history
    problem:  what was wrong with the last one, in one line; "" when nothing was
    mark:     another number, by chance, whenever the names or revisions of its resources change:
              what was made of them in memory holds as long as it stays, in whatever process
    """

    source = models.TextField()
    kind = models.TextField()
    repeated = models.BigIntegerField(default=0)
    late = models.BigIntegerField(default=0)
    problem = models.TextField(default="", blank=True)
    mark = models.BigIntegerField(default=0)

    class Meta:
        constraints = [UniqueConstraint(fields=["source", "kind"], name="listing_once")]


class Sighting(models.Model):
    """The moments of one UTC day at which a listing was complete (moments.py).

    day:     days since 1970
    moments: uint32, little-endian, ascending: milliseconds since that day began
    """

    listing = models.ForeignKey(Listing, on_delete=models.PROTECT, db_index=False)
    day = models.IntegerField()
    moments = models.BinaryField()

    class Meta:
        constraints = [UniqueConstraint(fields=["listing", "day"], name="sighting_once")]


class Dated(models.Model):
    """A fact that holds for a stretch of time.

    listing:      whose evidence it rests on; null: it was declared
    withdrawn_ms: when a declaration replaced it by another row; it stays to be seen, and counts no
                  more
    """

    listing = models.ForeignKey(Listing, null=True, on_delete=models.PROTECT, db_index=False)
    start_ms = models.BigIntegerField()
    end_ms = models.BigIntegerField(default=FOREVER)
    withdrawn_ms = models.BigIntegerField(null=True)

    class Meta:
        abstract = True


class Membership(Dated):
    """A user was in a project."""

    user = models.ForeignKey(User, on_delete=models.PROTECT)
    project = models.ForeignKey(Project, on_delete=models.PROTECT)
    role = models.TextField(default="member")

    class Meta:
        constraints = [_ends_after_it_starts("membership")]
        indexes = [Index(fields=["listing", "end_ms"], name="membership_listing")]


class Share(Dated):
    """An institution's buy-in in a project, as a whole number relative to the others'."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT)
    institution = models.ForeignKey(Institution, on_delete=models.PROTECT)
    weight = models.BigIntegerField()

    class Meta:
        constraints = [
            _ends_after_it_starts("share"),
            CheckConstraint(condition=Q(weight__gt=0), name="share_is_positive"),
        ]
        indexes = [Index(fields=["listing", "end_ms"], name="share_listing")]


class Parent(Dated):
    """A project was below another, or (null) at the top. ``Project.parent`` is the present one.

    The stretches of a project follow each other; before its first it was at the top.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="places")
    parent = models.ForeignKey(Project, null=True, on_delete=models.RESTRICT, related_name="held")

    class Meta:
        constraints = [_ends_after_it_starts("parent")]
        indexes = [Index(fields=["end_ms", "start_ms"], name="parent_period")]


class Price(Dated):
    """What a kilowatt-hour costs. Numbers of terms are decimal texts: they are never rounded."""

    per_kwh = models.TextField()
    currency = models.TextField()

    class Meta:
        constraints = [_ends_after_it_starts("price")]


class CarbonFactor(Dated):
    """How many grams of CO2e a kilowatt-hour stands for. source: who says so."""

    g_per_kwh = models.TextField()
    source = models.TextField(default="", blank=True)

    class Meta:
        constraints = [_ends_after_it_starts("carbon")]


class Feed(Dated):
    """An outlet fed a node: each by its resource's key or name, which need not be known yet."""

    outlet = models.TextField()
    node = models.TextField()

    class Meta:
        constraints = [_ends_after_it_starts("feed")]


class IdlePower(Dated):
    """What a node draws when nothing runs on it. node: its resource's key or name."""

    node = models.TextField()
    watts = models.TextField()

    class Meta:
        constraints = [_ends_after_it_starts("idle")]


class Resource(models.Model):
    """Anything that is metered.

    key:     its id in samples, unique in the whole house
    listing: who listed it first: that listing's revisions are the ones that count
    tags:    a JSON list, as last listed
    """

    key = models.TextField(unique=True)
    kind = models.TextField()
    name = models.TextField()
    tags = models.TextField(default="[]")
    listing = models.ForeignKey(Listing, on_delete=models.PROTECT)

    def __str__(self) -> str:
        return self.key


class Revision(models.Model):
    """A stretch of time in which a resource's owner and attributes did not change.

    seen_ms:  the snapshot that showed it first; ``start_ms`` is earlier when the source says the
              resource was made before that (runs.py)
    since_ms: when the source says it was made; 0: it does not say
    details:  a JSON object of texts, keys sorted, so that equal details are equal texts
    """

    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, db_index=False)
    listing = models.ForeignKey(Listing, on_delete=models.PROTECT, db_index=False)
    seen_ms = models.BigIntegerField()
    start_ms = models.BigIntegerField()
    end_ms = models.BigIntegerField(default=FOREVER)
    since_ms = models.BigIntegerField(default=0)
    project = models.ForeignKey(Project, null=True, on_delete=models.PROTECT)
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT)
    state = models.TextField()
    vcpus = models.BigIntegerField(default=0)
    ram_bytes = models.BigIntegerField(default=0)
    disk_bytes = models.BigIntegerField(default=0)
    details = models.TextField(default="{}")

    class Meta:
        constraints = [
            _ends_after_it_starts("revision"),
            UniqueConstraint(
                fields=["resource", "listing"],
                condition=Q(end_ms=FOREVER),
                name="revision_one_at_a_time",
            ),
        ]
        indexes = [
            # All three, so that no plan without statistics looks at a whole listing per resource.
            Index(fields=["resource", "listing", "end_ms"], name="revision_history"),
            Index(fields=["listing", "end_ms"], name="revision_listing"),
            Index(fields=["end_ms", "start_ms"], name="revision_period"),
        ]


class OwnershipRule(models.Model):
    """Whose a resource is when its source does not say. Asked in order of position (ownership.py).

    source:  "" for any
    match:   what is compared with the pattern: a tag, the name, or nothing (the source's default)
    pattern: text with at most one ``*``
    project_matched, user_matched: the owner is the one named by the part that ``*`` stood for
    """

    MATCHES: ClassVar = {"tag": "tag", "name": "name", "any": "any"}

    position = models.IntegerField(unique=True)
    source = models.TextField(default="", blank=True)
    match = models.TextField(choices=MATCHES)
    pattern = models.TextField(default="", blank=True)
    project = models.ForeignKey(Project, null=True, on_delete=models.PROTECT)
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT)
    project_matched = models.BooleanField(default=False)
    user_matched = models.BooleanField(default=False)
