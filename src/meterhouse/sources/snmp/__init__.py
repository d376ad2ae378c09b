"""PDUs, and anything else that says its power over SNMP."""
