"""What PDUs of known makes say, and where.

Source: the makers' MIB files, each named beside its preset; indexes, units and ranges are theirs.
Where a register's size is a type's highest number, the MIB gives that range; where the MIB gives
none, the register counts as endless, and a fall as a restart.
"""

from dataclasses import dataclass

from meterhouse.sources import Measures
from meterhouse.sources.snmp.tables import HIGHEST_32, KWH, WH, Object, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One make of PDU.

    maker:   the OID below which its agents say what they are
    first:   the number of the first device of a daisy chain
    outlets: what is said of each outlet
    others:  the same of every device but the first, where that is found in another way
    inputs:  what is said of what the whole device takes in, if anything is
    """

    title: str
    maker: str
    first: int = 1
    outlets: Table
    others: Table | None = None
    inputs: Table | None = None
    measures: Measures = Measures.OUTLET

    def outlets_of(self, device: int) -> Table:
        return self.others if self.others and device != self.first else self.outlets


EATON = "1.3.6.1.4.1.534.6.6.7"
APC = "1.3.6.1.4.1.318.1.1.26"
RARITAN = "1.3.6.1.4.1.13742"
SCHLEIFENBAUER = "1.3.6.1.4.1.31034.12.1.1.2"
SENTRY4 = "1.3.6.1.4.1.1718.4.1"
SENTRY3 = "1.3.6.1.4.1.1718.3.2"
DELL = "1.3.6.1.4.1.674.10892.5"
DELL_PDU = "1.3.6.1.4.1.674.10903.200.2.200"
VERTIV = "1.3.6.1.4.1.21239.5.2.3"
HPE = "1.3.6.1.4.1.232.165"
PANDUIT = "1.3.6.1.4.1.19536.10.1"
CYBERPOWER = "1.3.6.1.4.1.3808.1.1.6"

PRESETS = {
    # EATON-EPDU-MIB: outletPowerTable and inputTotalPowerTable, indexed by strap and outlet or
    # input; the first unit of a chain is strap 0. Negative watts are "not available". The Wh can
    # be set to 0 by whoever may write.
    "eaton": Preset(
        title="Eaton ePDU",
        maker="1.3.6.1.4.1.534",
        first=0,
        outlets=Table(
            power=Object(oid=f"{EATON}.6.5.1.3.{{device}}.{{n}}"),
            energy=Object(oid=f"{EATON}.6.5.1.4.{{device}}.{{n}}", scale=WH, size=HIGHEST_32),
        ),
        inputs=Table(
            power=Object(oid=f"{EATON}.3.5.1.4.{{device}}.{{n}}"),
            energy=Object(oid=f"{EATON}.3.5.1.5.{{device}}.{{n}}", scale=WH, size=HIGHEST_32),
        ),
    ),
    # PowerNet-MIB: rPDU2OutletMeteredStatusTable (models metered by outlet), indexed by a running
    # number over all units, with the unit in column 2 (Module); rPDU2DeviceStatusTable, indexed by
    # unit, in hundredths of kW. Energy in tenths of kWh. -1: not supported.
    "apc": Preset(
        title="APC rack PDU metered by outlet (rPDU2)",
        maker="1.3.6.1.4.1.318",
        outlets=Table(
            power=Object(oid=f"{APC}.9.4.3.1.7.{{n}}"),
            energy=Object(oid=f"{APC}.9.4.3.1.11.{{n}}", scale=KWH / 10),
        ),
        others=Table(
            rows=f"{APC}.9.4.3.1.2",
            member="{device}",
            power=Object(oid=f"{APC}.9.4.3.1.7.{{row}}"),
            energy=Object(oid=f"{APC}.9.4.3.1.11.{{row}}", scale=KWH / 10),
        ),
        inputs=Table(
            power=Object(oid=f"{APC}.4.3.1.5.{{device}}", scale=10),
            energy=Object(oid=f"{APC}.4.3.1.9.{{device}}", scale=KWH / 10),
            most=1,
        ),
    ),
    # PDU2-MIB: outletSensorMeasurementsTable, indexed by PDU, outlet and type of sensor (5 active
    # power in W, 8 active energy in Wh); column 2 says 1 where the sensor is available. The
    # decimal digits stand in outletSensorConfigurationTable.
    "raritan": Preset(
        title="Raritan PX2, PX3",
        maker=f"{RARITAN}.6",
        outlets=Table(
            power=Object(
                oid=f"{RARITAN}.6.5.4.3.1.4.{{device}}.{{n}}.5",
                digits=f"{RARITAN}.6.3.5.4.1.7.{{device}}.{{n}}.5",
            ),
            energy=Object(
                oid=f"{RARITAN}.6.5.4.3.1.4.{{device}}.{{n}}.8",
                digits=f"{RARITAN}.6.3.5.4.1.7.{{device}}.{{n}}.8",
                scale=WH,
                size=HIGHEST_32,
            ),
            valid=f"{RARITAN}.6.5.4.3.1.2.{{device}}.{{n}}.5",
        ),
        inputs=Table(
            power=Object(
                oid=f"{RARITAN}.6.5.2.3.1.4.{{device}}.{{n}}.5",
                digits=f"{RARITAN}.6.3.3.4.1.7.{{device}}.{{n}}.5",
            ),
            energy=Object(
                oid=f"{RARITAN}.6.5.2.3.1.4.{{device}}.{{n}}.8",
                digits=f"{RARITAN}.6.3.3.4.1.7.{{device}}.{{n}}.8",
                scale=WH,
                size=HIGHEST_32,
            ),
            valid=f"{RARITAN}.6.5.2.3.1.2.{{device}}.{{n}}.5",
        ),
    ),
    # PDU-MIB of the Dominion PX: outletTable and inletTable, indexed by outlet and inlet.
    "raritan-px1": Preset(
        title="Raritan Dominion PX (PX1)",
        maker=f"{RARITAN}.4",
        outlets=Table(
            power=Object(oid=f"{RARITAN}.4.1.2.2.1.7.{{n}}"),
            energy=Object(oid=f"{RARITAN}.4.1.2.2.1.31.{{n}}", scale=WH, size=HIGHEST_32),
        ),
        inputs=Table(
            power=Object(oid=f"{RARITAN}.4.1.20.2.1.9.{{n}}"),
            energy=Object(oid=f"{RARITAN}.4.1.20.2.1.12.{{n}}", scale=WH, size=HIGHEST_32),
        ),
    ),
    # SCHLEIFENBAUER-DATABUS-MIB: sdbDevOutMtTable and sdbDevInTable, indexed by device and outlet
    # or phase. The kWh that nobody can reset has the range 0 to 16777215.
    "schleifenbauer": Preset(
        title="Schleifenbauer",
        maker="1.3.6.1.4.1.31034",
        outlets=Table(
            power=Object(oid=f"{SCHLEIFENBAUER}.7.2.1.11.{{device}}.{{n}}"),
            energy=Object(
                oid=f"{SCHLEIFENBAUER}.7.2.1.2.{{device}}.{{n}}", scale=KWH, size=2.0**24
            ),
        ),
        inputs=Table(
            power=Object(oid=f"{SCHLEIFENBAUER}.6.1.1.10.{{device}}.{{n}}"),
            energy=Object(
                oid=f"{SCHLEIFENBAUER}.6.1.1.2.{{device}}.{{n}}", scale=KWH, size=2.0**24
            ),
        ),
    ),
    # Sentry4-MIB: st4OutletMonitorTable, indexed by unit, cord and outlet, and
    # st4InputCordMonitorTable, by unit and cord. -1: unavailable. Outlets count Wh, cords tenths
    # of kWh, up to 2**31 - 1.
    "sentry4": Preset(
        title="Server Technology Sentry4",
        maker="1.3.6.1.4.1.1718.4",
        outlets=Table(
            rows=f"{SENTRY4}.8.3.1.7.{{device}}",
            power=Object(oid=f"{SENTRY4}.8.3.1.7.{{device}}.{{row}}"),
            energy=Object(oid=f"{SENTRY4}.8.3.1.14.{{device}}.{{row}}", scale=WH, size=2.0**31),
        ),
        inputs=Table(
            power=Object(oid=f"{SENTRY4}.3.3.1.3.{{device}}.{{n}}"),
            energy=Object(
                oid=f"{SENTRY4}.3.3.1.10.{{device}}.{{n}}", scale=KWH / 10, size=2.0**31
            ),
        ),
    ),
    # Sentry3-MIB: outletTable, indexed by tower, infeed and outlet, and infeedTable, by tower and
    # infeed. -1: not available. Outlets count Wh, infeeds tenths of kWh, up to 2**31 - 1.
    "sentry3": Preset(
        title="Server Technology Sentry3",
        maker="1.3.6.1.4.1.1718.3",
        outlets=Table(
            rows=f"{SENTRY3}.3.1.14.{{device}}",
            power=Object(oid=f"{SENTRY3}.3.1.14.{{device}}.{{row}}"),
            energy=Object(oid=f"{SENTRY3}.3.1.18.{{device}}.{{row}}", scale=WH, size=2.0**31),
        ),
        inputs=Table(
            power=Object(oid=f"{SENTRY3}.2.1.12.{{device}}.{{n}}"),
            energy=Object(oid=f"{SENTRY3}.2.1.16.{{device}}.{{n}}", scale=KWH / 10, size=2.0**31),
        ),
    ),
    # VERTIV-V5-MIB: pduOutletMeterTable and pduMainTable, by a running number each. Wh, up to
    # 9,999,000; what comes after that it does not say.
    "vertiv": Preset(
        title="Vertiv/Geist (V5)",
        maker="1.3.6.1.4.1.21239",
        outlets=Table(
            power=Object(oid=f"{VERTIV}.6.1.12.{{n}}"),
            energy=Object(oid=f"{VERTIV}.6.1.15.{{n}}", scale=WH),
        ),
        inputs=Table(
            power=Object(oid=f"{VERTIV}.1.1.9.{{device}}"),
            energy=Object(oid=f"{VERTIV}.1.1.12.{{device}}", scale=WH),
            most=1,
        ),
    ),
    # CPQPOWER-MIB: pdu3OutletTable and pdu3InputTable (metered and switched, G3 and later), by
    # PDU and outlet. Watts and kWh, which can be reset at the outlet and not at the input. The
    # MIB's text says 0.001 W of the input and its comment says W; NUT's copy of a real one
    # (drivers/hpe-pdu3-cis-mib.c) has whole units.
    "hpe": Preset(
        title="HPE metered and switched PDU (pdu3)",
        maker=f"{HPE}.11",
        outlets=Table(
            power=Object(oid=f"{HPE}.11.5.1.1.13.{{device}}.{{n}}"),
            energy=Object(oid=f"{HPE}.11.5.1.1.14.{{device}}.{{n}}", scale=KWH),
        ),
        inputs=Table(
            power=Object(oid=f"{HPE}.11.2.1.1.5.{{device}}"),
            energy=Object(oid=f"{HPE}.11.2.1.1.6.{{device}}", scale=KWH),
            most=1,
        ),
    ),
    # CPQPOWER-MIB: pdu2OutletTable and pdu2InputTable: the generation before. Wh.
    "hpe-g2": Preset(
        title="HPE metered and switched PDU (pdu2)",
        maker=f"{HPE}.7",
        outlets=Table(
            power=Object(oid=f"{HPE}.7.5.1.1.14.{{device}}.{{n}}"),
            energy=Object(oid=f"{HPE}.7.5.1.1.15.{{device}}.{{n}}", scale=WH),
        ),
        inputs=Table(
            power=Object(oid=f"{HPE}.7.2.1.1.5.{{device}}"),
            energy=Object(oid=f"{HPE}.7.2.1.1.6.{{device}}", scale=WH),
            most=1,
        ),
    ),
    # PANDUIT-MIB: pdug5OutletTable and pdug5InputTable, by PDU and outlet. Wh; the input's kWh
    # that nobody can reset are too coarse.
    "panduit": Preset(
        title="Panduit G5",
        maker="1.3.6.1.4.1.19536",
        outlets=Table(
            power=Object(oid=f"{PANDUIT}.5.1.1.13.{{device}}.{{n}}"),
            energy=Object(oid=f"{PANDUIT}.5.1.1.14.{{device}}.{{n}}", scale=WH),
        ),
        inputs=Table(
            power=Object(oid=f"{PANDUIT}.2.1.1.5.{{device}}"),
            energy=Object(oid=f"{PANDUIT}.2.1.1.8.{{device}}", scale=WH),
            most=1,
        ),
    ),
    # CPS-MIB: ePDU2OutletMeteredStatusTable, by a running number over all units, with the unit
    # in column 2; ePDU2DeviceStatusTable, by unit. Watts, tenths of kWh.
    "cyberpower": Preset(
        title="CyberPower (ePDU2)",
        maker="1.3.6.1.4.1.3808",
        outlets=Table(
            power=Object(oid=f"{CYBERPOWER}.6.2.4.1.7.{{n}}"),
            energy=Object(oid=f"{CYBERPOWER}.6.2.4.1.11.{{n}}", scale=KWH / 10),
        ),
        others=Table(
            rows=f"{CYBERPOWER}.6.2.4.1.2",
            member="{device}",
            power=Object(oid=f"{CYBERPOWER}.6.2.4.1.7.{{row}}"),
            energy=Object(oid=f"{CYBERPOWER}.6.2.4.1.11.{{row}}", scale=KWH / 10),
        ),
        inputs=Table(
            power=Object(oid=f"{CYBERPOWER}.3.4.1.18.{{device}}"),
            energy=Object(oid=f"{CYBERPOWER}.3.4.1.9.{{device}}", scale=KWH / 10),
            most=1,
        ),
    ),
    # DellrPDU-MIB: rPDUOutletMeteredStatusTable, by a running number: kWh, and power in a unit
    # that it does not name (taken as W, as in APC's rPDU2, which it is made after);
    # rPDUDeviceStatusTable, by unit, in hundredths of kW and tenths of kWh.
    "dell": Preset(
        title="Dell rack PDU",
        maker="1.3.6.1.4.1.674.10903",
        outlets=Table(
            power=Object(oid=f"{DELL_PDU}.130.2.2.1.8.{{n}}"),
            energy=Object(oid=f"{DELL_PDU}.130.2.2.1.7.{{n}}", scale=KWH),
        ),
        inputs=Table(
            power=Object(oid=f"{DELL_PDU}.110.2.1.3.{{device}}", scale=10),
            energy=Object(oid=f"{DELL_PDU}.110.2.1.4.{{device}}", scale=KWH / 10),
            most=1,
        ),
    ),
    # IDRAC-MIB: amperageProbeTable, where the row of the whole machine is found by its name.
    "idrac": Preset(
        title="Dell iDRAC",
        maker="1.3.6.1.4.1.674",
        outlets=Table(
            rows=f"{DELL}.4.600.30.1.8",
            labels=("System Board Pwr Consumption",),
            power=Object(oid=f"{DELL}.4.600.30.1.6.{{row}}"),
            most=1,
        ),
        measures=Measures.NODE,
    ),
}


def of_maker(object_id: str) -> str:
    """The preset for an agent that says it is of this kind, or "" if none is known."""
    known = [
        name for name, preset in PRESETS.items() if f"{object_id}.".startswith(f"{preset.maker}.")
    ]
    return max(known, key=lambda name: len(PRESETS[name].maker), default="")
