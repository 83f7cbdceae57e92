import { Type } from 'typebox';
import { RECONCILIATION_MODES } from './domain/reconcile.js';

/** The part of the configuration that is about reconciliations. */
export const RECONCILE_VARIABLES = {
  RECONCILE_EVERY_MINUTES: Type.Integer({
    default: 360,
    minimum: 0,
    maximum: 525_600,
    description: 'How often `setup` has bucket, rows and workflows compared, in minutes; 0: never by itself',
  }),
  RECONCILE_MODE: Type.Enum([...RECONCILIATION_MODES], {
    default: 'dry-run',
    description: 'What that does: `dry-run` only reports drift, `repair` heals it',
  }),
  RECONCILE_QUARANTINE_DAYS: Type.Integer({
    default: 7,
    minimum: 0,
    maximum: 3_650,
    description: 'Days for which a repair watches an object that nobody knows before it removes it for good',
  }),
  RECONCILE_KEEP_DAYS: Type.Integer({
    default: 30,
    minimum: 1,
    maximum: 3_650,
    description: 'Days for which reports of reconciliations are kept, and share links after their life has ended',
  }),
  RECONCILE_REQUESTS_PER_SECOND: Type.Integer({
    default: 200,
    minimum: 1,
    maximum: 10_000,
    description:
      'Requests to the object store and to Temporal by which reconciliations look for drift in a second, per worker',
  }),
};
