"""What every process of OYL does first, before it imports a library that could open a connection or write a file."""

from __future__ import annotations

import ctypes
import os
import sys

# Libraries that report usage, look for updates or download models do none of this. OYL sets the values, whatever the
# environment says.
OFFLINE_ENVIRONMENT = {
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime: a device id and a database in the home folder, and a telemetry host
    "HF_HUB_OFFLINE": "1",  # huggingface_hub: downloads
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "DO_NOT_TRACK": "1",  # the common switch, which unstructured and others read
    "SCARF_NO_ANALYTICS": "true",  # unstructured: usage statistics
    "UNSTRUCTURED_DISABLE_NOTICE": "1",  # unstructured: a note about its paid service
    "OTEL_SDK_DISABLED": "true",  # OpenTelemetry, which several clients would use if it were installed
}

_PR_SET_DUMPABLE = 4


def prepare_process() -> None:
    """Turn telemetry off, keep new files to the own user, and forbid that other processes of the user read this one's
    memory and environment or attach to it (ptrace, /proc/PID/mem, pidfd_getfd).

    The kernel resets the last one when a process executes another program, so each program calls this function anew.
    """
    os.environ.update(OFFLINE_ENVIRONMENT)
    os.umask(0o077)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0)
