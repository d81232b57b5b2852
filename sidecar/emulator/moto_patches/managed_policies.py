"""AWS's own managed policies exist, so that they can be attached.

moto loads them only when it is told to; without them ``AdministratorAccess`` cannot be attached.
"""

from contextlib import AbstractContextManager

from moto.core.config import default_user_config

from sidecar.emulator.moto_patches.replacing import replaced_item


def applied() -> AbstractContextManager[None]:
    """Load them into every account that is made from now on."""
    return replaced_item(default_user_config, "iam", {"load_aws_managed_policies": True})
