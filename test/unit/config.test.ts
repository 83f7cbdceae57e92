import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config.js';
import { webhookSettings } from '../../src/webhooks/settings.js';

const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

const messageOf = (env: Record<string, string>): string => {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'accepted';
};

describe('the configuration', () => {
  it('has a default for everything that can have one', () => {
    expect(loadConfig({})).toMatchObject({
      API_PORT: 8080,
      DEFAULT_RETENTION_DAYS: 30,
      UPLOAD_DEADLINE_SECONDS: 86_400,
    });
  });

  it('depends on nothing but the object it is given', () => {
    process.env['S3_BUCKET'] = 'from-the-process';
    try {
      expect(loadConfig({}).S3_BUCKET).toBe('artifacts');
    } finally {
      delete process.env['S3_BUCKET'];
    }
  });

  it('lists every bad variable at once', () => {
    const message = messageOf({
      API_PORT: 'x',
      TEMPORAL_TLS: 'maybe',
      LOG_LEVEL: 'loud',
      DEFAULT_RETENTION_DAYS: '-1',
    });
    for (const name of ['API_PORT', 'TEMPORAL_TLS', 'LOG_LEVEL', 'DEFAULT_RETENTION_DAYS'])
      expect(message).toContain(name);
  });

  it.each([
    { API_PORT: '70000' },
    { API_PORT: '80.5' },
    { S3_BUCKET: 'ab' },
    { S3_ENDPOINT: 'localhost:7070' },
    { API_CORS_ORIGINS: '*' },
    { API_CORS_ORIGINS: 'https://app.example/,https://b.example' },
    { AUTH_JWT_SECRET: 'short' },
    { AUTH_JWKS_URL: 'example.com/keys' },
    { DATABASE_URL: 'nonsense' },
    { UPLOAD_DEADLINE_SECONDS: '0' },
    { PRESIGN_UPLOAD_SECONDS: '604801' },
    { RESTORE_POLL_SECONDS: 'soon' },
    { AWS_ACCESS_KEY_ID: 'only-half' },
    { WORKER_DEPLOYMENT_NAME: 'only-half' },
    { WORKER_BUILD_ID: 'only-half' },
    { WORKER_DEPLOYMENT_NAME: 'with.dots', WORKER_BUILD_ID: '1' },
    { WEBHOOK_URLS: 'hooks.example.com', WEBHOOK_SECRET },
    { WEBHOOK_URLS: 'https://a.example,ftp://b.example', WEBHOOK_SECRET },
    { WEBHOOK_URLS: 'http://a.example', WEBHOOK_SECRET },
    { WEBHOOK_SECRET: 'short', WEBHOOK_URLS: 'https://a.example' },
    { WEBHOOK_SECRET: `${WEBHOOK_SECRET},short`, WEBHOOK_URLS: 'https://a.example' },
    { WEBHOOK_ALLOW_PRIVATE: 'maybe' },
    { WEBHOOK_GIVE_UP_SECONDS: '0' },
  ])('refuses %j and names the variable', (env) => {
    expect(messageOf(env)).toContain(Object.keys(env)[0]);
  });

  it('needs a secret for webhooks, and shows neither it nor a URL', () => {
    expect(messageOf({ WEBHOOK_URLS: 'https://a.example/?token=t0ken' })).toContain('WEBHOOK_SECRET');
    const message = messageOf({ WEBHOOK_URLS: 'gopher://a.example/?token=t0ken', WEBHOOK_SECRET });
    expect(message).toContain('WEBHOOK_URLS: number 1');
    expect(message).not.toContain('t0ken');
    expect(messageOf({ WEBHOOK_URLS: 'https://a.example', WEBHOOK_SECRET: 'whsec_s3cret' })).not.toContain('s3cret');
  });

  it('has webhooks off by default, and reads lists of URLs and secrets', () => {
    expect(webhookSettings(loadConfig({}))).toBeNull();
    const env = { WEBHOOK_URLS: 'https://a.example/x, https://b.example ,https://a.example/x', WEBHOOK_SECRET };
    expect(webhookSettings(loadConfig(env))).toEqual({
      urls: ['https://a.example/x', 'https://b.example'],
      keys: [Buffer.alloc(32, 7)],
      allowPrivate: false,
    });
    const changing = { ...env, WEBHOOK_SECRET: `${WEBHOOK_SECRET},${WEBHOOK_SECRET}` };
    expect(webhookSettings(loadConfig(changing))?.keys).toHaveLength(2);
    const local = { WEBHOOK_URLS: 'http://127.0.0.1:3000', WEBHOOK_SECRET, WEBHOOK_ALLOW_PRIVATE: 'true' };
    expect(webhookSettings(loadConfig(local))).toMatchObject({ urls: ['http://127.0.0.1:3000'], allowPrivate: true });
  });

  it('has worker versioning off, or both of its variables', () => {
    expect(loadConfig({})).not.toHaveProperty('WORKER_BUILD_ID');
    const both = { WORKER_DEPLOYMENT_NAME: 'artifacts', WORKER_BUILD_ID: '2026-01-01.1' };
    expect(loadConfig(both)).toMatchObject(both);
  });

  it('takes the origins of pages one by one or several with commas between them', () => {
    for (const origins of ['https://app.example', 'https://app.example, http://localhost:3000'])
      expect(loadConfig({ API_CORS_ORIGINS: origins })).toMatchObject({ API_CORS_ORIGINS: origins });
  });

  it('takes an empty variable for one that is not set', () => {
    expect(loadConfig({ S3_ENDPOINT: '', API_PORT: '' })).toMatchObject({ API_PORT: 8080 });
  });

  it('reads false as false', () => {
    expect(loadConfig({ TEMPORAL_TLS: 'false' }).TEMPORAL_TLS).toBe(false);
  });
});
