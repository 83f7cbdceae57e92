import { randomUUID } from 'node:crypto';
import type { DatabaseIdentity } from '../database-identity.js';

/** Which database it is, in memory, for tests that need no Postgres. Passes the same contract suite. */
export class MemoryDatabaseIdentity implements DatabaseIdentity {
  #id: string = randomUUID();
  readonly #proofs = new Set<string>();

  databaseId(): Promise<string> {
    return Promise.resolve(this.#id);
  }

  issueProof(): Promise<string> {
    const proof = randomUUID();
    this.#proofs.add(proof);
    return Promise.resolve(proof);
  }

  hasIssued(proof: string): Promise<boolean> {
    return Promise.resolve(this.#proofs.has(proof));
  }

  becomeAnother(databaseId: string): Promise<void> {
    if (this.#id === databaseId) this.#id = randomUUID();
    return Promise.resolve();
  }

  /** What a backup of it, or a copy, would be. */
  copy(): MemoryDatabaseIdentity {
    const copy = new MemoryDatabaseIdentity();
    copy.#id = this.#id;
    for (const proof of this.#proofs) copy.#proofs.add(proof);
    return copy;
  }
}
