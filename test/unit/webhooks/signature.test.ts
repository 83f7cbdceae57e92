import { describe, expect, it } from 'vitest';
import { keyOf, signedHeaders } from '../../../src/webhooks/signature.js';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const keyIn = (secret: string): Buffer => {
  const key = keyOf(secret);
  if (key === null) throw new Error('no key');
  return key;
};
const base64Of = (bytes: number): string => Buffer.alloc(bytes, 7).toString('base64');

describe('a signature', () => {
  it('is the one that the Standard Webhooks libraries are tested with', () => {
    const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}', sentAtMs: 1_614_265_330_999 };
    expect(signedHeaders([keyIn(SECRET)], message)).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('is given for every secret while they are changed', () => {
    const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}', sentAtMs: 1_614_265_330_000 };
    const other = keyIn(`whsec_${base64Of(32)}`);
    const signatures = signedHeaders([other, keyIn(SECRET)], message)['webhook-signature'].split(' ');
    expect(signatures).toHaveLength(2);
    expect(signatures[1]).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
    expect(signatures[0]).not.toBe(signatures[1]);
  });
});

describe('a secret', () => {
  it.each([24, 32, 64])('of %i bytes is one', (bytes) => {
    expect(keyOf(`whsec_${base64Of(bytes)}`)).toEqual(Buffer.alloc(bytes, 7));
  });

  it.each([
    '',
    'whsec_',
    `whsec_${base64Of(23)}`,
    `whsec_${base64Of(65)}`,
    base64Of(32),
    'whsec_not base64 at all, or is it',
  ])('"%s" is none', (secret) => {
    expect(keyOf(secret)).toBeNull();
  });
});
