"""Which descriptions of AWS's services count: those that botocore ships, and no others."""

from botocore.loaders import Loader


def shipped_models() -> Loader:
    """Make a loader that takes nothing from AWS_DATA_PATH or ~/.aws/models."""
    return Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
