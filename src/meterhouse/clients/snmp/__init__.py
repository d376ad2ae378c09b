"""SNMP spoken plainly, on gufo_snmp: v1, v2c and v3, many objects at once, and tables walked.

An agent has objects, each with an OID; the objects of a table's column have the column's OID and
the row's number or numbers after it. Here an OID is text without a leading dot.
"""
