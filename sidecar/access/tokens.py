"""The app tokens: telling one caller from another, in constant time."""

import logging
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sidecar.access.policy import App
from sidecar.errors import Problem
from sidecar.redaction import Secret
from sidecar.regular_file import appearance, read_regular_file

log = logging.getLogger(__name__)

MIN_TOKEN_LENGTH: Final = 16
MAX_TOKEN_LENGTH: Final = 4096


class UnusableToken(ValueError):
    """What a user set up as a token cannot be one.

    The message is what follows the place in a sentence, and never holds the token. A token that a
    caller shows is another matter: see `TokenNotAccepted`.
    """


@dataclass(frozen=True, slots=True)
class SeenFile:
    """Where a token stands on disk, and what the file looked like when it was read."""

    path: Path
    seen: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AppToken:
    """One app's token, with the file it came from if it came from one.

    ``whose`` is for the log, where the token is not an app's.
    """

    app: App
    token: Secret
    file: SeenFile | None = None
    whose: str = ""

    def __str__(self) -> str:
        return self.whose or f"app {self.app.name}"


def check_token(text: str, *, longest: int = MAX_TOKEN_LENGTH) -> Secret:
    """Accept a token that every SDK can send.

    Args:
        text: the token.
        longest: how many characters it may have.

    Raises:
        UnusableToken: empty, short, long, or with characters that SDKs refuse in a header.

    """
    if not text:
        raise UnusableToken("is empty")
    if "\n" in text or "\r" in text:
        raise UnusableToken("holds a newline, which AWS SDKs refuse in a token file")
    if not all("!" <= char <= "~" for char in text):
        raise UnusableToken("holds blanks or characters outside ASCII")
    if not MIN_TOKEN_LENGTH <= len(text) <= longest:
        raise UnusableToken(
            f"has {len(text)} characters; between {MIN_TOKEN_LENGTH} and {longest} are accepted"
        )
    return Secret(text)


def read_token_file(path: Path) -> tuple[Secret, SeenFile]:
    """Read and check a token file.

    Raises:
        UnusableToken: unreadable, or what it holds cannot be a token.

    """
    try:
        content, status = read_regular_file(path, MAX_TOKEN_LENGTH + 1)
    except OSError as exc:
        raise UnusableToken(f"cannot be read: {exc.strerror}") from exc
    token = check_token(content.decode("ascii", errors="replace"))
    return token, SeenFile(path, appearance(status))


def token_file_warnings(path: Path) -> list[str]:
    """Warn of a token file that every user of the machine may read or write."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return []
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        return [f"token file {path} has mode {mode:04o}: every user may use it; chmod o= {path}"]
    return []


class AppTokens:
    """Finds the app that a presented token belongs to.

    A token file is looked at again when a token fits nobody and whenever `reload` is called; what
    cannot be read, or cannot be a token, leaves the old one in force.
    """

    def __init__(self, tokens: tuple[AppToken, ...]) -> None:
        self._tokens = tokens

    def app_for(self, presented: bytes) -> App | None:
        """Return the app whose token this is.

        Every token is compared, and each in constant time, so that the time tells nothing.
        """
        app = self._match(presented)
        if app is None and self.reload():
            app = self._match(presented)
        return app

    def reload(self) -> bool:
        """Read again the token files that have changed; say whether any token did."""
        held = self._tokens
        read = [_read_again(each) for each in held]
        self._tokens = _without_doubles(held, read)
        return [each.token for each in held] != [each.token for each in self._tokens]

    def _match(self, presented: bytes) -> App | None:
        matches = [each.app for each in self._tokens if each.token.matches(presented)]
        return matches[0] if matches else None


def load_tokens(
    wanted: Mapping[App, Path | str], environment: Mapping[str, str]
) -> tuple[AppTokens, list[Problem]]:
    """Read every app's token.

    Args:
        wanted: for each app its token file (a Path) or the name of its variable (a str).
        environment: where variables are looked up.

    Returns:
        The tokens, and what is wrong with those that could not be used.

    """
    tokens: list[AppToken] = []
    problems: list[Problem] = []
    for app, where in wanted.items():
        try:
            tokens.append(_load(app, where, environment))
        except UnusableToken as exc:
            problems.append(_unusable(f"apps.{app.name}", where, exc))
    problems += _doubles(tokens)
    return AppTokens(tuple(tokens)), problems


def load_admin_token(
    where: Path | str, environment: Mapping[str, str], apps: AppTokens
) -> tuple[AppTokens | None, list[Problem]]:
    """Read the admin door's token, which may be no app's.

    Args:
        where: its file (a Path) or the name of its variable (a str).
        environment: where the variable is looked up.
        apps: the tokens of the apps.

    Returns:
        The token, which belongs to an app that may have nothing, or what is wrong with it.

    """
    try:
        held = _load(App("admin", (), ()), where, environment)
    except UnusableToken as exc:
        return None, [_unusable("admin", where, exc)]
    if (app := apps.app_for(held.token.encoded())) is not None:
        what = f"has the same token as app {app.name}"
        return None, [Problem("admin", what, "give the admin door a token of its own")]
    return AppTokens((replace(held, whose="the admin door"),)), []


def _unusable(section: str, where: Path | str, exc: UnusableToken) -> Problem:
    kind = "static_token_file" if isinstance(where, Path) else "token_env"
    made = "openssl rand -hex 32"
    hint = f'export {where}="$({made})"'
    if isinstance(where, Path):
        hint = f"make one: (umask 077; {made} | tr -d '\\n' > FILE)"
    return Problem(f"{section}.{kind}", f"{where} {exc}", hint)


def _load(app: App, where: Path | str, environment: Mapping[str, str]) -> AppToken:
    if isinstance(where, Path):
        token, file = read_token_file(where)
        return AppToken(app, token, file)
    if where not in environment:
        raise UnusableToken("is not set")
    return AppToken(app, check_token(environment[where]))


def _doubles(tokens: list[AppToken]) -> Iterator[Problem]:
    seen: dict[Secret, str] = {}
    for each in tokens:
        if each.token in seen:
            yield Problem(
                f"apps.{each.app.name}",
                f"has the same token as app {seen[each.token]}",
                "give each app a token of its own",
            )
        seen[each.token] = each.app.name


def _read_again(held: AppToken) -> AppToken:
    """Read a token's file if it looks different; what is no good leaves the token as it was."""
    if held.file is None:
        return held
    path = held.file.path
    try:
        seen = appearance(path.stat())
    except OSError:
        return held  # in the middle of a replacement, or gone: the old token stays in force
    if seen == held.file.seen:
        return held
    try:
        token, file = read_token_file(path)
    except UnusableToken as exc:
        log.warning("%s: token file %s %s; the old token stays", held, path, exc)
        return replace(held, file=SeenFile(path, seen))
    return replace(held, token=token, file=file)


def _without_doubles(held: Sequence[AppToken], read: Sequence[AppToken]) -> tuple[AppToken, ...]:
    """Take what was read, but no token that two apps would have then: there the old ones stay.

    Letting one old token stay may double another, so this goes on until nothing is doubled.
    """
    chosen = list(read)
    while True:
        tokens = [each.token for each in chosen]
        doubled = [
            index
            for index, each in enumerate(chosen)
            if each.token != held[index].token and tokens.count(each.token) > 1
        ]
        if not doubled:
            break
        for index in doubled:
            file = chosen[index].file
            log.warning(
                "%s: token file %s holds another app's token; the old token stays",
                held[index],
                file and file.path,
            )
            chosen[index] = replace(held[index], file=file)
    for old, new in zip(held, chosen, strict=True):
        if old.token != new.token and new.file is not None:
            log.info("%s: new token from %s", new, new.file.path)
    return tuple(chosen)
