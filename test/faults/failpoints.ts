import childProcess from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import type { RunEvent } from '../../src/events.ts';
import { initialState, positions } from './positions.ts';

/**
 * Loaded into a supervisor with `node --import`; the package does not contain it. It watches the writes to the
 * journal, and sends the process a signal at the position that the environment names.
 *
 *     AGENT_FLOW_FAILPOINT     creating:intent, or attempt.ended:before; of one agent: fix-2@creating:intent
 *     AGENT_FLOW_FAILSIGNAL    SIGKILL (default), SIGTERM, or ctrl-c: a SIGINT to the whole process group
 *     AGENT_FLOW_CANCEL_WHEN   a file; the supervisor gets a SIGINT as soon as it exists
 *     AGENT_FLOW_RENDEZVOUS    a folder; a process about to take a lock waits there for a second one
 */
const { AGENT_FLOW_FAILPOINT, AGENT_FLOW_FAILSIGNAL, AGENT_FLOW_CANCEL_WHEN, AGENT_FLOW_RENDEZVOUS } =
  process.env;

/** Milliseconds after which a running docker client or a wait is interrupted. */
const intoFlight = 40;

/** Calls of the run itself. */
const ofRun = ['info', 'events', 'context'];

if (AGENT_FLOW_FAILPOINT) failAt(AGENT_FLOW_FAILPOINT, AGENT_FLOW_FAILSIGNAL ?? 'SIGKILL');
if (AGENT_FLOW_CANCEL_WHEN) cancelWhen(AGENT_FLOW_CANCEL_WHEN);
if (AGENT_FLOW_RENDEZVOUS) meetAt(AGENT_FLOW_RENDEZVOUS);
syncBuiltinESMExports();

function failAt(name: string, signal: string): void {
  const [, named, what, moment] = /^(?:(.+)@)?(.+):(.+)$/.exec(name)!;
  const isOfAgent = (event: RunEvent) => named === undefined || ('agent' in event && event.agent === named);
  const position = positions.find(({ state }) => state === what) ?? null;
  let inside = false;
  /** The agent in that state; null before any agent was in it. */
  let agent: string | null = named ?? null;
  let call: number | null = null;
  let spawnsToCut = false;

  const fire = oneSignal(signal);
  const soon = () => void setTimeout(fire, intoFlight);

  const before = (event: RunEvent) => {
    if (event.type === what && moment === 'before' && isOfAgent(event)) fire();
    if (!position || !inside) return;
    const isOver =
      position.callsDocker && event.type === 'docker.result'
        ? event.call === call
        : event.type === 'agent.state' && (agent ?? event.agent) === event.agent && !isIn(event.state, what!);
    // A state that makes no call in this run has no other position.
    if (isOver && (moment !== 'intent' || (position.callsDocker && call === null))) fire();
  };
  const after = (event: RunEvent) => {
    if (event.type === what && moment === 'after' && isOfAgent(event)) fire();
    if (!position) return;
    // The actor of the first state starts before the event of that state.
    if (event.type === 'run.started' && named === undefined) inside = initialState === what;
    if (
      event.type === 'agent.state' &&
      (agent ?? event.agent) === event.agent &&
      isIn(event.state, what!) !== inside
    ) {
      inside = !inside;
      agent = event.agent;
      if (!inside || position.callsDocker) return;
      if (moment === 'intent') fire();
      if (moment === 'flight') soon();
    }
    if (!inside || !position.callsDocker || call !== null) return;
    if (event.type !== 'docker.call' || ofRun.includes(event.argv[1]!) || !isOfAgent(event)) return;
    call = event.call;
    if (moment === 'intent') fire();
    spawnsToCut = moment === 'flight';
  };

  const writeSync = fs.writeSync as (...args: unknown[]) => number;
  fs.writeSync = ((...args: unknown[]) => {
    const event = eventIn(args[1]);
    if (event) before(event);
    const written = writeSync(...args);
    if (event) after(event);
    return written;
  }) as typeof fs.writeSync;

  const spawn = childProcess.spawn as (...args: unknown[]) => childProcess.ChildProcess;
  childProcess.spawn = ((...args: unknown[]) => {
    const child = spawn(...args);
    if (spawnsToCut) soon();
    spawnsToCut = false;
    return child;
  }) as typeof childProcess.spawn;
}

/** Return a function that sends a signal to this process, once. */
function oneSignal(signal: string): () => void {
  let isSent = false;
  return () => {
    if (isSent) return;
    isSent = true;
    if (signal === 'ctrl-c') process.kill(-process.pid, 'SIGINT');
    else process.kill(process.pid, signal);
  };
}

function isIn(state: string, named: string): boolean {
  return state === named || state.startsWith(`${named}.`);
}

function eventIn(data: unknown): RunEvent | null {
  const text = Buffer.isBuffer(data) ? data.toString() : '';
  return text.startsWith('{"v":1,') ? JSON.parse(text) : null;
}

function cancelWhen(file: string): void {
  const timer = setInterval(() => {
    if (!fs.existsSync(file)) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGINT');
  }, 20);
  timer.unref();
}

/** Both have checked the lock before either takes it: the narrowest possible race. */
function meetAt(folder: string): void {
  const { linkSync } = fs;
  let met = false;
  fs.linkSync = (from, to) => {
    if (!met) {
      met = true;
      fs.writeFileSync(`${folder}/${process.pid}`, '');
      const until = Date.now() + 20_000;
      while (fs.readdirSync(folder).length < 2 && Date.now() < until);
    }
    linkSync(from, to);
  };
}
