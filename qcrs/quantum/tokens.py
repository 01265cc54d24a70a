"""Cuts a circuit's text into tokens, in one pass, refusing what no accepted circuit contains.

This runs before anything looks at structure, so that nesting, numbers and names are bounded by the
time a statement is read.
"""

import re
from typing import NamedTuple

from qcrs.model.refusal import RefusalCode
from qcrs.quantum.errors import CircuitRefused
from qcrs.quantum.profile import Limits


class Token(NamedTuple):
    """One token: its kind (``name``, ``number``, ``string``, ``symbol`` or ``end``) and place."""

    kind: str
    text: str
    line: int


# No alternative can match what another already consumed, and each quantifier is followed by
# something it cannot match itself: the expression never backtracks.
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<comment>//[^\n]*)
    |(?P<number>(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?)
    |(?P<name>[^\W\d]\w*)
    |(?P<string>"[^"\n]*")
    |(?P<symbol>->|\*\*|/\*|[][;,(){}+*/=@$\#<>!&|^~%:?.-])""",
    re.VERBOSE,
)
_OPENING, _CLOSING = "([{", ")]}"


def tokens(source: str | bytes, limits: Limits) -> list[Token]:
    """Return the tokens of *source*, ended by one of kind ``end``.

    Raises:
        CircuitRefused: the text is too long (``TooLarge``), not UTF-8 or not made of OpenQASM
            tokens (``NotOpenQasm``), nested too deeply (``NestingTooDeep``), unbalanced
            (``SyntaxInvalid``), or holds an overlong name or number (``TokenTooLong``).
    """
    text = _decoded(source, limits)
    found: list[Token] = []
    position, line, depth = 0, 1, 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise CircuitRefused(RefusalCode.NotOpenQasm, "character", "OpenQASM", ascii(text[position]), line)
        kind, piece, position = str(match.lastgroup), match.group(), match.end()
        if piece == "/*":
            end = text.find("*/", position)
            if end < 0:
                raise CircuitRefused(RefusalCode.SyntaxInvalid, "comment", "*/", "no end", line)
            line += text.count("\n", position, end)
            position = end + 2
        elif kind == "space":
            line += piece.count("\n")
        elif kind != "comment":
            depth += (piece in _OPENING) - (piece in _CLOSING)
            _bound(kind, piece, depth, line, limits)
            found.append(Token(kind, piece, line))
    if depth:
        raise CircuitRefused(RefusalCode.SyntaxInvalid, "brackets", "all closed", "open", line)
    found.append(Token("end", "end of text", line))
    return found


class Cursor:
    """Reads tokens once, in order; the last one, of kind ``end``, is never passed."""

    def __init__(self, tokens: list[Token]):
        self._tokens = tokens
        self._position = 0

    @property
    def text(self) -> str:
        """The next token's text."""
        return self._tokens[self._position].text

    @property
    def kind(self) -> str:
        """The next token's kind."""
        return self._tokens[self._position].kind

    @property
    def line(self) -> int:
        """The next token's line."""
        return self._tokens[self._position].line

    def take(self) -> Token:
        """Return the next token and step over it."""
        token = self._tokens[self._position]
        self._position += token.kind != "end"
        return token

    def accept(self, text: str) -> bool:
        """Step over the next token if it is *text*."""
        found = self.text == text and self.kind != "end"
        self._position += found
        return found

    def expect(self, text: str) -> Token:
        """Step over the next token, which must be *text*."""
        if self.text != text:
            raise CircuitRefused(RefusalCode.SyntaxInvalid, "token", text, self.text, self.line)
        return self.take()

    def expect_kind(self, kind: str) -> Token:
        """Step over the next token, which must be of *kind*."""
        if self.kind != kind:
            raise CircuitRefused(RefusalCode.SyntaxInvalid, "token", f"a {kind}", self.text, self.line)
        return self.take()


def _decoded(source: str | bytes, limits: Limits) -> str:
    # A character is at least one byte, so a long string is refused before it is encoded.
    size = len(source)
    if isinstance(source, str) and size <= limits.text_bytes:
        size = len(source.encode("utf-8", "surrogatepass"))
    if size > limits.text_bytes:
        raise CircuitRefused(RefusalCode.TooLarge, "circuit text", f"at most {limits.text_bytes} bytes", size)
    if isinstance(source, str):
        return source
    try:
        return source.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CircuitRefused(RefusalCode.NotOpenQasm, "circuit text", "UTF-8", f"byte {error.start} is not") from None


def _bound(kind: str, piece: str, depth: int, line: int, limits: Limits) -> None:
    if depth > limits.bracket_depth:
        raise CircuitRefused(RefusalCode.NestingTooDeep, "brackets", f"depth {limits.bracket_depth}", depth, line)
    if depth < 0:
        raise CircuitRefused(RefusalCode.SyntaxInvalid, "bracket", "an opening", piece, line)
    longest = {"name": limits.name_characters, "number": limits.number_characters}.get(kind)
    if longest is not None and len(piece) > longest:
        raise CircuitRefused(RefusalCode.TokenTooLong, kind, f"at most {longest} characters", len(piece), line)
