"""Keystone, OpenStack's Identity: whether a token is good, and what its bearer may do.

Facts come from OpenStack's Identity API v3 (api-ref, "Validate and show information for token")
and from watching Keystone 29 answer.
"""
