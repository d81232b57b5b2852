// Print a secret and a parameter, or the name of the error: no key, no endpoint in it.
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";

const [secret, parameter] = process.argv.slice(2);
try {
  const found = await new SecretsManagerClient().send(new GetSecretValueCommand({ SecretId: secret }));
  console.log(found.SecretString);
  const held = await new SSMClient().send(new GetParameterCommand({ Name: parameter }));
  console.log(held.Parameter.Value);
} catch (error) {
  console.error(error.name);
  process.exitCode = 1;
}
