import { argv } from 'node:process';
import { roles } from './roles.js';

const [, , role = ''] = argv;
const start = roles[role];
if (start === undefined) {
  process.stderr.write(`usage: main.js ${Object.keys(roles).join(' | ')}\n`);
  process.exitCode = 2;
} else {
  await start();
}
