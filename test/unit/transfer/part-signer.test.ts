import { expect, test } from 'vitest';
import type { PartDigest, SignedPut } from '../../../src/transfer/part.js';
import { PartSigner } from '../../../src/transfer/part-signer.js';

const { signal } = new AbortController();
const digest = (partNumber: number): PartDigest => ({ partNumber, sizeBytes: 1, sha256: 'a' });
const putOf = ({ partNumber }: PartDigest): SignedPut => ({
  method: 'PUT',
  url: `http://s/${partNumber}`,
  headers: {},
});

test('what waits while one request is under way shares the next one', async () => {
  const asked: number[][] = [];
  const signer = new PartSigner(async (parts) => {
    asked.push(parts.map(({ partNumber }) => partNumber));
    await new Promise((resolve) => setImmediate(resolve));
    return new Map(parts.map((part) => [part.partNumber, putOf(part)]));
  }, signal);
  const signed = await Promise.all([1, 2, 3, 4].map((number) => signer.sign(digest(number))));
  expect(signed.map(({ url }) => url)).toEqual(['http://s/1', 'http://s/2', 'http://s/3', 'http://s/4']);
  expect(asked).toEqual([[1], [2, 3, 4]]);
});

test('a request that fails fails those that it was for, and no others', async () => {
  let requests = 0;
  const signer = new PartSigner((parts) => {
    requests += 1;
    return requests === 1
      ? Promise.reject(new Error('no'))
      : Promise.resolve(new Map(parts.map((part) => [part.partNumber, putOf(part)])));
  }, signal);
  const [first, second] = await Promise.allSettled([signer.sign(digest(1)), signer.sign(digest(2))]);
  expect([first.status, second.status]).toEqual(['rejected', 'fulfilled']);
});

test('a part that the answer leaves out is an error, not a wait for ever', async () => {
  const signer = new PartSigner(() => Promise.resolve(new Map()), signal);
  await expect(signer.sign(digest(7))).rejects.toMatchObject({ code: 'internal' });
});
