import { setTimeout as sleep } from 'node:timers/promises';
import { ArtifactError } from '../domain/errors.js';
import { MINUTE_MS, SECOND_MS } from '../domain/units.js';
import { abortedError } from '../transfer/aborted.js';
import type { Api } from './http.js';
import { serverSentEvents } from './server-sent-events.js';
import { toArtifact } from './wire.js';
import type { UploadEvent, UploadEventJson } from './wire.js';

/** The API says something every 15 s; a connection on which nothing comes for so long is dead. */
const SILENCE_MS = MINUTE_MS;
/** Until the API says otherwise. */
const DEFAULT_PAUSE_MS = 2 * SECOND_MS;

/** See `ArtifactService.watchUpload`. */
export async function* watchUpload(
  api: Api,
  path: string,
  signal: AbortSignal = new AbortController().signal,
): AsyncGenerator<UploadEvent, void, undefined> {
  let lastEventId: string | null = null;
  let pauseMs = DEFAULT_PAUSE_MS;
  for (;;) {
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(), SILENCE_MS);
    try {
      const headers = {
        accept: 'text/event-stream',
        ...(lastEventId === null ? {} : { 'last-event-id': lastEventId }),
      };
      const response = await api.open(path, headers, AbortSignal.any([signal, silence.signal]));
      // It was over, and the last event had come.
      if (response.status === 204) return;
      for await (const { id, event, data, retryMs } of serverSentEvents(response, () => timer.refresh())) {
        lastEventId = id ?? lastEventId;
        pauseMs = retryMs ?? pauseMs;
        if (event === 'end' && data.includes('"done"')) return;
        if (event !== 'progress' && event !== 'state') continue;
        const seen = JSON.parse(data) as UploadEventJson;
        yield { ...seen, artifact: toArtifact(seen.artifact) };
      }
    } catch (error) {
      if (signal.aborted) throw abortedError(signal);
      // What the API says is an answer, unless it passes and it was seen well; anything else is a connection that broke.
      const isAnswer =
        error instanceof ArtifactError && error.code !== 'aborted' && !(error.retryable && lastEventId !== null);
      if (isAnswer) throw error;
    } finally {
      clearTimeout(timer);
      silence.abort();
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => {
      throw abortedError(signal);
    });
  }
}
