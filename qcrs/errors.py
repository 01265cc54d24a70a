"""The root of every error QCRS raises."""


class QcrsError(Exception):
    """Something QCRS refused or could not do; the message names subject, expected and actual."""
