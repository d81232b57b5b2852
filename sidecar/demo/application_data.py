"""What the application has in AWS before the sidecar comes: a model, a function, a secret."""

import base64
import io
import json
import os
import secrets
import zipfile
from dataclasses import dataclass
from typing import Any, Final

import boto3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sidecar.redaction import Secret

REPORTS: Final = "demo-reports"
MODELS: Final = "demo-models"
MODEL: Final = "prices.json.enc"
FUNCTION: Final = "demo-score"
DATABASE: Final = "demo/database"
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
    """Make it all, as the account's administrator.

    Raises:
        botocore's errors: AWS refused a call, or did not answer.

    """

    def client(service: Any) -> Any:
        return session.client(service, endpoint_url=endpoint_url)

    s3, region = client("s3"), session.region_name
    place: dict[str, Any] = {}
    if region != "us-east-1":  # where it must not be named
        place = {"CreateBucketConfiguration": {"LocationConstraint": region}}
    for bucket in (REPORTS, MODELS):
        s3.create_bucket(Bucket=bucket, **place)
    key_arn = _model(s3, client("kms"))
    _function(client("iam"), client("lambda"))
    database = Secret(json.dumps({"username": "web", "password": secrets.token_urlsafe(12)}))
    client("secretsmanager").create_secret(Name=DATABASE, SecretString=database.reveal())
    return ApplicationData(key_arn, database)


def _model(s3: Any, kms: Any) -> str:
    """Store a model, encrypted with a data key that only KMS can decrypt."""
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
    service = {"Service": "lambda.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=FUNCTION, AssumeRolePolicyDocument=document)["Role"]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("score.py", _CODE)
    functions.create_function(
        FunctionName=FUNCTION,
        Runtime="python3.13",
        Role=role["Arn"],
        Handler="score.handler",
        Code={"ZipFile": buffer.getvalue()},
    )
