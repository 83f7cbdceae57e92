import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { publicationOptions, type publishOutputs } from 'durable-artifacts/workflows';

const {
  TEMPORAL_ADDRESS: address = '127.0.0.1:7233',
  TEMPORAL_NAMESPACE: namespace = 'default',
  UPLOAD_HOST_ID: hostId = hostname(),
  TENANT: tenantId = 'local',
  EXECUTION_ID: executionId = randomUUID(),
  OUTPUT_FOLDER: output = 'turn',
  PUBLICATION_ID: publicationId = randomUUID(),
} = process.env;

/** What an agent does in a turn: it leaves files behind, its log below `logs/`. */
async function work(folder: string): Promise<void> {
  await mkdir(join(folder, 'logs'), { recursive: true });
  await writeFile(join(folder, 'answer.md'), '# The answer\n\n42\n');
  await writeFile(join(folder, 'logs', `${publicationId}.log`), `${new Date().toISOString()} thought about it\n`);
}

const folder = resolve(output);
await work(folder);

const connection = await Connection.connect({ address });
try {
  const client = new Client({ connection, namespace });
  // Whoever starts it again under the same publication id joins it: a job that is retried with it publishes once.
  const request = { publicationId, executionId, tenantId, actor: 'agent-job', hostId, folder };
  const options = publicationOptions({ ...request, tags: { agent: 'example' }, allOrNothing: true });
  const { outcome, counts, files } = await client.workflow.execute<typeof publishOutputs>('publishOutputs', options);
  console.log(`execution ${executionId}: ${outcome}, ${counts.uploaded} uploaded, ${counts.unchanged} unchanged`);
  for (const { path, artifactId } of files) console.log(`  ${path}  ${artifactId}`);
} finally {
  await connection.close();
}
