import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { PREVIEWED_ACTIONS } from '../../sdk/index.js';
import type { PlanPreview, PlannedAction, PreviewedAction } from '../../sdk/index.js';
import { planTable, planTotals } from '../plan-table.js';
import { planSheet } from '../tables.js';
import { columnsOfTerminal } from '../terminal.js';
import type { Terminal } from '../terminal.js';
import { print, withClient, withJson } from './common.js';
import type { JsonOption } from './common.js';

interface PlanOptions extends JsonOption {
  within?: string;
  execution?: string;
  action?: PreviewedAction[];
}

/** More is neither read by anyone nor sorted in little memory. */
const MAX_SHOWN = 50_000;

const EXAMPLES = `
Examples:
  artifacts plan 0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10
  artifacts plan --within 12h
  artifacts plan --within 30d --execution 7f9c2f4e-1f0b-4a53-9b52-0c7b3b1f8f11
  artifacts plan --within 366d --action expire --json | jq -r '.items[].artifactId'

Times with a ~ are estimates: nobody knows when a restore ends. On a narrow
terminal ID and WHY are left out. Actions: ${PREVIEWED_ACTIONS.join(', ')}.`;

/** `plan`: what happens to one artifact next, or to all of them within a while. */
export function addPlanCommand(program: Command, terminal: Terminal): void {
  withJson(program.command('plan'))
    .description('show what happens by itself, when and why: to one artifact next, or to all within a while')
    .argument('[id]', 'artifact id; without it: everything that may be seen')
    .option('--within <time>', 'hours (12h) or days (30d) from now, at most 366d (default: 7d)')
    .option('--execution <id>', 'only the artifacts of this execution')
    .option('--action <action>', 'only this action, repeatable', parseAction)
    .addHelpText('after', EXAMPLES)
    .action(async (id: string | undefined, options: PlanOptions, command: Command) => {
      if (id === undefined) return printPlanAhead(terminal, options);
      if (options.within !== undefined || options.execution !== undefined || options.action !== undefined)
        command.error('error: give an artifact id, or --within, --execution and --action, and not both');
      const plan = await withClient(terminal, (client) => client.getPlan(id));
      print(terminal, options, { json: plan, text: planSheet(plan, columnsOfTerminal(terminal.out)) });
    });
}

async function printPlanAhead(terminal: Terminal, options: PlanOptions): Promise<void> {
  const { within, execution, action } = options;
  const { preview, items, truncated } = await withClient(terminal, async (client) => {
    const preview = await client.previewPlan({
      ...(within === undefined ? {} : { within }),
      ...(execution === undefined ? {} : { executionId: execution }),
      ...(action === undefined ? {} : { actions: action }),
    });
    return { preview, ...(await soonestFirst(preview)) };
  });
  const { from, until, totals } = preview;
  const shown = items.length === 0 ? '' : `${planTable(items, columnsOfTerminal(terminal.out))}\n`;
  print(terminal, options, {
    json: { from, until, totals, items, truncated },
    text: `${shown}${planTotals(preview)}\n`,
  });
  if (truncated)
    terminal.err.write(
      `Not all is shown: ${MAX_SHOWN} actions, by execution. Ask for less: --execution, --action, --within.\n`,
    );
}

async function soonestFirst(preview: PlanPreview): Promise<{ items: PlannedAction[]; truncated: boolean }> {
  const items: PlannedAction[] = [];
  let truncated = false;
  for await (const item of preview) {
    truncated = items.length === MAX_SHOWN;
    if (truncated) break;
    items.push(item);
  }
  // Stable: what happens to one artifact at the same moment keeps its order.
  return { items: items.sort((a, b) => a.at.getTime() - b.at.getTime()), truncated };
}

/** Collects `--action`. */
function parseAction(text: string, before: PreviewedAction[] = []): PreviewedAction[] {
  const action = PREVIEWED_ACTIONS.find((known) => known === text);
  if (action === undefined) throw new InvalidArgumentError(`Give one of ${PREVIEWED_ACTIONS.join(', ')}.`);
  return [...before, action];
}
