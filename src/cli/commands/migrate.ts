import type { Command } from 'commander';
import { operatorEnvironment } from '../connection.js';
import type { Terminal } from '../terminal.js';
import { examples, print, withConfig, withJson, type JsonOption } from './common.js';

const NOTES = `
Migrate before the new version is started: the version before goes on working
with the new schema. Several at once wait for each other. It needs DATABASE_URL,
of the owner of the tables, or takes that of the local stack.`;

export function addMigrateCommand(program: Command, terminal: Terminal): void {
  withJson(program.command('migrate'))
    .description('bring the database to the schema of this version (for operators)')
    .addHelpText('after', NOTES)
    .addHelpText('after', examples('migrate', 'migrate --json'))
    .action((options: JsonOption) => runMigrate(options, terminal));
}

/** Loaded only here: no other command needs the driver of the database. */
async function runMigrate(options: JsonOption, terminal: Terminal): Promise<void> {
  const { migrate, migrationLines } = await import('../../db/migrate.js');
  await withConfig(operatorEnvironment(terminal), async ({ DATABASE_URL }) => {
    const applied = await migrate(DATABASE_URL);
    print(terminal, options, { json: { applied }, text: migrationLines(applied) });
  });
}
