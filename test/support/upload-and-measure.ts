/** Uploads the file named by its argument and prints the artifact's SHA-256 and the most memory the process ever held. */
import { createReadStream, readFileSync } from 'node:fs';
import { ArtifactClient, fromFile } from '../../src/sdk/index.js';

const [baseUrl = '', token = '', executionId = '', path = '', kind = ''] = process.argv.slice(2);
const client = new ArtifactClient({ baseUrl, token });
const source = kind === 'stream' ? createReadStream(path) : fromFile(path);
const { checksum } = await client.uploadArtifact(executionId, source, { fileName: `${kind}.bin` });
// `ru_maxrss` begins with what the parent had when it forked; the high-water mark of our own memory does not (proc(5), kB).
const highWater = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
console.log(JSON.stringify({ checksum, maxRssBytes: Number(highWater) * 1_024 }));
