"""PDF, set by Typst inside this process: no programs, no files, no network.

Its own fonts are used, so that a document looks the same wherever it was made; the machine's are
asked only for writing systems that those lack.
"""

from importlib.resources import files
from typing import BinaryIO

import msgspec
import typst

from meterhouse.reports import ReportFormat
from meterhouse.reports.pdf.layout import layout
from meterhouse.usage.report import Report

_TEMPLATE = files(__package__).joinpath("document.typ").read_bytes()


def write(report: Report, out: BinaryIO) -> None:
    data = msgspec.json.encode(layout(report)).decode()
    out.write(
        typst.compile(
            _TEMPLATE,
            format="pdf",
            ignore_system_fonts=_embedded_suffice(data),
            sys_inputs={"data": data, "at": f"{report.generated_at:%Y-%m-%dT%H:%M:%S}"},
            timestamp=int(report.generated_at.timestamp()),
        )
    )


def _embedded_suffice(text: str) -> bool:
    """Whether every letter is Latin, Greek or Cyrillic, or a sign that goes with them.

    Libertinus Serif, embedded in Typst, has these (checked with its character map).
    """
    return all(letter < "\u0530" or "\u1e00" <= letter < "\u2c00" for letter in text)


FORMAT = ReportFormat("pdf", ".pdf", "application/pdf", write)
