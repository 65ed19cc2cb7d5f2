#!/usr/bin/env node
// agent-report PLAN COMMAND…: run an AI CLI that prints JSON lines, print them as readable text, and write its usage and
// the reason of its failure to /run/agent/report. Exits as the CLI does. PLAN is a ReportPlan as JSON.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import type { ReportPlan } from '../spec/plan.ts';
import { createReporter, type Exit } from './reporter.ts';
import { stateDirectory, stateIn } from './state.ts';

const [json = '{}', program = '', ...args] = process.argv.slice(2);
const plan = JSON.parse(json) as ReportPlan;
const killAfterMs = 5_000;

const reporter = createReporter(plan, {
  write: text => void process.stdout.write(text),
  save: stateIn(stateDirectory).saveReport,
  endCli() {
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), killAfterMs).unref();
  },
  now: Date.now,
});

const { wall } = plan.budget ?? {};
if (wall) setTimeout(reporter.wallExceeded, wall).unref();
const child = spawn(program, args, { stdio: ['inherit', 'pipe', plan.words ? 'pipe' : 'inherit'] });
// The terminal sends C-c to the CLI as well. Other signals reach only this process, which forwards them.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));

for (const input of [child.stdout, child.stderr])
  if (input !== null)
    createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }).on('line', reporter.line);

child.on('error', (error: NodeJS.ErrnoException) => {
  console.error(`agent-report: cannot run ${program}: ${error.message}`);
  process.exit(error.code === 'ENOENT' ? 127 : 126);
});
child.on('close', (code, signal) =>
  exit(reporter.finish(signal === null ? { code: code ?? 1 } : { signal })),
);

function exit(exit: Exit): never {
  if ('code' in exit) process.exit(exit.code);
  process.removeAllListeners(exit.signal);
  process.kill(process.pid, exit.signal);
  // If the signal does not end this process, exit with the code of that signal.
  process.exit(128 + constants.signals[exit.signal]);
}
