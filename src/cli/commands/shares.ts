import type { Command } from 'commander';
import type { ArtifactClient, ArtifactShare } from '../../sdk/index.js';
import { dateAndRelative, relativeTime } from '../format.js';
import { narrowedTable } from '../tables.js';
import { columnsOfTerminal } from '../terminal.js';
import type { Terminal } from '../terminal.js';
import {
  ARTIFACT_EXAMPLE as ID,
  examples,
  parseDuration,
  parseWholeNumber,
  print,
  withClient,
  withJson,
} from './common.js';
import type { JsonOption } from './common.js';

/** From here on the time of an end has room beside the other columns. */
const WIDE_COLUMNS = 130;
const SHARE = '6f1d2c3b-4a59-4e78-9c0d-1e2f3a4b5c6d';

interface ShareCommandOptions extends JsonOption {
  expiresIn?: number;
  singleUse?: true;
  maxUses?: number;
}

/** `share`, `shares` and `unshare`: links by which anyone gets the bytes, for days. */
export function addShareCommands(program: Command, terminal: Terminal): void {
  withJson(program.command('share'))
    .description('make a link for somebody without a token, which can be revoked')
    .argument('<id>', 'artifact id')
    .option('--expires-in <time>', 'life of the link: 30m, 12h, 7d (default 7d)', parseDuration)
    .option('--single-use', 'the first who downloads is the last')
    .option('--max-uses <n>', 'downloads at most (default 1000)', parseWholeNumber)
    .addHelpText('after', examples(`share ${ID}`, `share ${ID} --expires-in 12h --single-use`))
    .action(async (id: string, options: ShareCommandOptions) => {
      const { json: _json, ...wish } = options;
      const link = await withClient(terminal, (client) => client.shareArtifact(id, wish));
      print(terminal, options, { json: link, text: `${link.url}\n` });
      if (options.json === true) return;
      const often = link.maxUses === 1 ? 'one download' : `${link.maxUses} downloads`;
      terminal.err.write(
        `For ${often}, until ${dateAndRelative(link.expiresAt)}. It is shown this once; revoke it with:\n` +
          `  artifacts unshare ${id} ${link.id}\n`,
      );
    });

  withJson(program.command('shares'))
    .description('list the links of an artifact; its history tells of each use')
    .argument('<id>', 'artifact id')
    .addHelpText('after', examples(`shares ${ID}`))
    .action(async (id: string, options: JsonOption) => {
      const shares = await withClient(terminal, (client) => client.listShares(id));
      print(terminal, options, {
        json: { shares },
        text: shares.length === 0 ? 'No links.\n' : shareTable(shares, columnsOfTerminal(terminal.out)),
      });
    });

  withJson(program.command('unshare'))
    .description('revoke a link of an artifact, or all of them')
    .argument('<id>', 'artifact id')
    .argument('[share]', 'link id')
    .option('--all', 'all of its links')
    .addHelpText('after', examples(`unshare ${ID} ${SHARE}`, `unshare ${ID} --all`))
    .action(async (id: string, shareId: string | undefined, options: JsonOption & { all?: true }, command: Command) => {
      if ((shareId === undefined) === (options.all === undefined))
        command.error('error: give a link id, or --all, and not both');
      const shares = await withClient(terminal, (client) => unshare(client, id, shareId));
      const text = shares.length === 0 ? 'No links to end.\n' : shareTable(shares, columnsOfTerminal(terminal.out));
      print(terminal, options, { json: { shares }, text });
    });
}

/** @param shareId absent: all that can be used. */
async function unshare(
  client: ArtifactClient,
  artifactId: string,
  shareId: string | undefined,
): Promise<ArtifactShare[]> {
  if (shareId !== undefined) return [await client.unshareArtifact(artifactId, shareId)];
  const living = (await client.listShares(artifactId)).filter(({ ended }) => ended === undefined);
  const revoked: ArtifactShare[] = [];
  for (const { id } of living) revoked.push(await client.unshareArtifact(artifactId, id));
  return revoked;
}

/** @param maxColumns width of the terminal: on a narrow one MADE, LAST USED and BY are left out, and an end is told from now. */
export const shareTable = (shares: ArtifactShare[], maxColumns = Infinity): string => {
  const endOf = maxColumns < WIDE_COLUMNS ? relativeTime : dateAndRelative;
  return narrowedTable<ArtifactShare>(
    [
      { head: 'ID', text: ({ id }) => id },
      { head: 'BY', text: ({ createdBy }) => createdBy },
      { head: 'MADE', text: ({ createdAt }) => relativeTime(createdAt) },
      { head: 'USES', text: ({ uses, maxUses }) => `${uses} of ${maxUses}`, align: 'right' },
      { head: 'LAST USED', text: ({ lastUsedAt }) => (lastUsedAt === undefined ? 'never' : relativeTime(lastUsedAt)) },
      { head: 'ENDS', text: ({ ended, expiresAt }) => ended?.replaceAll('_', ' ') ?? endOf(expiresAt) },
    ],
    shares,
    { maxColumns, spare: ['MADE', 'LAST USED', 'BY'] },
  );
};
