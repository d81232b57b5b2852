"""What the application has in AWS before the sidecar comes: a model, a function, a secret."""

import base64
import io
import json
import os
import secrets
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import boto3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sidecar.redaction import Secret

REPORTS: Final = "demo-reports"
MODELS: Final = "demo-models"
MODEL: Final = "prices.json.enc"
FUNCTION: Final = "demo-score"
DATABASE: Final = "demo/database"
# How the job with the model is told of its own affairs; the compose files say the same.
JOB_VARIABLES: Final = {"BUCKET": MODELS, "MODEL": MODEL, "FUNCTION": FUNCTION}
# The legacy program's user may do this and no more.
BATCH_POLICY: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}],
}

_NONCE_BYTES: Final = 12
_WEIGHTS: Final = (7, 11, 13)
_CODE: Final = """
def handler(event, context):
    pairs = zip(event["weights"], event["features"])
    return {"score": sum(weight * feature for weight, feature in pairs)}
"""


@dataclass(frozen=True, slots=True)
class ApplicationData:
    """What later steps need to know of it."""

    key_arn: str
    database: Secret


def put_application_data(session: boto3.session.Session, endpoint_url: str) -> ApplicationData:
    """Make it all, as the account's administrator; what is there already does no harm.

    Raises:
        botocore's errors: AWS refused a call, or did not answer.

    """

    def client(service: Any) -> Any:
        return session.client(service, endpoint_url=endpoint_url)

    s3 = client("s3")
    for bucket in (MODELS, REPORTS):
        with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=bucket, **_location(session.region_name))
    key_arn = _key_of_model(s3) or _model(s3, client("kms"))
    _function(client("iam"), client("lambda"))
    return ApplicationData(key_arn, _database(client("secretsmanager")))


def _location(region: str) -> dict[str, Any]:
    """Say where a bucket goes; us-east-1 must not be said, every other region must."""
    if region == "us-east-1":
        return {}
    return {"CreateBucketConfiguration": {"LocationConstraint": region}}


def _key_of_model(s3: Any) -> str | None:
    """Give the key of the model that is there, if one is."""
    try:
        stored = s3.head_object(Bucket=MODELS, Key=MODEL)
    except s3.exceptions.ClientError as exc:
        if exc.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.NOT_FOUND:
            raise
        return None
    key: str = stored["Metadata"]["key-id"]
    return key


def _model(s3: Any, kms: Any) -> str:
    """Store a model, encrypted with a data key that only KMS can decrypt; return KMS's key."""
    key: dict[str, str] = kms.create_key(Description="models")["KeyMetadata"]
    data_key = kms.generate_data_key(KeyId=key["Arn"], KeySpec="AES_256")
    nonce, model = os.urandom(_NONCE_BYTES), json.dumps({"weights": _WEIGHTS}).encode()
    encrypted = nonce + AESGCM(data_key["Plaintext"]).encrypt(nonce, model, None)
    wrapped = base64.b64encode(data_key["CiphertextBlob"]).decode()
    metadata = {"key-id": key["Arn"], "data-key": wrapped}
    s3.put_object(Bucket=MODELS, Key=MODEL, Body=encrypted, Metadata=metadata)
    return key["Arn"]


def _function(iam: Any, functions: Any) -> None:
    """Deploy what scores."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("score.py", _CODE)
    with suppress(functions.exceptions.ResourceConflictException):
        functions.create_function(
            FunctionName=FUNCTION,
            Runtime="python3.13",
            Role=_function_role(iam),
            Handler="score.handler",
            Code={"ZipFile": buffer.getvalue()},
        )


def _function_role(iam: Any) -> str:
    """Make the role that the function runs as; return its ARN."""
    service = {"Service": "lambda.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=FUNCTION, AssumeRolePolicyDocument=document)
    role: str = iam.get_role(RoleName=FUNCTION)["Role"]["Arn"]
    return role


def _database(manager: Any) -> Secret:
    """Make the secret that the programs ask for, or give it a new value; return that."""
    value = Secret(json.dumps({"username": "web", "password": secrets.token_urlsafe(12)}))
    try:
        manager.create_secret(Name=DATABASE, SecretString=value.reveal())
    except manager.exceptions.ResourceExistsException:
        manager.put_secret_value(SecretId=DATABASE, SecretString=value.reveal())
    return value
