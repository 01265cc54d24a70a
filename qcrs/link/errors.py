"""What a link refuses; it sends the name and the text, and its client raises the same.

QcrsError
`-- LinkError
    |-- LinkFileInvalid      a link file is missing, unreadable or wrong
    |-- FrameInvalid         a message is not of the form that it is to have
    |-- LoginRefused         a login, or a token, is not good here
    |-- TokenExpired         a login is too old; log in again
    |-- NotLoggedIn          nobody has logged in on this connection
    |-- MemberNotAllowed     a processor is not among those that the link serves
    |-- CallerNotMember      a processor has no part in what it asks for
    |-- ForeignQubit         an operation on a qubit that is not the caller's
    |-- AccountMismatch      members say different things of what they do together
    |-- SessionUnbound       members of a session may not be told yet what the others measured
    |-- SessionUnready       the chain knows a session otherwise, or it has not taken its pairs
    |-- ChannelMismatch      the chain knows a channel otherwise, does not wait for its pairs, or has it not open
    |-- PairsExceeded        more pairs than were taken of a channel, or are left of it, until it is tested again
    |-- WaitTimedOut         others did not come; names them
    |-- SessionBroken        a live session ended; says who kept it waiting
    |-- PairsUnknown         no such pairs are held: never made, spent, or lost when the link was started again
    |-- TooMany              a limit of the link is reached
    |-- LinkUnreachable      nobody answers where the link is to be
    `-- LinkRefused          an answer that is none, or an error that this version has no name for
"""

from qcrs.errors import QcrsError
from qcrs.quantum.entanglement import errors as entanglement
from qcrs.quantum.fragment import FragmentInvalid


class LinkError(QcrsError):
    """Something that a link, or its client, refused."""


class LinkFileInvalid(LinkError):
    """A link file is missing, unreadable or wrong."""


class FrameInvalid(LinkError):
    """A message is not of the form that it is to have."""


class LoginRefused(LinkError):
    """A login, or a token, is not good here."""


class TokenExpired(LinkError):
    """A login is too old."""


class NotLoggedIn(LinkError):
    """Nobody has logged in on this connection."""


class MemberNotAllowed(LinkError):
    """A processor is not among those that the link serves."""


class CallerNotMember(LinkError):
    """A processor has no part in what it asks for."""


class ForeignQubit(LinkError):
    """An operation on a qubit that is not the caller's."""


class AccountMismatch(LinkError):
    """Members say different things of what they do together."""


class SessionUnbound(LinkError):
    """Members of a session may not be told yet what the others measured."""


class ChannelMismatch(LinkError):
    """The chain knows a channel otherwise, does not wait for its pairs, or has it not open."""


class SessionUnready(LinkError):
    """The chain knows a session otherwise, or it has not taken its pairs."""


class PairsExceeded(LinkError):
    """More pairs than were taken of a channel, or are left of it, until it is tested again."""


class WaitTimedOut(LinkError):
    """Others did not come."""


class SessionBroken(LinkError):
    """A live session ended before its members were done."""


class PairsUnknown(LinkError):
    """No such pairs are held."""


class TooMany(LinkError):
    """A limit of the link is reached."""


class LinkUnreachable(LinkError):
    """Nobody answers where the link is to be."""


class LinkRefused(LinkError):
    """A link gives an answer that is none, or an error that this version has no name for."""


NAMED: dict[str, type[QcrsError]] = {
    error.__name__: error
    for space in (globals(), vars(entanglement))
    for error in space.values()
    if isinstance(error, type) and issubclass(error, (LinkError, FragmentInvalid, QcrsError)) and error is not QcrsError
}
