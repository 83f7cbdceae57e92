import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto';
import { exportSPKI, type JWTPayload } from 'jose';
import { describe, expect, test } from 'vitest';
import { createAuthenticate } from '../../../src/api/plugins/authenticate.js';
import { ConfigError } from '../../../src/config.js';
import { ArtifactError } from '../../../src/domain/errors.js';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../../src/domain/units.js';
import { apiConfig, codeOf, startTestApi, tokenFor, type TestApi } from '../../support/api.js';
import { goodClaims, makeKey, startIssuer, type Issuer } from '../../support/issuer.js';

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** What a token gets: a good one is past the door, and told that there is no such artifact. */
async function verdict(api: TestApi, token: string): Promise<string> {
  return codeOf(await api.send({ method: 'GET', url: `/v1/artifacts/${randomUUID()}`, token }));
}
const GOOD = 'artifact_not_found';
const BAD = 'unauthenticated';

/** The API that believes an issuer, with a clock that is moved by hand. */
async function believing(issuer: Issuer) {
  let nowMs = Date.now();
  const api = await startTestApi({ config: issuer.config, nowMs: () => nowMs });
  return {
    api,
    pass: (ms: number) => (nowMs += ms),
    claims: () => goodClaims(nowMs),
    judge: (token: string) => verdict(api, token),
  };
}

describe('the keys of an issuer', () => {
  test.each(['RS256', 'ES256', 'EdDSA'])('verify %s and are fetched once', async (alg) => {
    const key = await makeKey('one', alg);
    const issuer = await startIssuer(key);
    const { judge, claims } = await believing(issuer);
    const answers = await Promise.all(Array.from({ length: 20 }, async () => judge(await key.sign(claims()))));
    expect(new Set(answers)).toEqual(new Set([GOOD]));
    expect(issuer.asked).toBe(1);
  });

  test('that are new are found at once; one that was taken back is refused ten minutes later', async () => {
    const [old, next] = [await makeKey('old'), await makeKey('next')];
    const issuer = await startIssuer(old);
    const { judge, claims, pass } = await believing(issuer);
    expect(await judge(await old.sign(claims()))).toBe(GOOD);
    pass(MINUTE_MS);
    issuer.keys = [next.jwk, old.jwk];
    expect(await judge(await next.sign(claims()))).toBe(GOOD);
    expect(await judge(await old.sign(claims()))).toBe(GOOD);
    expect(issuer.asked).toBe(2);

    issuer.keys = [next.jwk];
    pass(11 * MINUTE_MS);
    // This request still uses what is there, and has it fetched again.
    expect(await judge(await next.sign(claims()))).toBe(GOOD);
    await expect.poll(() => judgeSoon(judge, old.sign(claims()))).toBe(BAD);
    expect(await judge(await next.sign(claims()))).toBe(GOOD);
  });

  test('still verify while the issuer is away, for an hour', async () => {
    const key = await makeKey('one');
    const issuer = await startIssuer(key);
    const { judge, claims, pass } = await believing(issuer);
    expect(await judge(await key.sign(claims()))).toBe(GOOD);
    await issuer.stop();
    for (let minutes = 0; minutes < 60; minutes += 10) {
      expect(await judge(await key.sign(claims()))).toBe(GOOD);
      pass(10 * MINUTE_MS);
    }
    pass(SECOND_MS);
    expect(await judge(await key.sign(claims()))).toBe('issuer_unavailable');
  });

  test('are fetched beside requests: an issuer that hangs holds nobody up', async () => {
    const key = await makeKey('one');
    const issuer = await startIssuer(key);
    const { judge, claims, pass } = await believing(issuer);
    await judge(await key.sign(claims()));
    issuer.silent = true;
    pass(11 * MINUTE_MS);
    const startedMs = performance.now();
    for (let i = 0; i < 10; i += 1) expect(await judge(await key.sign(claims()))).toBe(GOOD);
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    expect(issuer.asked).toBe(2);
  });

  test('that cannot be fetched are our trouble, not the caller’s: 503, and the caller may come again', async () => {
    const key = await makeKey('one');
    const issuer = await startIssuer(key);
    const { api, judge, claims, pass } = await believing(issuer);
    for (const answer of [
      { status: 500, body: '' },
      { status: 200, body: 'not JSON' },
      { status: 200, body: '{"keys": "none"}' },
      { status: 302, body: '' },
    ]) {
      issuer.answer = answer;
      expect(await judge(await key.sign(claims()))).toBe('issuer_unavailable');
      pass(6 * SECOND_MS);
    }
    const refused = await api.send({ method: 'GET', url: '/v1/plan', token: await key.sign(claims()) });
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, '2']);
    expect(refused.body).not.toContain('127.0.0.1');
    pass(6 * SECOND_MS);
    issuer.answer = null;
    expect(await judge(await key.sign(claims()))).toBe(GOOD);
  });

  test('are not asked for by the thousand when callers invent key ids', async () => {
    const [key, foreign] = [await makeKey('one'), await makeKey('other')];
    const issuer = await startIssuer(key);
    const { judge, claims, pass } = await believing(issuer);
    await judge(await key.sign(claims()));
    const invented = async () => judge(await foreign.sign(claims(), { kid: randomUUID() }));
    for (let i = 0; i < 50; i += 1) expect(await invented()).toBe(BAD);
    expect(issuer.asked).toBe(1);
    pass(31 * SECOND_MS);
    for (let i = 0; i < 50; i += 1) expect(await invented()).toBe(BAD);
    expect(issuer.asked).toBe(2);

    // Nobody can say whether the key is new: that is no verdict on the token.
    await issuer.stop();
    pass(31 * SECOND_MS);
    for (let i = 0; i < 10; i += 1) expect(await invented()).toBe('issuer_unavailable');
    expect(await judge(await key.sign(claims()))).toBe(GOOD);
  });

  test('and a shared secret exclude each other, and one is needed', async () => {
    const { AUTH_JWT_SECRET: _unused, ...neither } = apiConfig;
    await expect(startTestApi({ config: neither })).rejects.toThrow(ConfigError);
    const both = { ...apiConfig, AUTH_JWKS_URL: 'http://127.0.0.1/keys' };
    await expect(startTestApi({ config: both })).rejects.toThrow(ConfigError);
  });

  const judgeSoon = async (judge: (token: string) => Promise<string>, token: Promise<string>) => judge(await token);
});

describe('a token with published keys is refused', () => {
  test('when it uses the public key as a shared secret', async () => {
    const key = await makeKey('one', 'RS256');
    const issuer = await startIssuer(key);
    const { judge, claims } = await believing(issuer);
    const secrets = [await exportSPKI(key.publicKey), JSON.stringify(key.jwk), key.jwk.n ?? '', ''];
    for (const secret of secrets)
      for (const alg of ['HS256', 'HS512']) {
        const input = `${encode({ alg, kid: 'one' })}.${encode(claims())}`;
        const hash = alg === 'HS256' ? 'sha256' : 'sha512';
        expect(await judge(`${input}.${createHmac(hash, secret).update(input).digest('base64url')}`)).toBe(BAD);
      }
    expect(await judge(await tokenFor())).toBe(BAD);
  });

  test('when its header names another algorithm than the key has', async () => {
    const [rsa, ec] = [await makeKey('rsa', 'RS256'), await makeKey('ec', 'ES256')];
    const issuer = await startIssuer(rsa, ec);
    const { judge, claims } = await believing(issuer);
    expect(await judge(await rsa.sign(claims(), { kid: 'ec' }))).toBe(BAD);
    expect(await judge(await ec.sign(claims(), { kid: 'rsa' }))).toBe(BAD);
    const [, payload = '', signature = ''] = (await rsa.sign(claims())).split('.');
    for (const alg of [
      'none',
      'None',
      'NONE',
      '',
      'HS256',
      'PS256',
      'RS1',
      'ES256',
      'dir',
      'RSA-OAEP',
      'nonsense',
      7,
      null,
    ])
      for (const last of [signature, ''])
        expect({ alg, code: await judge(`${encode({ alg, kid: 'rsa' })}.${payload}.${last}`) }).toEqual({
          alg,
          code: BAD,
        });
  });

  test('when the issuer publishes its key as something else, or a secret, or one too weak', async () => {
    const rsa = await makeKey('rsa', 'RS256');
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
    const shared = {
      kty: 'oct',
      kid: 'shared',
      alg: 'HS256',
      k: Buffer.from(apiConfig.AUTH_JWT_SECRET).toString('base64url'),
    };
    const issuer = await startIssuer(rsa);
    issuer.keys = [{ ...rsa.jwk, kty: 'EC' }, shared, { ...weak, kid: 'weak', alg: 'RS256' }];
    const { judge, claims } = await believing(issuer);
    expect(await judge(await rsa.sign(claims()))).toBe(BAD);
    expect(await judge(await rsa.sign(claims(), { kid: 'weak' }))).toBe(BAD);
    const input = `${encode({ alg: 'HS256', kid: 'shared' })}.${encode(claims())}`;
    expect(
      await judge(`${input}.${createHmac('sha256', apiConfig.AUTH_JWT_SECRET).update(input).digest('base64url')}`),
    ).toBe(BAD);
  });

  test('when it brings its own key, or asks for something nobody understands', async () => {
    const [key, own] = [await makeKey('one'), await makeKey('own')];
    const issuer = await startIssuer(key);
    const { judge, claims } = await believing(issuer);
    expect(await judge(await own.sign(claims(), { kid: 'one', jwk: own.jwk }))).toBe(BAD);
    expect(await judge(await own.sign(claims(), { kid: 'one', jku: issuer.config.AUTH_JWKS_URL }))).toBe(BAD);
    const [, payload, signature] = (await key.sign(claims())).split('.');
    expect(await judge(`${encode({ alg: 'ES256', kid: 'one', crit: ['exp'] })}.${payload}.${signature}`)).toBe(BAD);
  });
});

describe('the claims of a token', () => {
  const cases: [string, (claims: JWTPayload, nowSeconds: number) => JWTPayload, string][] = [
    ['as they should be', (claims) => claims, GOOD],
    ['over for 20 s', (claims, now) => ({ ...claims, exp: now - 20 }), GOOD],
    ['over for 40 s', (claims, now) => ({ ...claims, exp: now - 40 }), BAD],
    ['valid in 20 s', (claims, now) => ({ ...claims, nbf: now + 20 }), GOOD],
    ['valid in 40 s', (claims, now) => ({ ...claims, nbf: now + 40 }), BAD],
    ['with an end that is no number', (claims) => ({ ...claims, exp: '9999999999' as unknown as number }), BAD],
    ['without an end', ({ exp: _exp, ...claims }) => claims, BAD],
    ['of another issuer', (claims) => ({ ...claims, iss: 'https://somebody.else' }), BAD],
    ['of no issuer', ({ iss: _iss, ...claims }) => claims, BAD],
    ['for nobody', ({ aud: _aud, ...claims }) => claims, BAD],
    ['for us among others', (claims) => ({ ...claims, aud: ['x', apiConfig.AUTH_AUDIENCE] }), GOOD],
    ['for others', (claims) => ({ ...claims, aud: ['x', 'y'] }), BAD],
    ['without a subject', ({ sub: _sub, ...claims }) => claims, BAD],
    ['with an empty subject', (claims) => ({ ...claims, sub: '' }), BAD],
    ['with a subject of 255 characters', (claims) => ({ ...claims, sub: 'x'.repeat(255) }), GOOD],
    ['with a subject of 256 characters', (claims) => ({ ...claims, sub: 'x'.repeat(256) }), BAD],
    ['with a subject that has a NUL', (claims) => ({ ...claims, sub: 'a\u0000b' }), BAD],
    ['with a subject that has a line break', (claims) => ({ ...claims, sub: 'a\nb' }), BAD],
    ['with a subject that has half a pair', (claims) => ({ ...claims, sub: 'a\ud800' }), BAD],
    ['without a tenant', ({ tenant: _tenant, ...claims }) => claims, BAD],
    ['with a tenant that is a list', (claims) => ({ ...claims, tenant: ['acme'] }), BAD],
    ['with a tenant of 256 characters', (claims) => ({ ...claims, tenant: 'x'.repeat(256) }), BAD],
    ['with a scope that is a list', (claims) => ({ ...claims, scope: ['artifacts:read'] }), BAD],
    ['with an execution that is no UUID', (claims) => ({ ...claims, executions: ['all'] }), BAD],
    ['so many that the token is too long', (claims) => ({ ...claims, filler: 'x'.repeat(9_000) }), BAD],
  ];

  test.each(cases)('%s', async (_name, change, expected) => {
    const key = await makeKey('one');
    const authenticate = createAuthenticate((await startIssuer(key)).config);
    const token = await key.sign(change(goodClaims(), Math.floor(Date.now() / 1_000)));
    const verdict = await authenticate(`Bearer ${token}`).then(
      ({ subject }) => ({ subject }),
      (error: unknown) => ({ code: error instanceof ArtifactError && error.code }),
    );
    expect(verdict).toEqual(expected === GOOD ? { subject: expect.any(String) as string } : { code: BAD });
  });

  test('a token without any scope may do nothing', async () => {
    const key = await makeKey('one');
    const { judge } = await believing(await startIssuer(key));
    const { scope: _scope, ...claims } = goodClaims();
    expect(await judge(await key.sign(claims))).toBe('forbidden');
  });
});

test('an issuer that is away for hours is believed again once it is back', async () => {
  const key = await makeKey('one');
  const issuer = await startIssuer(key);
  const { judge, claims, pass } = await believing(issuer);
  expect(await judge(await key.sign(claims()))).toBe(GOOD);
  issuer.answer = { status: 503, body: '' };
  pass(2 * HOUR_MS);
  expect(await judge(await key.sign(claims()))).toBe('issuer_unavailable');
  issuer.answer = null;
  pass(6 * SECOND_MS);
  expect(await judge(await key.sign(claims()))).toBe(GOOD);
});
