import { argv } from 'node:process';
import { roles, tools } from './roles.js';

const [, , role = ''] = argv;
const start = roles[role] ?? tools[role];
if (start === undefined) {
  process.stderr.write(`usage: main.js ${Object.keys({ ...roles, ...tools }).join(' | ')}\n`);
  process.exitCode = 2;
} else {
  await start();
}
