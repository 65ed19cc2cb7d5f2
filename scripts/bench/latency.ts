import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { RunEvent } from '../../src/events.ts';
import { readJournal } from '../../src/store/read-journal.ts';
import { agentFlowCommand, atOnce, stateDirOf, writeSpec } from './runners.ts';
import { timeOf } from './timing.ts';

/** Milliseconds between an agent's exit and its result in the journal. */
export interface EndToResult {
  readonly total: number;
  /** Part of it: the agent's `docker logs` and `docker rm`. */
  readonly docker: number;
}

/** Run one agent that prints the time at its exit. */
export async function endToResult(folder: string): Promise<EndToResult> {
  // Long enough that its injection is over, as that of an agent with work to do.
  await timeOf(agentFlowCommand(folder, ['run', writeSpec(folder, 1, 'sleep 1; exec date +%s%N')]));
  const events = newestJournal(folder);
  const of = <T extends RunEvent['type']>(type: T) =>
    events.filter((event): event is Extract<RunEvent, { type: T }> => event.type === type);
  const transcript = readFileSync(of('attempt.ended')[0]!.transcript!, 'utf8');
  const exitAt = Number(/\d{19}/.exec(transcript)![0]) / 1e6;
  const calls = of('docker.call').filter(({ agent, argv }) => agent !== null && /^(logs|rm)$/.test(argv[1]!));
  const numbers = calls.map(({ call }) => call);
  const docker = of('docker.result')
    .filter(({ call }) => numbers.includes(call))
    .reduce((sum, { ms }) => sum + ms, 0);
  return { total: of('agent.ended')[0]!.at - exitAt, docker };
}

function newestJournal(folder: string): readonly RunEvent[] {
  const runs = join(stateDirOf(folder), 'runs');
  const journals = readdirSync(runs).map(run => readJournal(join(runs, run, 'journal.jsonl')).events);
  return journals.toSorted((a, b) => b[0]!.at - a[0]!.at)[0]!;
}

/** Press Ctrl-C once every agent works. Returns the milliseconds until everything is removed and the process has ended. */
export async function interruptToRemoved(folder: string): Promise<number> {
  const spec = writeSpec(folder, atOnce, 'exec sleep 600');
  const { argv, env } = agentFlowCommand(folder, ['run', '--events=-', spec]);
  const child = spawn(argv[0]!, argv.slice(1), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 120_000,
  });
  const closed = once(child, 'close');
  let working = 0;
  let runId = '';
  let start = 0;
  for await (const line of createInterface(child.stdout)) {
    const event = JSON.parse(line) as RunEvent;
    if (event.type === 'run.started') runId = event.runId;
    if (event.type !== 'agent.state' || event.state !== 'running.working' || ++working !== atOnce) continue;
    start = performance.now();
    child.kill('SIGINT');
  }
  const [code] = await closed;
  const ms = performance.now() - start;
  const left = execFileSync(
    'docker',
    ['ps', '--all', '--quiet', `--filter=label=tmux-agents.run-id=${runId}`],
    {
      encoding: 'utf8',
      timeout: 60_000,
    },
  );
  if (code !== 130 || left !== '')
    throw new Error(`the interrupted run exited with ${code} and left "${left}"`);
  return ms;
}
