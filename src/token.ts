import { SCOPES } from './api/access.js';
import { mintToken } from './api/plugins/token.js';
import { ConfigError, loadConfig } from './config.js';

/**
 * Role `token [tenant] [subject] [scopes] [executions]`: prints a token for 30 days, with every scope and for all executions unless told otherwise;
 * several with commas between them. Only where AUTH_JWT_SECRET signs tokens.
 */
const TOKEN_SECONDS = 30 * 86_400;

try {
  const { AUTH_JWT_SECRET: secret, AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience } = loadConfig(process.env);
  if (secret === undefined)
    throw new ConfigError('AUTH_JWT_SECRET is not set: tokens come from the issuer of AUTH_JWKS_URL');
  const [, , , tenant = 'local', sub = 'local-developer', scopes = SCOPES.join(','), executions] = process.argv;
  const scope = scopes.replaceAll(',', ' ');
  const narrowed = executions === undefined ? {} : { executions: executions.split(',') };
  const token = await mintToken({
    ...{ secret, issuer, audience, tenant, sub, scope },
    ...narrowed,
    expiresInSeconds: TOKEN_SECONDS,
  });
  process.stdout.write(`${token}\n`);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
