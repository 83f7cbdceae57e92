import { setTimeout as sleep } from 'node:timers/promises';
import type { ArtifactRecord } from '../../domain/artifact-record.js';
import type { ArrivalProgress } from '../../domain/upload-progress.js';
import type { ApiContext } from '../context.js';
import { uploadProgress } from '../upload-status.js';

/** What was seen of an artifact by one look. */
export interface Seen {
  record: ArtifactRecord;
  progress: ArrivalProgress;
}

/** The looks at one artifact, shared by all who listen. */
export interface Feed {
  /** By the last look; null before the first, and once the artifact is gone with its execution. */
  latest(): Seen | null;
  /** Looks so far: whoever remembers the number knows whether there was another. */
  looks(): number;
  /** No more looks: the artifact is gone, or the process is about to stop. */
  hasEnded(): boolean;
  /** Resolves with the next look, the end, the signal, or after `waitMs`. */
  next(waitMs: number, signal: AbortSignal): Promise<void>;
  /** With the last listener the looking ends. Call it once. */
  leave(): void;
}

export interface Feeds {
  join(artifactId: string): Feed;
  /** Ends every feed, and every one that is joined afterwards. */
  close(): void;
  /** Artifacts that are looked at. */
  size(): number;
}

interface Channel {
  listeners: number;
  seen: Seen | null;
  looks: number;
  ended: boolean;
  /** Those who wait for the next look. */
  waiting: Set<() => void>;
  stop: AbortController;
}

/** Looks at artifacts while somebody listens, each once every `pollMs` however many do. */
export function createFeeds(context: ApiContext, pollMs: number): Feeds {
  const channels = new Map<string, Channel>();
  let isClosed = false;

  async function look(artifactId: string, channel: Channel): Promise<void> {
    const record = await context.records.get(artifactId);
    channel.seen = record === null ? null : { record, progress: await uploadProgress(context, record) };
    channel.ended ||= record === null;
    channel.looks += 1;
  }

  async function watch(artifactId: string, channel: Channel): Promise<void> {
    while (!channel.stop.signal.aborted && !channel.ended) {
      // An outage passes: whoever listens sees the last look until then.
      await look(artifactId, channel).catch(() => undefined);
      wake(channel);
      await sleep(pollMs, undefined, { signal: channel.stop.signal }).catch(() => undefined);
    }
  }

  function end(channel: Channel): void {
    channel.ended = true;
    channel.stop.abort();
    wake(channel);
  }

  function open(artifactId: string): Channel {
    const channel: Channel = {
      ...{ listeners: 0, seen: null, looks: 0, ended: isClosed },
      ...{ waiting: new Set(), stop: new AbortController() },
    };
    channels.set(artifactId, channel);
    void watch(artifactId, channel);
    return channel;
  }

  return {
    join(artifactId) {
      const channel = channels.get(artifactId) ?? open(artifactId);
      channel.listeners += 1;
      return {
        latest: () => channel.seen,
        looks: () => channel.looks,
        hasEnded: () => channel.ended,
        next: (waitMs, signal) => nextLook(channel, waitMs, signal),
        leave: () => {
          channel.listeners -= 1;
          if (channel.listeners > 0) return;
          end(channel);
          if (channels.get(artifactId) === channel) channels.delete(artifactId);
        },
      };
    },
    close() {
      isClosed = true;
      for (const channel of channels.values()) end(channel);
    },
    size: () => channels.size,
  };
}

function wake({ waiting }: Channel): void {
  for (const resolve of waiting) resolve();
}

function nextLook({ waiting }: Channel, waitMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      waiting.delete(done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, waitMs);
    waiting.add(done);
    if (signal.aborted) done();
    else signal.addEventListener('abort', done);
  });
}
