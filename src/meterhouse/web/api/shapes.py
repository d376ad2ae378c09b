"""What the API's answers look like. Moments are ISO 8601 in UTC; sizes are in bytes."""

from datetime import datetime
from typing import Generic, TypeVar

from ninja import Schema

Item = TypeVar("Item")


class Listed(Schema, Generic[Item]):
    """A page of a list. ``total`` counts all pages."""

    items: list[Item]
    total: int
    page: int
    pages: int


class InstitutionOut(Schema):
    key: str
    name: str
    source: str
    ended: datetime | None


class ProjectOut(Schema):
    """``parent`` is a key, null at the top of what may be seen; ``path`` is from the top down."""

    key: str
    name: str
    parent: str | None
    path: list[str]
    source: str
    ended: datetime | None


class UserOut(Schema):
    key: str
    name: str
    email: str
    source: str
    ended: datetime | None


class ResourceOut(Schema):
    """A resource as it is now, or was last."""

    key: str
    kind: str
    name: str
    source: str
    state: str
    project: str | None
    user: str | None
    vcpus: int
    ram_bytes: int
    disk_bytes: int
    tags: list[str]
    details: dict[str, str]
    began: datetime | None
    ended: datetime | None


class RevisionOut(Schema):
    """A stretch of time in which a resource's owner and attributes did not change."""

    start: datetime | None
    end: datetime | None
    source: str
    state: str
    project: str | None
    user: str | None
    vcpus: int
    ram_bytes: int
    disk_bytes: int
    details: dict[str, str]
    changed: list[str]


class SeriesOut(Schema):
    """A meter on a resource that has samples. ``hold_s``: how long one reading stands."""

    resource: str
    meter: str
    title: str
    kind: str
    unit: str
    hold_s: float
    first: datetime
    last: datetime


class PointsOut(Schema):
    """Columns of equal length; null where nothing is known.

    width_s: of a bucket; 0 where each point is one reading
    rate:    whether values are the increase of a cumulative meter in each second
    """

    resource: str
    meter: str
    unit: str
    rate: bool
    start: datetime
    end: datetime
    width_s: float
    at: list[float]
    minimum: list[float | None]
    average: list[float | None]
    maximum: list[float | None]


class LatestOut(Schema):
    """The newest reading, in the meter's base unit. ``stands``: whether it still counts."""

    resource: str
    meter: str
    unit: str
    value: float
    at: datetime
    stands: bool


class SourceOut(Schema):
    """Counts are of the time since the source was set up. ``refused``: numbers that were not
    believed, by reason; ``lost``: samples that could not be published before it was stopped;
    ``blocked``: times it held up all other sources.
    """

    name: str
    kind: str
    enabled: bool
    status: str
    last_run: datetime | None
    last_good: datetime | None
    next_run: datetime | None
    error: str
    samples: int
    failures: int
    bad_readings: int
    reopenings: int
    lost: int
    blocked: int
    refused: dict[str, int]


class SourceElsewhere(Schema):
    """A source that another publisher reads, as that says itself."""

    name: str
    kind: str
    status: str
    last_run: datetime | None
    last_good: datetime | None
    next_run: datetime | None
    error: str
    samples: int
    failures: int
    bad_readings: int
    reopenings: int
    lost: int
    blocked: int
    refused: dict[str, int]


class PublisherOut(Schema):
    """How far a publisher is recorded. ``behind``: batches it has that are not recorded yet;
    ``told``: when it last said how its sources do, and what it counted, by part and word.
    """

    publisher: str
    epoch: datetime | None
    last: int
    behind: int
    heard: datetime | None
    told: datetime | None
    sources: list[SourceElsewhere]
    counts: dict[str, dict[str, float]]


class Health(Schema):
    status: str
    version: str


class Refusal(Schema):
    """Every error looks like this; ``detail`` says what is wrong and what would be right."""

    error: str
    detail: str
