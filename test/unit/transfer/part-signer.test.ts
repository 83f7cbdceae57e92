import { describe, expect, test } from 'vitest';
import type { PartDigest, SignedPut } from '../../../src/transfer/part.js';
import { PartSigner, type SignParts } from '../../../src/transfer/part-signer.js';

const { signal } = new AbortController();
const digest = (partNumber: number): PartDigest => ({ partNumber, sizeBytes: 1, crc32: 'a' });
const answer: SignParts = (parts) =>
  Promise.resolve(
    new Map(
      parts.map(({ partNumber }): [number, SignedPut] => [
        partNumber,
        { method: 'PUT', url: `http://s/${partNumber}`, headers: {} },
      ]),
    ),
  );

/** A signer over `sign`, with parts 1 to 3 ready, and what it asked for. */
function signerWith(sign: SignParts = answer): { signer: PartSigner; asked: number[][] } {
  const asked: number[][] = [];
  const signer = new PartSigner((parts, own) => {
    asked.push(parts.map(({ partNumber }) => partNumber));
    return sign(parts, own);
  }, signal);
  for (const number of [1, 2, 3]) signer.ready(digest(number));
  return { signer, asked };
}

describe('signing parts', () => {
  test('one request signs all that are ready when the first of them is to be sent', async () => {
    const { signer, asked } = signerWith();
    expect(asked).toEqual([]);
    expect((await signer.signed(digest(1), false)).url).toBe('http://s/1');
    signer.ready(digest(4));
    expect((await signer.signed(digest(3), false)).url).toBe('http://s/3');
    expect((await signer.signed(digest(2), false)).url).toBe('http://s/2');
    expect(asked).toEqual([[1, 2, 3]]);
    expect((await signer.signed(digest(4), false)).url).toBe('http://s/4');
    expect(asked).toEqual([[1, 2, 3], [4]]);
  });

  test('what is to be sent again is signed again', async () => {
    const { signer, asked } = signerWith();
    await signer.signed(digest(1), false);
    await signer.signed(digest(1), true);
    await signer.signed(digest(2), true);
    expect(asked).toEqual([[1, 2, 3], [1], [2]]);
  });

  test('a request that fails fails those that it was for, and the next try asks again', async () => {
    let requests = 0;
    const { signer, asked } = signerWith((parts, own) => {
      requests += 1;
      return requests === 1 ? Promise.reject(new Error('no')) : answer(parts, own);
    });
    await expect(signer.signed(digest(1), false)).rejects.toThrow('no');
    await expect(signer.signed(digest(2), false)).rejects.toThrow('no');
    expect((await signer.signed(digest(2), false)).url).toBe('http://s/2');
    expect(asked).toEqual([[1, 2, 3], [2]]);
  });

  test('never more than the API takes at once', async () => {
    const { signer, asked } = signerWith();
    for (let number = 4; number <= 150; number += 1) signer.ready(digest(number));
    await signer.signed(digest(1), false);
    await signer.signed(digest(150), false);
    expect(asked.map(({ length }) => length)).toEqual([100, 50]);
  });

  test('a part that the answer leaves out is an error, not a wait for ever', async () => {
    const { signer } = signerWith(() => Promise.resolve(new Map()));
    await expect(signer.signed(digest(1), false)).rejects.toMatchObject({ code: 'internal' });
  });
});
