/** google.protobuf.Timestamp or Duration, whose `seconds` are a Long or a string. */
export type Timestamp = { seconds?: unknown; nanos?: number | null } | null | undefined;

/** Milliseconds; of a Timestamp since the epoch. 0 when it is absent. */
export const msOf = (time: Timestamp): number => Number(time?.seconds ?? 0) * 1_000 + (time?.nanos ?? 0) / 1_000_000;
