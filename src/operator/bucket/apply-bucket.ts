import { setTimeout as sleep } from 'node:timers/promises';
import { isChange, isDrift, type BucketFinding, type BucketState } from '../../domain/bucket/compare.js';
import type { WantedPart } from '../../domain/bucket/parts.js';
import { SECOND_MS } from '../../domain/units.js';
import type { BucketSettings } from '../../storage/bucket/bucket-settings.js';
import { changedForeign, inspectPart, lostFields, unreadable, type InspectedPart } from './compare-bucket.js';

/** What an apply did about a finding; absent: nothing. */
export type BucketOutcome = 'added' | 'changed' | 'removed' | 'not_kept';

export interface AppliedFinding extends BucketFinding {
  outcome?: BucketOutcome;
}

/** S3 may answer a read with what was there a moment before the write (S3 user guide, "data consistency model"). */
const READ_BACK_TRIES = 4;
const READ_BACK_WAIT_MS = SECOND_MS;

const DONE: Partial<Record<BucketState, BucketOutcome>> = {
  missing: 'added',
  differs: 'changed',
  superfluous: 'removed',
};

/**
 * Makes the bucket what is wanted: of each part that differs everything is read, ours is put in by name, all is written, read back and
 * compared. What is not ours stays as it is. Safe to repeat: the second time nothing is written.
 * @param waitMs between looks when the store does not say yet what was written. Default 1 second.
 * @throws `bucket_not_found`, `storage_unavailable`.
 */
export async function applyBucket(
  settings: BucketSettings,
  wanted: WantedPart[],
  { waitMs = READ_BACK_WAIT_MS }: { waitMs?: number } = {},
): Promise<AppliedFinding[]> {
  const findings: AppliedFinding[] = [];
  for (const part of wanted) findings.push(...(await applyPart(settings, await inspectPart(settings, part), waitMs)));
  return findings;
}

async function applyPart(settings: BucketSettings, before: InspectedPart, waitMs: number): Promise<AppliedFinding[]> {
  const { wanted, findings, document, found } = before;
  if (document === null || found === undefined) return findings;
  try {
    await settings.write(wanted.part, document);
  } catch (error) {
    const { state, note } = unreadable(wanted, error);
    return findings.map((finding) =>
      isChange(finding) ? { ...finding, state, ...(note === undefined ? {} : { note }) } : finding,
    );
  }
  const after = await readBack(settings, wanted, waitMs);
  const harmed = after.found === undefined ? [] : changedForeign(wanted, found, after.found);
  return [
    ...findings.map((finding) => outcomeOf(finding, after)),
    ...harmed.map((text): AppliedFinding => ({
      ...{ part: wanted.part, name: 'a rule of somebody else', state: 'refused', outcome: 'not_kept' },
      note: `the store has changed it; it was ${text}`,
    })),
  ];
}

async function readBack(settings: BucketSettings, wanted: WantedPart, waitMs: number): Promise<InspectedPart> {
  for (let tries = 1; ; tries++) {
    const after = await inspectPart(settings, wanted);
    if (!after.findings.some(isChange) || tries === READ_BACK_TRIES) return after;
    await sleep(waitMs);
  }
}

function outcomeOf(finding: BucketFinding, after: InspectedPart): AppliedFinding {
  const done = DONE[finding.state];
  if (done === undefined) return finding;
  const now =
    after.findings.find(({ name }) => name === finding.name) ?? after.findings.find(({ name }) => name === 'all');
  if (now === undefined ? done === 'removed' : !isDrift(now)) return { ...finding, outcome: done };
  const lost = lostFields(finding.wanted, now?.found).join(', ');
  return { ...finding, outcome: 'not_kept', note: `the store took it without a word, and has not kept: ${lost}` };
}
