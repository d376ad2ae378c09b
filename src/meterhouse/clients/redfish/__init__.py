"""BMCs by Redfish: JSON over HTTPS, asked for what a chassis draws.

Where nothing else is named, facts come from DMTF's DSP0266 (Redfish specification 1.20) and its
schemas (DSP8010), which each module names.
"""
