import { createHash } from 'node:crypto';
import { humanBytes } from '../../cli/format.js';
import { artifactTable } from '../../cli/tables.js';
import { columnsOfTerminal } from '../../cli/terminal.js';
import { ArtifactError } from '../../sdk/index.js';
import type { ArtifactClient } from '../../sdk/index.js';
import type { Connection } from '../connection.js';
import { sha256OfFile } from './input.js';
import type { Published } from './publish.js';

/** A step that did not do what it says. */
export class DemoFailure extends Error {
  override readonly name = 'DemoFailure';
}

function check(holds: boolean, otherwise: string): void {
  if (!holds) throw new DemoFailure(otherwise);
}

/** Shows the execution's artifacts as the API lists them. @throws DemoFailure when they are not what was published. */
export async function showArtifacts(
  client: ArtifactClient,
  executionId: string,
  published: Published[],
): Promise<string> {
  const artifacts = await client.listArtifacts(executionId);
  const listed = new Map(artifacts.map((artifact) => [artifact.id, artifact]));
  const byPath = [...artifacts].sort((a, b) => (a.path < b.path ? -1 : 1));
  console.log(artifactTable(byPath, columnsOfTerminal(process.stdout)));
  check(artifacts.length === published.length, `${artifacts.length} artifacts are listed, not ${published.length}`);
  for (const { file, artifact } of published) {
    const row = listed.get(artifact.id);
    check(row?.status === 'ACTIVE', `${file.fileName} is ${row?.status ?? 'not listed'}`);
    check(row?.fileSize === file.sizeBytes, `${file.fileName} has ${row?.fileSize} bytes, not ${file.sizeBytes}`);
  }
  return `${artifacts.length} artifacts, all ACTIVE`;
}

/** Plain HTTP, without a token: what anyone does who was given the link. */
export async function downloadByUrl(client: ArtifactClient, { file, artifact }: Published): Promise<string> {
  const answer = await fetch(await client.getPresignedUrl(artifact.id, 60));
  check(answer.ok && answer.body !== null, `the store answered ${answer.status}`);
  return compare(file, answer.body ?? []);
}

export async function downloadThroughApi(client: ArtifactClient, { file, artifact }: Published): Promise<string> {
  return compare(file, await client.downloadArtifact(artifact.id));
}

async function compare(
  file: Published['file'],
  body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of body) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  const actual = hash.digest('hex');
  const expected = await sha256OfFile(file.source);
  check(actual === expected, `${file.fileName} came back with SHA-256 ${actual}, not ${expected}`);
  return `${file.fileName}, ${humanBytes(bytes)}, SHA-256 ${actual.slice(0, 16)}… is that of the file`;
}

export async function keepOne(client: ArtifactClient, { file, artifact }: Published): Promise<string> {
  await client.keepForever(artifact.id, 'shown in the demo');
  const { retention, expiresAt } = await client.getArtifact(artifact.id);
  check(retention.rule === 'permanent', `its retention is "${retention.rule}"`);
  check(expiresAt === undefined, `it still expires ${expiresAt?.toISOString() ?? ''}`);
  return `${file.fileName} is permanent and has no expiry`;
}

export async function holdOne(client: ArtifactClient, { file, artifact }: Published): Promise<string> {
  const hold = await client.addHold(artifact.id, { reason: 'shown in the demo' });
  const refused = await client.deleteArtifact(artifact.id).then(
    () => null,
    (error: unknown) => error,
  );
  check(
    refused instanceof ArtifactError && refused.code === 'held',
    `its deletion was not refused: ${explain(refused)}`,
  );
  const { holds, status } = await client.endHold(artifact.id, hold.id);
  check(holds.length === 0 && status === 'ACTIVE', `it is ${status} with ${holds.length} holds`);
  return `${file.fileName} was held, its deletion refused; the hold has ended`;
}

export async function deleteOne(
  client: ArtifactClient,
  { file, artifact }: Published,
  connection: Connection,
): Promise<string> {
  const url = await client.getPresignedUrl(artifact.id, 60);
  check((await statusOf(url)) === 200, 'its link did not work before the deletion');
  await client.deleteArtifact(artifact.id);
  const { status, deletionReason, purgeAt } = await client.getArtifact(artifact.id);
  check(status === 'DELETED', `its status is ${status}`);
  const throughApi = await statusOf(`${connection.apiUrl}/v1/artifacts/${artifact.id}/content`, connection.token);
  check(throughApi === 410, `a download answers ${throughApi}, not 410`);
  const byUrl = await statusOf(url);
  check(byUrl >= 400, `the link given out before still answers ${byUrl}`);
  const until = purgeAt === undefined ? 'for good' : `can be brought back until ${purgeAt.toISOString()}`;
  return `${file.fileName} is DELETED (${deletionReason ?? 'no reason'}), a download answers 410, its old link ${byUrl}; ${until}`;
}

/** The same bytes again. A bucket that keeps no versions has nothing to bring back, which is no failure. */
export async function undeleteOne(client: ArtifactClient, published: Published): Promise<string> {
  const { id } = published.artifact;
  if ((await client.getArtifact(id)).purgeAt === undefined)
    return 'nothing to bring back: this bucket keeps no versions';
  const { status } = await client.undeleteArtifact(id);
  check(status === 'ACTIVE', `its status is ${status}`);
  return downloadThroughApi(client, published);
}

async function statusOf(url: string, token?: string): Promise<number> {
  const answer = await fetch(url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
  await answer.body?.cancel();
  return answer.status;
}

/** What a failure says to the person in front of it. */
export function explain(error: unknown): string {
  if (error instanceof ArtifactError) return `${error.code}: ${error.message}`;
  if (error instanceof DemoFailure) return error.message;
  // What the system refuses needs no stack, only its name.
  if (error instanceof Error && 'syscall' in error) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
