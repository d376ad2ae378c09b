"""A report: rows along one axis, their total, and what is to be known about them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from meterhouse.metering.periods import Period
from meterhouse.usage.gaps import Gap
from meterhouse.usage.quantities import Quantities


class Axis(StrEnum):
    """By what usage is added up."""

    INSTITUTION = "institution"
    PROJECT = "project"
    USER = "user"
    RESOURCE = "resource"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line. The ``own`` quantities of all rows of the report's axis sum to its total.

    axis:         what the line is about; in a report by institution, the projects that an
                  institution funds follow it, with its part of them
    key:          "unassigned" where there is nobody
    path:         names from the top of the tree, joined by " / "; the name alone if no project
    depth:        0 at the left edge
    institution:  key of the institution whose part this is, "" if it is everybody's
    project:      key of the project it belongs to (of a project, its own), "" if it is no
                  project's
    project_path: that project's path
    kind:         of a resource: instance, volume, ...; else ""
    subtree:      with everything below it; the same as ``own`` if nothing is
    """

    axis: Axis
    key: str
    name: str
    path: str
    depth: int = 0
    institution: str = ""
    project: str = ""
    project_path: str = ""
    kind: str = ""
    own: Quantities
    subtree: Quantities


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Who used what.

    title:         what it is: "Usage by project"
    subject:       whose: an institution, a project with its sub-projects, or everything
    period:        what was asked for
    until:         to when usage is counted: the period's end, or now if that is earlier
    rows:          in the order to be shown
    gaps:          when which source was silent, of those that matter here
    notes:         sentences on how to read it
    """

    title: str
    subject: str
    by: Axis
    period: Period
    until: datetime
    generated_at: datetime
    rows: tuple[Row, ...]
    total: Quantities
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = field(default=())
