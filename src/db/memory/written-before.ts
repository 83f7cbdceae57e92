import { isDeepStrictEqual } from 'node:util';
import type { AuditEvent } from '../../domain/artifact-record.js';
import type { WrittenBefore } from '../../domain/decided-before.js';
import type { RecordedEvent } from '../artifact-records.js';

/** The audit of an artifact, beside an event that may be in it already. */
export const writtenBefore = (events: readonly RecordedEvent[], event: AuditEvent): WrittenBefore[] =>
  events.map(({ changeNumber, atMs, ...written }) => ({
    ...{ changeNumber, atMs, kind: written.kind },
    isSame: isDeepStrictEqual({ ...event }, { ...written }),
  }));
