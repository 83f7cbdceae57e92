import { ANNOUNCED_KINDS, type ArtifactRecord, type AuditEvent, type AuditKind } from './artifact-record.js';
import { ArtifactError, type ErrorCode } from './errors.js';

/*
 * What the outside world is told about a change of an artifact, and what of it still waits. Plain JSON: it lives in a workflow until
 * every receiver has accepted it.
 */

/** What a receiver is sent, as JSON. Never a secret, never a signed URL. */
export interface WebhookMessage {
  /** `artifact.` and the kind of the change. */
  type: `artifact.${AuditKind}`;
  /** When it happened, ISO 8601. */
  timestamp: string;
  data: {
    artifactId: string;
    executionId: string;
    tenantId: string;
    /** Below the execution, as its author wrote it. */
    path: string;
    /** After the change. */
    status: ArtifactRecord['status'];
    /** The number of the change in the artifact's history. */
    changeNumber: number;
    actor: string;
    /** ISO 8601; null for a permanent artifact. */
    expiresAt: string | null;
    /** As in the history of the artifact. */
    detail: Record<string, unknown>;
  };
}

/** Known again by artifact and change number: one that comes twice is delivered once. */
export interface Announcement {
  artifactId: string;
  changeNumber: number;
  message: WebhookMessage;
  /** Names of those who shall hear of it. A name is no URL, which may hold a secret. */
  receivers: string[];
}

/** A change that was written, as the audit has it. */
export interface WrittenChange extends AuditEvent {
  changeNumber: number;
  atMs: number;
}

/** The announcement of a change; null when its kind is not announced. `record` is the row after it. */
export function announcementOf(
  record: ArtifactRecord,
  change: WrittenChange,
  receivers: readonly string[],
): Announcement | null {
  const { kind, actor, detail, changeNumber, atMs } = change;
  if (!ANNOUNCED_KINDS.includes(kind)) return null;
  const { id: artifactId, executionId, tenantId, path, status, expiresAtMs } = record;
  const expiresAt = expiresAtMs === null ? null : new Date(expiresAtMs).toISOString();
  return {
    artifactId,
    changeNumber,
    receivers: [...receivers],
    message: {
      type: `artifact.${kind}`,
      timestamp: new Date(atMs).toISOString(),
      data: { artifactId, executionId, tenantId, path, status, changeNumber, actor, expiresAt, detail },
    },
  };
}

/** The same for every attempt and every receiver, so that whoever gets it twice can tell. */
export const announcementId = ({
  artifactId,
  changeNumber,
}: Pick<Announcement, 'artifactId' | 'changeNumber'>): string => `${artifactId}_${changeNumber}`;

/**
 * More than any artifact changes while its receivers are away. What comes on top is given up: what waits is handed from run to run in one
 * message, which Temporal limits to 2 MB.
 */
const MAX_WAITING = 400;
/** The rest is only counted. */
const MAX_GIVEN_UP_LISTED = 100;

/** An announcement that some of its receivers have not accepted yet: `receivers` are those. */
export interface WaitingAnnouncement extends Announcement {
  announcedAtMs: number;
}

/** An announcement that will not be delivered to a receiver. */
export interface GivenUp {
  receiver: string;
  changeNumber: number;
  code: ErrorCode;
  message: string;
}

/** All that the announcements of one artifact need to go on; plain JSON. */
export interface DeliveryState {
  v: 1;
  artifactId: string;
  /** In the order of their changes. */
  waiting: WaitingAnnouncement[];
  /** Numbers of all changes that were announced. */
  known: number[];
  /** Receivers that want to hear nothing more. */
  gone: string[];
  /** The first 100. */
  givenUp: GivenUp[];
  givenUpCount: number;
}

export const noDeliveries = (artifactId: string): DeliveryState => ({
  v: 1,
  artifactId,
  waiting: [],
  known: [],
  gone: [],
  givenUp: [],
  givenUpCount: 0,
});

/** One more announcement; the state as it was when it is known already. */
export function withAnnouncement(state: DeliveryState, announcement: Announcement, nowMs: number): DeliveryState {
  const { changeNumber } = announcement;
  if (state.known.includes(changeNumber)) return state;
  const known = [...state.known, changeNumber];
  const receivers = announcement.receivers.filter((receiver) => !state.gone.includes(receiver));
  if (state.waiting.length >= MAX_WAITING) {
    const error = new ArtifactError('webhook_given_up', `${MAX_WAITING} others wait already`);
    const refused = (next: DeliveryState, receiver: string) => withGivenUp(next, { receiver, changeNumber }, error);
    return receivers.reduce(refused, { ...state, known });
  }
  const waiting = [...state.waiting, { ...announcement, receivers, announcedAtMs: nowMs }]
    .filter((one) => one.receivers.length > 0)
    .sort((a, b) => a.changeNumber - b.changeNumber);
  return { ...state, waiting, known };
}

/** Who has something to receive. */
export const receiversIn = ({ waiting }: DeliveryState): string[] => [
  ...new Set(waiting.flatMap(({ receivers }) => receivers)),
];

/** What a receiver must get next. */
export const nextFor = (receiver: string, { waiting }: DeliveryState): WaitingAnnouncement | undefined =>
  waiting.find(({ receivers }) => receivers.includes(receiver));

/** A receiver accepted it. */
export const withAccepted = (state: DeliveryState, receiver: string, changeNumber: number): DeliveryState =>
  without(state, receiver, (number) => number === changeNumber);

/** It will not be delivered to this receiver; one that is gone is sent nothing any more. */
export function withGivenUp(
  state: DeliveryState,
  { receiver, changeNumber }: Pick<GivenUp, 'receiver' | 'changeNumber'>,
  { code, message }: ArtifactError,
): DeliveryState {
  const isGone = code === 'webhook_gone';
  return {
    ...without(state, receiver, (number) => isGone || number === changeNumber),
    gone: isGone ? [...state.gone, receiver] : state.gone,
    givenUp: [...state.givenUp, { receiver, changeNumber, code, message }].slice(0, MAX_GIVEN_UP_LISTED),
    givenUpCount: state.givenUpCount + 1,
  };
}

function without(state: DeliveryState, receiver: string, isSettled: (changeNumber: number) => boolean): DeliveryState {
  const waiting = state.waiting
    .map((one) => ({
      ...one,
      receivers: one.receivers.filter((name) => name !== receiver || !isSettled(one.changeNumber)),
    }))
    .filter(({ receivers }) => receivers.length > 0);
  return { ...state, waiting };
}
