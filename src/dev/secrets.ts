import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Made once per data folder; `.local/secrets.json`, readable by its owner only. */
export interface Secrets {
  /** HS256 secret of the tokens. */
  jwtSecret: string;
  /** Root keys of the local S3 store. */
  s3AccessKey: string;
  s3SecretKey: string;
}

/** The secrets of the folder; made the first time. */
export function loadSecrets(directory: string): Secrets {
  const file = join(directory, 'secrets.json');
  const known = read(file);
  if (known !== null) return known;
  const secrets = { jwtSecret: random(32), s3AccessKey: `local${random(6)}`, s3SecretKey: random(24) };
  writeFileSync(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  return secrets;
}

const random = (bytes: number): string => randomBytes(bytes).toString('hex');

function read(file: string): Secrets | null {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof parsed !== 'object' || parsed === null) return null;
    const { jwtSecret, s3AccessKey, s3SecretKey } = parsed as Partial<Secrets>;
    return typeof jwtSecret === 'string' && typeof s3AccessKey === 'string' && typeof s3SecretKey === 'string'
      ? { jwtSecret, s3AccessKey, s3SecretKey }
      : null;
  } catch {
    return null;
  }
}
