"""BMCs, read by FreeIPMI's programs ipmi-dcmi and ipmi-sensors.

One process asks many BMCs at once and prints what each answers as soon as it does, each line
behind the BMC's address. Where nothing else is named, facts come from the manual pages of
FreeIPMI 1.6.10 (Debian 12) and from watching it.
"""
