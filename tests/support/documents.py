"""Reads the documentation as its tests do: blocks with what is said of them, commands, links, headings.

A comment before a fenced block says how it is tested; CONTRIBUTING.md lists what it may say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from environments import ROOT

#: Languages of blocks that hold commands: bare ones, and a session with what was printed.
SHELL: Final = "sh"
CONSOLE: Final = "console"
LANGUAGES: Final = frozenset({SHELL, CONSOLE, "python", "toml", "json", "text"})

QUICK: Final = "quick"
SLOW: Final = "slow"
INSTALL_MATRIX: Final = "install-matrix"

#: What the comment before a block may say, and the values it may have where they are few.
ATTRIBUTES: Final[Mapping[str, frozenset[str] | None]] = {
    "test": frozenset({SLOW, INSTALL_MATRIX}),
    "exit": None,
    "file": None,
}

_COMMENT = re.compile(r"<!-- (\w+:.*?) -->")
_LINK = re.compile(r"(?<!!)\[(?:[^\]\\]|\\.)*\]\(([^)\s]+)\)")
_INLINE = re.compile(r"`([^`\n]+)`")


class DocumentError(Exception):
    """A document that its tests cannot read; the message names the place."""


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    document: str
    line: int
    language: str
    lines: tuple[str, ...]
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """File and line of the opening fence."""
        return f"{self.document}:{self.line}"

    @property
    def text(self) -> str:
        """What stands between the fences."""
        return "".join(f"{line}\n" for line in self.lines)

    @property
    def when(self) -> str:
        """When its commands are executed: `quick`, `slow` or `install-matrix`."""
        return self.attributes.get("test", QUICK)

    @property
    def commands(self) -> tuple[Command, ...]:
        """The commands of a `sh` or `console` block, in order."""
        if self.language not in {SHELL, CONSOLE}:
            return ()
        found = tuple(self._commands())
        if not found:
            raise DocumentError(f"{self.where}: a block of commands without a command")
        if "exit" in self.attributes and len(found) != 1:
            raise DocumentError(f"{self.where}: an exit code belongs to a block with one command")
        return found

    def _commands(self) -> Iterator[Command]:
        is_session = self.language == CONSOLE
        numbered = iter(enumerate(self.lines, self.line + 1))
        text, at, printed = "", 0, list[str]()
        for number, line in numbered:
            if is_session and not line.startswith("$ "):
                if not text:
                    raise DocumentError(f"{self.where}: a session begins with `$ ` and a command")
                printed.append(line)
                continue
            if text:
                yield self._command(text, at, printed)
                text, printed = "", []
            if not is_session and (not line.strip() or line.startswith("#")):
                continue
            text, at = line.removeprefix("$ ") if is_session else line, number
            while text.endswith("\\"):
                text = f"{text[:-1]}{next(numbered, (0, ''))[1]}"
        if text:
            yield self._command(text, at, printed)

    def _command(self, text: str, line: int, printed: list[str]) -> Command:
        code = int(self.attributes.get("exit", "0"))
        return Command(f"{self.document}:{line}", text.strip(), code, tuple(printed))


@dataclass(frozen=True)
class Command:
    """One command with its documented exit code, and what it is said to print (nothing said: anything)."""

    where: str
    text: str
    exit_code: int
    printed: tuple[str, ...]

    @property
    def programs(self) -> frozenset[str]:
        """Names of the programs that it starts."""
        parts = re.split(r"&&|\|\||[|;]", re.sub(r"'[^']*'|\"[^\"]*\"", "''", self.text))
        words = (part.split() for part in parts)
        return frozenset(
            next((word for word in line if not re.fullmatch(r"[A-Z][A-Z0-9_]*=\S*", word)), "")
            for line in words
        )

    def is_printed_by(self, output: str) -> bool:
        """True if the output is what the document shows, `...` standing for anything."""
        if not self.printed:
            return True
        pattern = "".join(
            r"(?:.*\n)*?" if line.strip() == "..." else _line_pattern(line) + r"[ \t]*\n"
            for line in self.printed
        )
        return re.fullmatch(pattern, "".join(f"{line}\n" for line in output.splitlines())) is not None


def _line_pattern(line: str) -> str:
    """Make a pattern of one line, in which runs of blanks are as good as one."""
    shown = (re.sub(r"(?:\\ )+", " +", re.escape(part)) for part in line.rstrip().split("..."))
    return ".*".join(shown)


@dataclass(frozen=True)
class Document:
    """One Markdown file."""

    path: Path
    root: Path = ROOT

    @property
    def name(self) -> str:
        """Its path from the root of the checkout."""
        return self.path.relative_to(self.root).as_posix()

    @cached_property
    def text(self) -> str:
        """Everything it says."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Its fenced blocks, in order."""
        return tuple(self._blocks())

    @cached_property
    def prose(self) -> tuple[tuple[int, str], ...]:
        """Its lines outside of fenced blocks, with their numbers."""
        inside = {
            number for block in self.blocks for number in range(block.line, block.line + len(block.lines) + 2)
        }
        lines = enumerate(self.text.splitlines(), 1)
        return tuple((number, line) for number, line in lines if number not in inside)

    @property
    def links(self) -> Iterator[tuple[int, str]]:
        """Targets of its links, with their lines."""
        for number, line in self.prose:
            for target in _LINK.findall(_INLINE.sub("", line)):
                yield number, target

    @property
    def inline_code(self) -> Iterator[tuple[int, str]]:
        """What stands between backticks in its prose, with the line."""
        for number, line in self.prose:
            for code in _INLINE.findall(line):
                yield number, code

    @cached_property
    def headings(self) -> tuple[str, ...]:
        """Its headings, without their marks."""
        return tuple(line.lstrip("#").strip() for _, line in self.prose if re.match(r"#{1,6} ", line))

    @cached_property
    def anchors(self) -> frozenset[str]:
        """What a link can name behind `#`: the headings as Markdown renderers spell them."""
        spelled = (re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in self.headings)
        return frozenset(spelled)

    def _blocks(self) -> Iterator[Block]:
        comment = ""
        numbered = iter(enumerate(self.text.splitlines(), 1))
        for number, line in numbered:
            if found := _COMMENT.fullmatch(line):
                comment = found[1]
            elif line.startswith("```"):
                language = line.removeprefix("```").strip()
                if language not in LANGUAGES:
                    raise DocumentError(f"{self.name}:{number}: a block of {language or 'no language'}")
                lines = self._until_the_end(numbered, number)
                yield Block(self.name, number, language, lines, self._attributes(comment, number))
                comment = ""
            elif line.strip():
                comment = ""

    def _until_the_end(self, numbered: Iterator[tuple[int, str]], start: int) -> tuple[str, ...]:
        lines: list[str] = []
        for _, line in numbered:
            if line == "```":
                return tuple(lines)
            lines.append(line)
        raise DocumentError(f"{self.name}:{start}: the block does not end")

    def _attributes(self, comment: str, line: int) -> dict[str, str]:
        attributes: dict[str, str] = {}
        for part in filter(None, comment.split(";")):
            key, _, value = (piece.strip() for piece in part.partition(":"))
            allowed = ATTRIBUTES.get(key, frozenset())
            if not value or (allowed is not None and value not in allowed):
                raise DocumentError(f"{self.name}:{line}: {part.strip()!r} says nothing about a test")
            attributes[key] = value
        return attributes


def documents(root: Path = ROOT) -> tuple[Document, ...]:
    """List every document that users read, in a stable order."""
    patterns = ("*.md", "docs/**/*.md", "examples/**/*.md", "plugins/*/README.md")
    found = (path for pattern in patterns for path in sorted(root.glob(pattern)))
    return tuple(
        Document(path, root)
        for path in found
        if not any(part.startswith(".") for part in path.relative_to(root).parts)  # caches of tools
    )
