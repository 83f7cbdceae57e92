import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { table } from '../src/cli/tables.js';
import type { Connection } from '../src/dev/connection.js';
import { ms, quantile } from './figures.js';
import { withStack } from './stack.js';

const WARM_UP = 5;
const SAMPLES = 50;
const SIZE_BYTES = 4 * 1024;

interface Begun {
  artifact: { id: string };
  upload: { request: { url: string; headers: Record<string, string> } };
}

/**
 * One artifact of 4 KiB, one at a time: begin + PUT + complete through the API. The peer is what nobody can do without: the PUT
 * alone, to the same store in the same run.
 */
export const latency = (): Promise<void> =>
  withStack(async (connection) => {
    const steps: Record<'begin' | 'put' | 'complete' | 'all', number[]> = { begin: [], put: [], complete: [], all: [] };
    const executionId = randomUUID();
    for (let index = 0; index < WARM_UP + SAMPLES; index++) {
      const times = await uploadOne(connection, executionId, index);
      if (index < WARM_UP) continue;
      for (const step of ['begin', 'put', 'complete'] as const) steps[step].push(times[step]);
      steps.all.push(times.begin + times.put + times.complete);
    }
    const rows = Object.entries(steps).map(([step, samples]) => ({
      step,
      median: quantile(samples, 0.5),
      p90: quantile(samples, 0.9),
      worst: quantile(samples, 1),
    }));
    const put = quantile(steps.put, 0.5);
    const text = table(
      [
        { head: 'step', text: ({ step }) => step },
        { head: 'median', text: ({ median }) => ms(median), align: 'right' },
        { head: 'p90', text: ({ p90 }) => ms(p90), align: 'right' },
        { head: 'worst', text: ({ worst }) => ms(worst), align: 'right' },
        { head: '× the PUT alone', text: ({ median }) => (median / put).toFixed(1), align: 'right' },
      ],
      rows,
    );
    console.log(`${SAMPLES} artifacts of ${SIZE_BYTES} bytes, one after the other\n\n${text}`);
  });

async function uploadOne({ apiUrl, token }: Connection, executionId: string, index: number) {
  const bytes = randomBytes(SIZE_BYTES);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const post = async (path: string, body: object): Promise<unknown> => {
    const answer = await fetch(apiUrl + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const t0 = performance.now();
  const claim = { sizeBytes: bytes.length, sha256 };
  const { artifact, upload } = (await post(`/v1/executions/${executionId}/artifacts`, {
    fileName: `${index}.bin`,
    ...claim,
  })) as Begun;
  const t1 = performance.now();
  const put = await fetch(upload.request.url, { method: 'PUT', headers: upload.request.headers, body: bytes });
  if (!put.ok) throw new Error(`PUT: ${put.status}`);
  const t2 = performance.now();
  await post(`/v1/artifacts/${artifact.id}/upload/complete`, claim);
  return { begin: t1 - t0, put: t2 - t1, complete: performance.now() - t2 };
}
