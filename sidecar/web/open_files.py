"""How many connections the doors may hold, given how many files the process may have open."""

import resource
from typing import Final

from sidecar.web.listener import ACCEPTED_AT_ONCE

_ENOUGH: Final = 8192
# Everything that is no connection to a door: standard streams, listening sockets, files that are
# read again, and connections to AWS, of which each service of secrets and the aws-api door have 32.
_OTHER_FILES: Final = 160
# Between accepting a connection and closing another for it, the loop turns this often, and each
# time it may accept more.
_TURNS: Final = 4


def raised_limit() -> int:
    """Raise this process's soft limit on open files to the hard one, to 8192 at most.

    Returns:
        The limit that is now in force; 8192 stands for none.

    """
    soft, hard = (_ENOUGH if each == resource.RLIM_INFINITY else each for each in _limits())
    wanted = min(hard, _ENOUGH)
    if soft >= wanted:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, _limits()[1]))
    return wanted


def connections_a_door(open_files: int, *, doors: int, addresses: int) -> int:
    """Say how many connections each door may hold so that all full doors together fit.

    Args:
        open_files: how many files the process may have open.
        doors: how many doors there are.
        addresses: how many addresses they listen on, all together.

    """
    on_their_way = addresses * ACCEPTED_AT_ONCE * _TURNS
    return max(1, (open_files - _OTHER_FILES - on_their_way) // max(1, doors))


def _limits() -> tuple[int, int]:
    return resource.getrlimit(resource.RLIMIT_NOFILE)
