import type { PlannedAction, PlanPreview, PreviewedAction } from '../sdk/index.js';
import { humanBytes, relativeTime } from './format.js';
import { fittedTable } from './tables.js';

const WHAT: Record<PreviewedAction, string> = {
  warn: 'warning of expiry',
  endHold: 'hold ends',
  changeTier: 'moves to WARM',
  pollRestore: 'restore ends',
  abandonUpload: 'upload abandoned',
  expire: 'expires',
  delete: 'deleted',
  purge: 'bytes go for good',
};

const whatOf = ({ action, rule, undeleteUntil }: PlannedAction): string => {
  if (rule === 'cold_age' || rule === 'cold_unused') return 'moves to COLD (archived)';
  return undeleteUntil === undefined ? WHAT[action] : `${WHAT[action]} (undelete: ${day(undeleteUntil)})`;
};

const day = (date: Date): string => date.toISOString().slice(0, 10);
const minute = (date: Date): string => `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** @param maxColumns width of the terminal: paths are shortened to fit, and when that is not enough ID and WHY are left out. */
export const planTable = (items: PlannedAction[], maxColumns = Infinity): string =>
  fittedTable<PlannedAction>(
    [
      { head: 'WHEN', text: ({ at, isEstimate }) => `${isEstimate ? '~' : ''}${minute(at)} (${relativeTime(at)})` },
      { head: 'WHAT', text: whatOf },
      { head: 'SIZE', text: ({ sizeBytes }) => (sizeBytes === undefined ? '' : humanBytes(sizeBytes)), align: 'right' },
      { head: 'PATH', text: ({ path }) => path },
      { head: 'WHY', text: ({ rule }) => rule.replaceAll('_', ' ') },
      { head: 'ID', text: ({ artifactId }) => artifactId },
    ],
    items,
    { maxColumns, spare: ['ID', 'WHY'] },
  );

/** How much of what, in one line. */
export function planTotals({ until, totals }: Pick<PlanPreview, 'until' | 'totals'>): string {
  const { complete, artifacts, actions } = totals;
  if (actions.length === 0 && complete) return `Nothing happens by itself until ${minute(until)}.`;
  const sums = actions.map(({ action, count, sizeBytes }) => `${count} ${action} (${humanBytes(sizeBytes)})`);
  const counted = `${complete ? '' : 'more than '}${artifacts} ${artifacts === 1 ? 'artifact' : 'artifacts'}`;
  return `Until ${minute(until)}, ${counted}: ${sums.join(', ')}`;
}
