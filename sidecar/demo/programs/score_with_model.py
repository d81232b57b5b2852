"""Score with a model that is kept encrypted: fetch it, decrypt it, and ask a function."""

import base64
import json
import os

import boto3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

stored = boto3.client("s3").get_object(Bucket=os.environ["BUCKET"], Key=os.environ["MODEL"])
data_key = boto3.client("kms").decrypt(
    KeyId=stored["Metadata"]["key-id"],
    CiphertextBlob=base64.b64decode(stored["Metadata"]["data-key"]),
)["Plaintext"]
encrypted = stored["Body"].read()
model = json.loads(AESGCM(data_key).decrypt(encrypted[:12], encrypted[12:], None))
answer = boto3.client("lambda").invoke(
    FunctionName=os.environ["FUNCTION"],
    Payload=json.dumps({"weights": model["weights"], "features": [2, 3, 5]}),
)
print(f"{len(encrypted)} encrypted bytes, score {json.load(answer['Payload'])['score']}")
