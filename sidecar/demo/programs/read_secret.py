"""Read one secret the way programs read AWS's own agent: one GET with a token header."""

import json
import os
import urllib.request

url = os.environ["SECRETS_URL"] + "/secretsmanager/get?secretId=" + os.environ["SECRET_ID"]
headers = {"X-Aws-Parameters-Secrets-Token": os.environ["AWS_TOKEN"]}
with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as response:
    secret = json.load(response)
print(secret["Name"], secret["VersionStages"][0], secret["SecretString"])
