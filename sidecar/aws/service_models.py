"""Which descriptions of AWS's services count: those that botocore ships, and no others."""

from functools import cache

from botocore.loaders import Loader


@cache
def shipped_models() -> Loader:
    """Give the loader that takes nothing from AWS_DATA_PATH or ~/.aws/models.

    It is one for the whole process: reading a service's description is most of the work of making
    a client.
    """
    return Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
