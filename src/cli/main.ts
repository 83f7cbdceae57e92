#!/usr/bin/env node
import process from 'node:process';
import { runCli } from './program.js';
import { processTerminal } from './terminal.js';

// The version in the lock file runs on this Node; the notice is for whoever updates it, and would stand in every answer.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

process.exitCode = await runCli(process.argv.slice(2), processTerminal());
