"""AWS's own descriptions of its services, as botocore ships them, by signing name."""

from functools import lru_cache
from typing import Final

from botocore.exceptions import UnknownServiceError
from botocore.model import ServiceModel
from moto.core.utils import get_service_model

# Signing names that botocore's data files go by another name.
_NAMES: Final = {
    "monitoring": "cloudwatch",
    "email": "ses",
    "states": "stepfunctions",
    "tagging": "resourcegroupstaggingapi",
    "elasticloadbalancing": "elbv2",
    "elasticmapreduce": "emr",
    "mobiletargeting": "pinpoint",
}


def model_name(service: str) -> str:
    """The name of a service's data files."""
    return _NAMES.get(service, service)


@lru_cache
def model_of(service: str) -> ServiceModel | None:
    """The description of a service; None when botocore knows no such service."""
    try:
        model: ServiceModel = get_service_model(model_name(service))
    except UnknownServiceError:
        return None
    return model
