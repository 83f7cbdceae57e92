import type { RowInventory } from '../../db/row-inventory.js';
import { NOTHING_INSPECTED, type Finding, type Inspected } from '../../domain/drift.js';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../domain/units.js';
import type { StoreCapabilities } from '../../storage/object-store.js';
import { withHeartbeat } from '../boundary.js';
import type { ActivityDeps, Fleet, InspectionPatience } from '../deps.js';
import { foundTwice } from './confirm.js';
import { paced, type StoreReads } from './paced.js';

export interface InspectionSlice {
  runId: string;
  /** Null: from the beginning. */
  cursor: string | null;
}

export interface InspectedSlice {
  /** Where the next slice begins; null: everything has been looked at. */
  cursor: string | null;
  /** In this slice. */
  inspected: Inspected;
}

/** A slice ends with the page in which it has taken so long, or looked at so many things. */
const SLICE_MS = 20 * SECOND_MS;
const SLICE_THINGS = 5_000;
const PAGE_SIZE = 1_000;

export const INSPECTION_PATIENCE: InspectionPatience = {
  // An attempt to purge has 8 s, in which the bytes are gone and the row does not say so yet.
  secondLookMs: 10 * SECOND_MS,
  quietRowsMs: MINUTE_MS,
  uploadMs: HOUR_MS,
  registrationMs: 2 * MINUTE_MS,
  expiryMs: HOUR_MS,
};

/** What one slice works with. */
export interface Inspector {
  store: StoreReads;
  capabilities: StoreCapabilities;
  rows: RowInventory;
  records: ActivityDeps['records'];
  fleet: Fleet;
  /** Whether a life runs, by an answer that does not lag. */
  isAlive: (artifactId: string) => Promise<boolean>;
  patience: InspectionPatience;
  /** So many things are in memory at a time. */
  pageSize: number;
  signal: AbortSignal;
  /** Adds to what was looked at. */
  count: (seen: Partial<Inspected>) => void;
  /** Is it time to hand over? */
  isOver: () => boolean;
  /** Notes what is found of these suspects, and answers with it; see {@link foundTwice}. */
  confirm: <T>(suspects: readonly T[], look: (suspect: T) => Promise<Finding[]>) => Promise<Finding[]>;
}

/** Goes on from a cursor until the slice is over; answers where the next goes on, or null. */
type Inspect<Cursor> = (inspector: Inspector, cursor: Cursor | null) => Promise<Cursor | null>;

/** Runs one slice, with heartbeats. */
export async function inspectSlice<Cursor>(
  deps: ActivityDeps,
  { runId, cursor }: InspectionSlice,
  inspect: Inspect<Cursor>,
): Promise<InspectedSlice> {
  const { inspection, reconciliations, records, capabilities } = deps;
  if (inspection === undefined || reconciliations === undefined) throw new Error('this worker cannot reconcile');
  const { rows, fleet, pace, pageSize = PAGE_SIZE } = inspection;
  const patience = { ...INSPECTION_PATIENCE, ...inspection.patience };
  return withHeartbeat('inspecting', async ({ signal, tell }) => {
    const endMs = Date.now() + SLICE_MS;
    const lives = paced(deps.lives, pace);
    const inspected = { ...NOTHING_INSPECTED };
    const things = (): number => {
      const { bytes: _bytes, ...counts } = inspected;
      return Object.values(counts).reduce((sum, count) => sum + count, 0);
    };
    const inspector: Inspector = {
      ...{ rows, records, capabilities, patience, pageSize, signal },
      store: paced(deps.store, pace),
      fleet: paced(fleet, pace),
      isAlive: (id) => lives.isAlive(id),
      count: (seen) => {
        for (const [what, count] of Object.entries(seen) as [keyof Inspected, number][]) inspected[what] += count;
        tell({ phase: `inspecting, ${things()} so far` });
      },
      isOver: () => Date.now() >= endMs || things() >= SLICE_THINGS,
      confirm: async (suspects, look) => {
        const findings = await foundTwice(suspects, look, { secondLookMs: patience.secondLookMs, signal });
        if (findings.length > 0) await reconciliations.addFindings(runId, findings);
        return findings;
      },
    };
    const next = await inspect(inspector, cursor === null ? null : (JSON.parse(cursor) as Cursor));
    return { cursor: next === null ? null : JSON.stringify(next), inspected };
  });
}
