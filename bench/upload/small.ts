import { join } from 'node:path';
import { table } from '../../src/cli/tables.js';
import { KIB_BYTES } from '../../src/domain/units.js';
import { quantile } from '../figures.js';
import { awsArgs } from './awscli.js';
import { bareWorkflows } from './bare-workflows.js';
import { withFolder, writeSmallFiles } from './files.js';
import { withHostWorker } from './host-worker.js';
import { measure } from './measure.js';
import { deleteExecution, removeObjects, type Place } from './place.js';

const SIZE_BYTES = 4 * KIB_BYTES;

/**
 * A turn of many small files: published by the host worker, each with a row, a workflow and a proof of its bytes. Beside it the copying
 * alone, and as many workflows with two ordinary activities that do nothing.
 */
export async function small(place: Place, { files, rounds }: { files: number; rounds: number }): Promise<void> {
  const executions: string[] = [];
  const rates = { publish: [] as number[], aws: [] as number[], bare: [] as number[] };
  await withFolder(async (folder) => {
    const turn = await writeSmallFiles(join(folder, 'turn'), files, SIZE_BYTES);
    const warmUp = await writeSmallFiles(join(folder, 'warm-up'), 100, SIZE_BYTES);
    await withHostWorker(place, folder, async (host) => {
      executions.push((await host.publish(warmUp)).execution);
      for (let round = 0; round < rounds; round += 1) {
        const { execution, cost } = await host.publish(turn);
        rates.publish.push(files / cost.wallSeconds);
        executions.push(execution);
        rates.aws.push(files / (await copyFolder(place, turn)));
        rates.bare.push(files / (await bareWorkflows(place.connection, files)));
      }
    });
  });
  for (const execution of executions) await deleteExecution(place, execution);
  const rows = [
    { name: 'artifacts publish', rate: middle(rates.publish) },
    { name: 'aws s3 cp --recursive', rate: middle(rates.aws) },
    { name: 'bare workflows, two activities', rate: middle(rates.bare) },
  ];
  const bare = middle(rates.bare);
  console.log(`\n${files} files of ${SIZE_BYTES} bytes, median of ${rounds}\n`);
  console.log(
    table(
      [
        { head: '', text: ({ name }) => name },
        { head: 'a second', text: ({ rate }) => rate.toFixed(1), align: 'right' },
        { head: '× bare workflows', text: ({ rate }) => (rate / bare).toFixed(2), align: 'right' },
      ],
      rows,
    ),
  );
}

const middle = (rates: number[]): number => quantile(rates, 0.5);

async function copyFolder(place: Place, folder: string): Promise<number> {
  const { python, keys: env, connection, bucket } = place;
  const args = awsArgs(connection.s3Endpoint, ['s3', 'cp', '--recursive', folder, `s3://${bucket}/turn/`]);
  const { wallSeconds } = await measure(python, { command: python, args, env });
  await removeObjects(place, 'turn/');
  return wallSeconds;
}
