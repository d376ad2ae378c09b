"""A cloud that is not there: its people, their machines, and what the machines draw.

Everything about it is a pure function of a seed and of the time. History made up yesterday and
readings taken today continue each other, and a restart changes nothing.
"""
