import type { Command } from 'commander';
import { ArtifactError } from '../../sdk/index.js';
import { operatorEnvironment } from '../connection.js';
import { rebuildProgressText, rebuildText } from '../rebuild-display.js';
import { statusLine } from '../status-line.js';
import type { Terminal } from '../terminal.js';
import { examples, parseCount, parseDatabaseId, print, withConfig, withJson, type JsonOption } from './common.js';

interface RebuildCommandOptions extends JsonOption {
  apply?: true;
  tenant?: string;
  rate: number;
  lost: string[];
}

const DEFAULT_RATE = 500;

const NOTES = `
For when the database or Temporal is lost. Rows that are missing are made again
from what the running workflows know, else from metadata.json, else from the
objects themselves; then every row whose workflow is missing gets one, with the
time it has left. What is there is never changed, and nothing is deleted, so it
may be stopped and repeated. Without --apply it only tells what it would do.

Stop the API before, so that nobody takes a path that is to come back. Let the
workers run: the workflows answer through them, and while the database is younger
than what it has lost they delete nothing. While another database works with the
bucket, nothing is made: what that knows is not lost. In the end this database is in
the place of those that worked with it before. It needs no API, but the same
configuration as a worker (DATABASE_URL, TEMPORAL_…, S3_…), or takes the local stack's.`;

export function addRebuildCommand(program: Command, terminal: Terminal): void {
  withJson(
    program
      .command('rebuild')
      .description('make rows and workflows again that were lost with the database or Temporal (for operators)')
      .option('--apply', 'do it; without this nothing is changed')
      .option('--tenant <tenant>', 'whose artifacts are of which nothing else says so (default: they are left out)')
      .option(
        '--lost <database>',
        'id of a database that is lost, though it was at work minutes ago; repeatable',
        (text, before: string[]) => [...before, parseDatabaseId(text)],
        [],
      )
      .option('--rate <count>', 'requests to the servers in a second, roughly', parseCount, DEFAULT_RATE),
  )
    .addHelpText('after', NOTES)
    .addHelpText('after', examples('rebuild', 'rebuild --apply', 'rebuild --apply --tenant acme --json'))
    .action(async (options: RebuildCommandOptions) => {
      await terminal.withCleanup(() => runRebuild(options, terminal));
    });
}

/** Loaded only here: the SDKs of the servers take half a second, and no other command needs them. */
async function runRebuild(
  { apply, tenant, rate, lost, ...json }: RebuildCommandOptions,
  terminal: Terminal,
): Promise<void> {
  const { openRebuild } = await import('../../operator/rebuild/open.js');
  const { rebuild } = await import('../../operator/rebuild/rebuild.js');
  const status = statusLine(terminal.err);
  await withConfig(operatorEnvironment(terminal), async (config) => {
    const opened = openRebuild(config);
    try {
      const report = await rebuild(opened.deps, {
        ...opened.settings,
        ...{ apply: apply === true, tenantId: tenant ?? null, perSecond: rate, lost, signal: terminal.signal },
        tell: (progress) => status.show(rebuildProgressText(progress)),
      });
      status.clear();
      print(terminal, json, { json: report, text: rebuildText(report) });
    } catch (error) {
      if (!terminal.signal.aborted) throw error;
      throw new ArtifactError('aborted', 'Stopped; what was made stays, and the next run goes on from there', {
        cause: error,
      });
    } finally {
      status.clear();
      await opened.close();
    }
  });
}
