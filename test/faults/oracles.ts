import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { FailureKind } from '../../machines/outcome.ts';
import type { RunEvent } from '../../src/events.ts';
import { lockHolder } from '../../src/store/lock.ts';
import { openStateDir } from '../../src/store/state-directory.ts';
import type { Place } from '../engine/flow.ts';
import { printed, startsOf } from './scenarios.ts';

/** The expected outcome of an agent, whatever happened to its supervisor. */
export interface ExpectedOutcome {
  readonly status: string;
  readonly exitCode: number | null;
  /** The kind of its error; null for none. */
  readonly kind?: FailureKind | null;
  /** The kind of the error of each attempt; null for none. */
  readonly attempts?: readonly (FailureKind | null)[];
  readonly starts: { readonly exactly: number } | { readonly atMost: number };
  /** The file that it writes its starts to. */
  readonly counter?: string;
}

/** Assert one correct outcome per agent, and a complete transcript if it ended by itself. */
export function nothingLost(
  t: ExecutionContext,
  here: Place,
  expectations: Readonly<Record<string, ExpectedOutcome>>,
): void {
  const journal = here.journal();
  const runs = journal.filter(event => event.type === 'run.ended');
  t.is(runs.length, 1, 'the run has ended once');
  const result = JSON.parse(readFileSync(join(here.stateDir, 'runs', here.runId()!, 'result.json'), 'utf8'));
  for (const [name, { status, exitCode, kind, attempts }] of Object.entries(expectations)) {
    const ends = journal.filter(event => event.type === 'agent.ended' && event.agent === name);
    t.is(ends.length, 1, `${name} has one outcome`);
    t.like(ends[0], { status, exitCode }, `${name} has the right outcome`);
    const { error, ...outcome } = result.agents[name];
    t.like(outcome, { status, exitCode }, `the result of ${name}`);
    if (kind !== undefined) t.is(error?.kind ?? null, kind, `${name}: ${error?.message}`);
    if (attempts) t.deepEqual(kindsOf(journal, name), attempts, `the attempts of ${name}`);
    if (status !== 'succeeded' && !ownEnds.includes(error?.kind)) continue;
    const attempt = result.agents[name].attempts.length;
    const lines = here.transcript(name, attempt).matchAll(/line (\d+)/g);
    const numbers = Array.from(lines, ([, number]) => Number(number));
    t.deepEqual(
      numbers,
      Array.from({ length: printed }, (_, index) => index + 1),
      `the transcript of ${name} is complete`,
    );
  }
}

/** Kinds of failure of an agent that has ended by itself. */
const ownEnds: readonly FailureKind[] = ['exit', 'signal'];

/** The first journaled kind of each attempt. */
function kindsOf(journal: readonly RunEvent[], agent: string): (string | null)[] {
  const kinds = new Map<number, string | null>();
  for (const event of journal)
    if (event.type === 'attempt.ended' && event.agent === agent && !kinds.has(event.attempt))
      kinds.set(event.attempt, event.error?.kind ?? null);
  return [...kinds.values()];
}

/**
 * Assert that no agent started more often than expected, that each attempt has one container, and that each round ended
 * once.
 */
export function nothingDoubled(
  t: ExecutionContext,
  here: Place,
  expectations: Readonly<Record<string, ExpectedOutcome>>,
): void {
  for (const [name, { starts, counter }] of Object.entries(expectations)) {
    const counted = startsOf(here, counter);
    if ('exactly' in starts) t.is(counted, starts.exactly, `the starts of ${name}`);
    else t.true(counted <= starts.atMost, `${name} was started ${counted} times`);
  }
  const containers = new Map<string, Set<string>>();
  for (const event of here.journal())
    if (event.type === 'agent.state' && event.containerId !== null) {
      const attempt = `${event.agent}, attempt ${event.attempt}`;
      containers.set(attempt, (containers.get(attempt) ?? new Set()).add(event.containerId));
    }
  for (const [attempt, ids] of containers) t.is(ids.size, 1, `${attempt} has one container`);
  const rounds = here
    .journal()
    .flatMap(event => (event.type === 'check.ended' ? [`${event.agent}, round ${event.round}`] : []));
  t.deepEqual([...new Set(rounds)], rounds, 'each round has one check');
}

/** Assert that each of these agents has one result of its condition, which precedes everything that follows from it. */
export function conditionsOnce(t: ExecutionContext, here: Place, names: readonly string[]): void {
  for (const name of names) {
    const types = here
      .journal()
      .filter(event => 'agent' in event && event.agent === name)
      .map(({ type }) => type);
    t.is(types.indexOf('agent.condition'), 0, `the condition of ${name} comes first`);
    t.is(types.lastIndexOf('agent.condition'), 0, `the condition of ${name} is evaluated once`);
  }
}

/**
 * Assert that no container, second network, process, lock or temporary file is left, at once and after 2 s. `deadLock`:
 * the supervisor died when its run had ended, so its lock stays; then it must not block the run.
 */
export async function nothingLeft(
  t: ExecutionContext,
  here: Place,
  { deadLock = false } = {},
): Promise<void> {
  if (deadLock) {
    const { lock } = openStateDir(here.stateDir).run(here.runId()!);
    t.is(lockHolder(lock), null, 'the lock of a dead process is ignored');
    rmSync(`${lock}.1`);
  }
  for (const pause of [0, 2_000]) {
    await delay(pause);
    const when = pause === 0 ? 'at once' : `after ${pause} ms`;
    t.deepEqual(await here.containers(), [], `containers, ${when}`);
    const networks = await networksOf(here);
    t.is(new Set(networks).size, networks.length, `a network twice, ${when}: ${networks}`);
    // The existing network stays for the next run.
    t.true(networks.length <= 1, `networks, ${when}: ${networks}`);
    t.deepEqual(scraps(here), [], `files, ${when}`);
    if (pause > 0) t.deepEqual(processesOf(here).map(words), [], 'processes');
  }
}

/** Ids of the processes with this place's state directory in their environment. */
export function processesOf(here: Place): number[] {
  const mark = `\0AGENT_FLOW_STATE_DIR=${here.stateDir}\0`;
  return readdirSync('/proc')
    .map(Number)
    .filter(pid => pid > 0 && `\0${proc(pid, 'environ')}`.includes(mark));
}

/** The command line of a process. */
export const words = (pid: number) => proc(pid, 'cmdline').replaceAll('\0', ' ').trim();

/** Kill the processes that a failed test has left running. */
export function endProcessesOf(here: Place): void {
  for (const pid of processesOf(here)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}

async function networksOf(here: Place): Promise<string[]> {
  const instance = readFileSync(join(here.stateDir, 'instance'), 'utf8').trim();
  const filter = `--filter=label=tmux-agents.instance=${instance}`;
  const env = { DOCKER_HOST: here.env.DOCKER_HOST };
  const { stdout } = await execa('docker', ['network', 'ls', filter, '--format={{.Name}}'], { env });
  return stdout.split('\n').filter(Boolean);
}

function scraps(here: Place): string[] {
  const files = readdirSync(here.stateDir, { recursive: true }).map(String);
  return [
    ...files.filter(file => /\.tmp$|\/lock\b|\/requests\//.test(file)),
    ...readdirSync(join(here.path, 'tmp')),
  ];
}

function proc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
