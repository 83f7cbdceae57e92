import { api } from './api/index.js';
import { latency } from './latency.js';
import { memory } from './memory.js';
import { rebuild } from './rebuild/index.js';
import { reconcile } from './reconcile/index.js';
import { upload } from './upload/index.js';

/** Every benchmark by name; each prints its figures beside a peer's, measured in the same run. */
const benchmarks: Record<string, (args: string[]) => Promise<void>> = {
  api,
  latency,
  memory,
  rebuild,
  reconcile,
  upload,
};

const [name = '', ...args] = process.argv.slice(2);
const run = benchmarks[name];
if (run === undefined) {
  console.error(`Which one? npm run bench -- ${Object.keys(benchmarks).join(' | ')}`);
  process.exitCode = 2;
} else {
  await run(args);
}
