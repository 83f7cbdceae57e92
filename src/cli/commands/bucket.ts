import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { isDrift } from '../../domain/bucket/compare.js';
import { BUCKET_ROLES, type BucketRole } from '../../domain/bucket/roles.js';
import { terraformOf } from '../../domain/bucket/terraform.js';
import { wantedBucket, wantedDocument, type BucketWishes } from '../../domain/bucket/wanted.js';
import type * as Operator from '../../operator/bucket/index.js';
import type { AppliedFinding, BucketOptions, RuleProof } from '../../operator/bucket/index.js';
import { bucketReport } from '../bucket-table.js';
import { operatorEnvironment } from '../connection.js';
import { DriftFound } from '../failures.js';
import { columnsOfTerminal, type Terminal } from '../terminal.js';
import { addDatabasesCommand } from './bucket-databases.js';
import { examples, print, withConfig, withJson, type JsonOption } from './common.js';

interface Options extends JsonOption {
  account?: string;
  role?: BucketOptions['roles'];
  corsOrigin?: string[];
  kmsKey?: string;
}

const ABOUT = `
Goes straight to the bucket, by the configuration of a worker (S3_…,
WARM_AFTER_DAYS, UNDELETE_DAYS, …) or to that of the local stack. The bucket must
exist: it is never created here. Rules and statements are ours by their names
alone; all others stay as they are. What needs a value (--role, --cors-origin,
--kms-key) is left alone without it.
Roles: ${BUCKET_ROLES.join(', ')}.
`;

/** `bucket`: what the bucket itself is told to do, and who may come to it. */
export function addBucketCommand(program: Command, terminal: Terminal): void {
  const bucket = program
    .command('bucket')
    .description('for operators: lifecycle rules, policy, CORS, versioning and encryption of the bucket')
    .addHelpText('after', examples('bucket plan', 'bucket apply', 'bucket check --json', 'bucket databases'));
  withOptions(bucket.command('plan'))
    .description('show what an apply would change, or print what is wanted for other tools; changes nothing')
    .addOption(
      new Option('--format <format>', 'print what is wanted, without looking at the bucket').choices([
        'json',
        'terraform',
      ]),
    )
    .addHelpText('after', ABOUT)
    .addHelpText(
      'after',
      examples(
        'bucket plan',
        'bucket plan --role worker=arn:aws:iam::123456789012:role/worker',
        'bucket plan --cors-origin https://app.example',
        'bucket plan --format terraform > bucket.tf',
        'bucket plan --format json | jq .lifecycle > lifecycle.json',
      ),
    )
    .action(async (options: Options & { format?: 'json' | 'terraform' }) => {
      await terminal.withCleanup(() => runPlan(terminal, options));
    });
  withOptions(bucket.command('apply'))
    .description('change what plan shows, read it back, and try the rules on throw-away objects')
    .addHelpText('after', ABOUT)
    .addHelpText('after', examples('bucket apply', 'bucket apply --account 123456789012'))
    .action(async (options: Options) => {
      await terminal.withCleanup(() => runApply(terminal, options));
    });
  withOptions(bucket.command('check'))
    .description('exit with 6 when the bucket is not as wanted; changes nothing')
    .option('--read-only', 'do not try the rules on throw-away objects')
    .addHelpText('after', ABOUT)
    .addHelpText('after', examples('bucket check', 'bucket check --read-only --json'))
    .action(async (options: Options & { readOnly?: true }) => {
      await terminal.withCleanup(() => runCheck(terminal, options));
    });
  addDatabasesCommand(bucket, terminal);
}

const withOptions = (command: Command): Command =>
  withJson(command)
    .option('--account <id>', 'AWS account of the role claude-agent-role: --role agent=<its ARN>', parseAccount)
    .option('--role <who=arn>', 'who may come to the bucket, and for what; repeatable', parseRole)
    .option('--cors-origin <origin>', 'where browsers that upload directly come from, repeatable', parseOrigin)
    .option('--kms-key <arn>', 'encrypt with this key by default (without: whatever encrypts already)');

function parseAccount(text: string): string {
  if (!/^\d{12}$/.test(text)) throw new InvalidArgumentError('Give the 12 digits of an account.');
  return text;
}

function parseRole(text: string, before: BucketOptions['roles'] = {}): BucketOptions['roles'] {
  const [, who, arn] = /^([a-z-]+)=(arn:aws[a-z-]*:(?:iam|sts)::\d{12}:.+)$/.exec(text) ?? [];
  const role = BUCKET_ROLES.find((known) => known === who);
  if (role === undefined || arn === undefined)
    throw new InvalidArgumentError(`Give who=arn:aws:iam::…:role/…; who is one of ${BUCKET_ROLES.join(', ')}.`);
  return { ...before, [role]: arn };
}

function parseOrigin(text: string, before: string[] = []): string[] {
  if (!/^https?:\/\/[^/*\s]+$/.test(text))
    throw new InvalidArgumentError('Give scheme and host such as https://app.example, without * and path.');
  return [...before, text];
}

interface Work {
  wishes: BucketWishes;
  operator: typeof Operator;
  settings: Parameters<typeof Operator.verifyRules>[0];
  store: Parameters<typeof Operator.verifyRules>[1];
}

/** Loaded only here: the S3 SDK takes a while, and hardly any other command needs it. */
async function withBucket(terminal: Terminal, options: Options, work: (tools: Work) => Promise<void>): Promise<void> {
  const { openBucketSettings, openStore } = await import('../../deps.js');
  const operator = await import('../../operator/bucket/index.js');
  const { account, role, corsOrigin: corsOrigins = [], kmsKey } = options;
  const agent: Partial<Record<BucketRole, string>> =
    account === undefined ? {} : { agent: `arn:aws:iam::${account}:role/claude-agent-role` };
  await withConfig(operatorEnvironment(terminal), async (config) => {
    const wishes = operator.bucketWishes(config, {
      roles: { ...agent, ...role },
      corsOrigins,
      ...(kmsKey === undefined ? {} : { kmsKey }),
    });
    const settings = openBucketSettings(config);
    const store = openStore(config);
    try {
      await work({ wishes, operator, settings, store });
    } finally {
      settings.close();
      store.close();
    }
  });
}

const runPlan = (terminal: Terminal, options: Options & { format?: 'json' | 'terraform' }): Promise<void> =>
  withBucket(terminal, options, async ({ wishes, operator, settings, store }) => {
    const wanted = wantedBucket(wishes);
    if (options.format === 'terraform') terminal.out.write(terraformOf(wishes.bucket, wanted));
    else if (options.format === 'json') {
      const documents = wanted
        .filter(({ entries }) => entries.length > 0)
        .map((part): [string, unknown] => [part.part, wantedDocument(part)]);
      terminal.out.write(`${JSON.stringify(Object.fromEntries(documents), null, 2)}\n`);
    } else {
      await store.checkBucket();
      const findings = (await operator.inspectBucket(settings, wanted)).flatMap((part) => part.findings);
      report(terminal, options, { bucket: wishes.bucket, findings });
    }
  });

const runApply = (terminal: Terminal, options: Options): Promise<void> =>
  withBucket(terminal, options, async ({ wishes, operator, settings, store }) => {
    await store.checkBucket();
    const findings = await operator.applyBucket(settings, wantedBucket(wishes));
    const proofs = hasRules(findings) ? await operator.verifyRules(settings, store) : [];
    report(terminal, options, { bucket: wishes.bucket, findings, proofs });
    requireAsWanted(
      findings.filter((finding) => isDrift(finding) && (finding.outcome ?? 'not_kept') === 'not_kept'),
      proofs,
    );
  });

const runCheck = (terminal: Terminal, options: Options & { readOnly?: true }): Promise<void> =>
  withBucket(terminal, options, async ({ wishes, operator, settings, store }) => {
    await store.checkBucket();
    const findings = (await operator.inspectBucket(settings, wantedBucket(wishes))).flatMap((part) => part.findings);
    const isTried = options.readOnly !== true && hasRules(findings);
    const proofs = isTried ? await operator.verifyRules(settings, store) : [];
    report(terminal, options, { bucket: wishes.bucket, findings, proofs });
    requireAsWanted(findings.filter(isDrift), proofs);
  });

/** A store that knows no lifecycle rules has nothing to be tried. */
const hasRules = (findings: AppliedFinding[]): boolean =>
  findings.some(({ part, state }) => part === 'lifecycle' && state !== 'not_supported' && state !== 'refused');

function requireAsWanted(drift: AppliedFinding[], proofs: RuleProof[]): void {
  const wrong = drift.length + proofs.filter(({ outcome }) => outcome === 'wrong').length;
  if (wrong > 0) throw new DriftFound(`${wrong} ${wrong === 1 ? 'thing is' : 'things are'} not as wanted.`);
}

interface Report {
  bucket: string;
  findings: AppliedFinding[];
  proofs?: RuleProof[];
}

const report = (terminal: Terminal, options: JsonOption, result: Report): void =>
  print(terminal, options, { json: result, text: bucketReport(result, columnsOfTerminal(terminal.out)) });
