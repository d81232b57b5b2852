"""Text from elsewhere as one line that cannot move a cursor or pass for another line."""


def one_line(text: str) -> str:
    """Escape every character that does not print, line ends among them."""
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(char: str) -> str:
    return char if char.isprintable() else ascii(char)[1:-1]
