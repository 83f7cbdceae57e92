import { describe } from 'vitest';
import type { ObjectStore, SignedRequest, StoreCapabilities } from '../../../src/storage/object-store.js';
import { downloadTests } from './downloads.js';
import { failureTests } from './failures.js';
import { inventoryTests } from './inventory.js';
import { keeperTests } from './keeper.js';
import { multipartTests } from './multipart.js';
import { probeTests } from './probe.js';
import { putStreamTests } from './put-stream.js';
import { sendPartsTests } from './send-parts.js';
import { singlePutTests } from './single-put.js';
import { tieringTests } from './tiering.js';

/** What some stores cannot do. For such a store the suite asserts the documented lesser behaviour instead. */
export type Check =
  | 'refuse other bytes'
  | 'refuse a broken signature'
  | 'refuse an expired URL'
  | 'keep checksums of signed uploads'
  | 'storage classes'
  | 'say that an upload is gone'
  | 'compare with the current object when parts are joined'
  | 'take an empty tag set'
  | 'names of more than 255 bytes'
  | 'an object below another object';

/** The answer to a signed request. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

/** One implementation of the port, with the hooks that a test needs around it. */
export interface StoreUnderTest {
  /** In a versioned bucket. */
  store: ObjectStore;
  /** In a bucket without versions. */
  unversioned: ObjectStore;
  /** In a bucket that does not exist. */
  withoutBucket: ObjectStore;
  /** At an address where nothing answers. */
  unreachable: ObjectStore;
  /** Sends a signed request as a client would. */
  send: (request: SignedRequest, body?: Buffer) => Promise<Answer>;
  /** Called after a restore was asked for: it stays in progress until {@link finishRestores}. */
  holdRestore: (key: string) => Promise<void>;
  finishRestores: () => Promise<void>;
  /** Every key below a prefix that has a version or a marker. */
  keysBelow: (prefix: string) => Promise<string[]>;
  /** Frees what the factory opened. */
  close: () => Promise<void>;
}

export interface StoreLeg {
  name: string;
  open(): Promise<StoreUnderTest>;
  /** Checks this store cannot pass, each with the reason. */
  cannot: Partial<Record<Check, string>>;
  /** What `probeStore` must find out. */
  capabilities: StoreCapabilities;
}

/** The contract of `ObjectStore`: every implementation passes it, or says what it cannot do and why. */
export function objectStoreSuite(leg: StoreLeg): void {
  for (const [check, why] of Object.entries(leg.cannot)) console.log(`${leg.name} cannot: ${check} — ${why}`);
  describe(`the object store contract on ${leg.name}`, () => {
    const groups = [
      ...[singlePutTests, putStreamTests, sendPartsTests, multipartTests, downloadTests],
      ...[keeperTests, inventoryTests, tieringTests, failureTests, probeTests],
    ];
    for (const group of groups) group(leg);
  });
}
