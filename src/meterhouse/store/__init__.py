"""Where samples rest: head, blocks, granularities, retention, reading.

A batch becomes one row of the head as it comes. Sealing turns heads into blocks, a series' samples
each; closing makes minutes and hours of them when their hours are over; retention drops raw
samples first, then minutes. Reading puts all of it together: nobody can tell from an answer what
was sealed, in which order it came, or how often.

    recorder ──▶ head ──sealing──▶ raw blocks ──closing──▶ minutes, hours ──retention──▶ (nothing)
                   └──────────────────┴──── reading ───────────┘

    recorder    batches, exactly once: positions, catalogue (ids), screening, quick, heads, packing
                each sample's own hold: holds, hold_changes
    sealing     merging, blocks, codec; rows that cannot be read: damage, soundness
    closing     folding (the arithmetic), raw, shelves
    bringing    what was measured elsewhere before: past (the arithmetic)
    reading     planning (which granularity), reckoning, ends (latest), snapshot
"""
