"""Round-robin databases (RRD files), read by the program rrdtool.

A file's layout depends on the machine that wrote it; rrdtool knows them all, and prints what is
in a file as XML. Facts come from rrdtool's manual pages rrddump(1), rrdcreate(1), and from
watching version 1.7.2 (Debian 12).
"""
