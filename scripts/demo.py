#!/usr/bin/env python3
"""Set up what is missing, then run the main job: ``qcrs demo`` with the same arguments."""

import os
import sys

import bootstrap

bootstrap.enter()
qcrs = str(bootstrap.BIN / "qcrs")
os.execv(qcrs, [qcrs, "demo", *sys.argv[1:]])
