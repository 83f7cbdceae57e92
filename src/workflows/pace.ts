/** What the workflows of artifacts do in this time, on two cores. */
const PER_ARTIFACT_MS = 10;

/** When to look again at artifacts that were told something: the fewer are left, the sooner; not so often that looking slows them. */
export const lookAgainMs = (left: number, { leastMs, mostMs }: { leastMs: number; mostMs: number }): number =>
  Math.min(Math.max(left * PER_ARTIFACT_MS, leastMs), mostMs);
