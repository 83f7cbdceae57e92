import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of package.json: children are started in it. */
export const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

/** A port of the local stack. */
export interface PortSetting {
  /** What listens on it, for messages. */
  owner: string;
  /** The variable that changes it. */
  variable: string;
  port: number;
}

export type PortName = 'api' | 'temporal' | 'temporalUi' | 'postgres' | 's3';

/**
 * Every port of the local stack on 127.0.0.1, with the variable that changes it. A variable set to 0 takes a free port, another one
 * at each start.
 */
const portDefaults: Record<PortName, PortSetting> = {
  api: { owner: 'the API', variable: 'API_PORT', port: 8080 },
  temporal: { owner: 'Temporal', variable: 'LOCAL_TEMPORAL_PORT', port: 7233 },
  temporalUi: { owner: 'the Temporal UI', variable: 'LOCAL_TEMPORAL_UI_PORT', port: 8233 },
  postgres: { owner: 'Postgres', variable: 'LOCAL_POSTGRES_PORT', port: 5433 },
  s3: { owner: 'the S3 store', variable: 'LOCAL_S3_PORT', port: 7070 },
};

/** How the local stack is to be run, read from the environment. */
export interface StackSettings {
  /** All data, logs and secrets; `LOCAL_DIRECTORY`, default `.local` in the package. */
  directory: string;
  ports: Record<PortName, PortSetting>;
  /** Servers that run already, by `TEMPORAL_ADDRESS`, `DATABASE_URL` and `S3_ENDPOINT`; null: the stack starts its own. */
  external: { temporalAddress: string | null; databaseUrl: string | null; s3Endpoint: string | null };
  /** `S3_BUCKET`, default `artifacts`. Made by the stack in its own store only. */
  bucket: string;
  /** `S3_REGION`, default `us-east-1`. */
  region: string;
  /** `TEMPORAL_NAMESPACE`, default `default`. */
  namespace: string;
  /** `AUTH_ISSUER` and `AUTH_AUDIENCE`, default `durable-artifacts`. */
  issuer: string;
  audience: string;
  /** The whole environment, which API and worker get too. */
  env: Record<string, string | undefined>;
}

/** A message for the person who started the stack: no stack trace, exit code 1. */
export class StackError extends Error {
  override readonly name = 'StackError';
}

/**
 * Reads the settings; a pure function of the environment.
 * @throws StackError for a port that is none.
 */
export function readSettings(env: Record<string, string | undefined>): StackSettings {
  const value = (name: string): string | null => (env[name] === undefined || env[name] === '' ? null : env[name]);
  const port = (name: PortName): PortSetting => {
    const setting = portDefaults[name];
    const given = value(setting.variable);
    return given === null ? setting : { ...setting, port: parsePort(setting.variable, given) };
  };
  return {
    directory: resolve(value('LOCAL_DIRECTORY') ?? join(packageRoot, '.local')),
    ports: {
      api: port('api'),
      temporal: port('temporal'),
      temporalUi: port('temporalUi'),
      postgres: port('postgres'),
      s3: port('s3'),
    },
    external: {
      temporalAddress: value('TEMPORAL_ADDRESS'),
      databaseUrl: value('DATABASE_URL'),
      s3Endpoint: value('S3_ENDPOINT'),
    },
    bucket: value('S3_BUCKET') ?? 'artifacts',
    region: value('S3_REGION') ?? 'us-east-1',
    namespace: value('TEMPORAL_NAMESPACE') ?? 'default',
    issuer: value('AUTH_ISSUER') ?? 'durable-artifacts',
    audience: value('AUTH_AUDIENCE') ?? 'durable-artifacts',
    env,
  };
}

function parsePort(variable: string, given: string): number {
  const port = Number(given);
  if (!/^\d+$/.test(given) || port > 65_535)
    throw new StackError(`${variable} must be a port from 0 to 65535, not "${given}"`);
  return port;
}
