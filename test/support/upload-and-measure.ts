/** Uploads the file named by its argument and prints the artifact's SHA-256 and the most memory the process ever held. */
import { createReadStream } from 'node:fs';
import { ArtifactClient, fromFile } from '../../src/sdk/index.js';

const [baseUrl = '', token = '', executionId = '', path = '', kind = ''] = process.argv.slice(2);
const client = new ArtifactClient({ baseUrl, token });
const source = kind === 'stream' ? createReadStream(path) : fromFile(path);
const { checksum } = await client.uploadArtifact(executionId, source, { fileName: `${kind}.bin` });
// libuv gives kibibytes.
console.log(JSON.stringify({ checksum, maxRssBytes: process.resourceUsage().maxRSS * 1_024 }));
