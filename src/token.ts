import { mintToken } from './api/plugins/token.js';
import { ConfigError, loadConfig } from './config.js';

/** Role `token [tenant] [subject]`: prints a token with every scope for 30 days. Only where AUTH_JWT_SECRET signs tokens. */
const TOKEN_SECONDS = 30 * 86_400;

try {
  const { AUTH_JWT_SECRET: secret, AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience } = loadConfig(process.env);
  if (secret === undefined)
    throw new ConfigError('AUTH_JWT_SECRET is not set: tokens come from the issuer of AUTH_JWKS_URL');
  const [, , , tenant = 'local', sub = 'local-developer'] = process.argv;
  const scope = 'artifacts:read artifacts:write artifacts:admin';
  const token = await mintToken({ secret, issuer, audience, tenant, sub, scope, expiresInSeconds: TOKEN_SECONDS });
  process.stdout.write(`${token}\n`);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
