import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { fakeDocker, type Place, place } from '../engine/flow.ts';

/** Lines that an agent prints. */
export const printed = 20;

/** The way of an agent into a state, and its outcome if its supervisor is not killed. */
export interface Scenario {
  /** In shell, after it has recorded its start and printed its lines. */
  readonly agent: string;
  readonly retries: number;
  /** Replies of a faulty docker, by the words that a call begins with. */
  readonly docker: Readonly<Record<string, string>>;
  /** It gets a Ctrl-C as soon as its agent is up. */
  readonly cancelled: boolean;
  readonly starts: number;
  /** It needs a secret, which is missing from the start of its container until the run waits for it. */
  readonly secret?: true;
  /** The check of its work. */
  readonly check?: object;
  /** It is an AI CLI, whose quota is used up at its first start. */
  readonly isCli?: true;
}

const plain: Scenario = { agent: 'sleep 0.5', retries: 0, docker: {}, cancelled: false, starts: 1 };

const failsOnce = (message: string) => `mkdir once 2>/dev/null && { echo '${message}' >&2; exit 1; }`;
const flaky: Scenario = { ...plain, docker: { create: failsOnce('unexpected EOF') } };
const away: Scenario = {
  ...plain,
  docker: {
    create: failsOnce(
      'Cannot connect to the Docker daemon at unix:///nowhere. Is the docker daemon running?',
    ),
  },
};
const second: Scenario = {
  ...plain,
  agent: '[ "$(wc -l <starts)" -gt 1 ] || exit 9',
  retries: 1,
  starts: 2,
};
const stubborn: Scenario = {
  ...plain,
  agent: 'trap "" INT TERM HUP; touch up; while :; do sleep 1; done',
  cancelled: true,
};
const ignoresTerm = { 'kill --signal=TERM': 'exit 0' };

/** While its secret is missing, only another agent keeps the supervisor from detaching. */
const lacking: Scenario = {
  ...plain,
  docker: { start: 'mkdir once 2>/dev/null && mv key away && rm workspace/key-is-there' },
  secret: true,
};

/** Its transcript takes long enough to be interrupted, also by a Ctrl-C, which docker reports only as 130. */
const slowTranscript: Scenario = { ...plain, docker: { logs: "trap 'exit 130' INT; sleep 0.3" } };

const usedUp: Scenario = { ...plain, starts: 2, isCli: true };

/** Its work passes its check in the second round. */
const checked: Scenario = {
  ...plain,
  agent: 'true',
  check: { command: ['sh', '-c', 'sleep 0.3; [ "$(wc -l <starts)" -gt 1 ]'], rounds: 2 },
  starts: 2,
};

const special: Readonly<Record<string, Scenario>> = {
  backingOff: flaky,
  engineUnreachable: away,
  retrying: second,
  'collecting.reading': slowTranscript,
  waitingForSecrets: lacking,
  waitingForQuota: usedUp,
  checking: checked,
  'check.ended': checked,
  'stopping.interrupting': stubborn,
  'stopping.terminating': stubborn,
  'stopping.stoppingContainer': { ...stubborn, docker: ignoresTerm },
  'stopping.killing': { ...stubborn, docker: { ...ignoresTerm, stop: 'exit 0' } },
};

/** The scenario that passes through a state; most are on the path of a plain agent. */
export const scenarioFor = (state: string): Scenario => special[state] ?? plain;

/** Whether an agent passes through a state to which no fault leads. */
export const isOnPath = (state: string): boolean =>
  scenarioFor(state) === plain || ['checking', 'collecting.reading'].includes(state);

const failpoints = join(import.meta.dirname, 'failpoints.ts');

/** An agent whose starts are counted outside its container, and whose lines can be counted in its transcript. */
export const counted = (more: string, starts = 'starts') => ({
  command: [
    'sh',
    '-c',
    `echo start >>${starts}; i=0; while [ $i -lt ${printed} ]; do i=$((i+1)); echo "line $i"; done; ${more}`,
  ],
  workspace: 'workspace',
  memory: '64m',
  cpus: 1,
});

export const startsOf = (here: Place, file = 'starts') => {
  try {
    return readFileSync(join(here.workspace, file), 'utf8').trimEnd().split('\n').length;
  } catch {
    return 0;
  }
};

export interface Stage {
  readonly here: Place;
  /** A network of this stage alone. */
  readonly network: string;
  /** The environment of a supervisor that is to fail: see failpoints.ts. */
  failing(more: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Create a place with a network and a folder for temporary files of its own, all removed after the test. `more`:
 * variables of the environment, such as a DOCKER_HOST.
 */
export function stage(
  t: ExecutionContext,
  docker: Scenario['docker'] = {},
  more: NodeJS.ProcessEnv = {},
): Stage {
  const network = `agent-flow-faults-${randomBytes(4).toString('hex')}`;
  t.teardown(() => execa('docker', ['network', 'rm', network], { env: more, reject: false }));
  const here = place(t, more);
  const temporary = join(here.path, 'tmp');
  mkdirSync(temporary);
  const env = { ...fakeDocker(here, docker), TMPDIR: temporary };
  return {
    here,
    network,
    env,
    failing: more => ({ ...env, NODE_OPTIONS: `--import=${failpoints}`, ...more }),
  };
}

/**
 * The spec of a scenario: one agent, `worker`; beside one with a missing secret another that runs longer than its wait.
 */
export function specOf({ agent, retries, secret, isCli, check }: Scenario, network: string) {
  const worker = { ...counted(agent), retries, network: { name: network }, ...(check && { check }) };
  if (isCli) {
    const { command: _, ...rest } = worker;
    const cli = { provider: 'claude', prompt: 'x', auth: 'off', build: { context: 'cli' }, memory: '256m' };
    return { agents: { worker: { ...rest, ...cli } } };
  }
  if (!secret) return { agents: { worker } };
  const outlives = ['sh', '-c', 'until [ -e key-is-there ]; do sleep 0.1; done; sleep 5'];
  return {
    agents: {
      worker: { ...worker, secrets: [{ name: 'KEY', file: 'key' }] },
      other: { ...worker, command: outlives },
    },
    concurrency: 2,
  };
}

/** In place of Claude Code: an image that contains it is used unchanged. */
const fakeCli = `#!/bin/sh
echo start >>/workspace/starts
i=0; while [ $i -lt ${printed} ]; do i=$((i+1)); echo "line $i"; done
if [ "$(wc -l </workspace/starts)" -gt 1 ]; then
  echo '{"type":"result","subtype":"success","is_error":false,"num_turns":1}'
  exit 0
fi
echo "{\\"type\\":\\"rate_limit_event\\",\\"rate_limit_info\\":{\\"status\\":\\"rejected\\",\\"resetsAt\\":$(($(date +%s) + 2))}}"
echo '{"type":"result","subtype":"success","is_error":true,"result":"used up"}'
exit 1
`;

/** Put the files of a scenario beside its spec; restore its secret when the run waits for it. */
export function prepareScenario(t: ExecutionContext, { secret, isCli }: Scenario, here: Place): void {
  if (isCli) {
    mkdirSync(join(here.path, 'cli'));
    writeFileSync(join(here.path, 'cli', 'claude'), fakeCli, { mode: 0o755 });
    writeFileSync(
      join(here.path, 'cli', 'Dockerfile'),
      'FROM tmux-agents-base:latest\nCOPY claude /usr/local/bin/claude\n',
    );
  }
  if (!secret) return;
  // Outside the workspace, where its agent could put a link in its place.
  const key = join(here.path, 'key');
  const marker = join(here.workspace, 'key-is-there');
  writeFileSync(key, 'a secret that is hard to guess\n');
  writeFileSync(marker, '');
  const timer = setInterval(() => {
    const isAwaited = here
      .journal()
      .some(event => event.type === 'agent.state' && event.state === 'waitingForSecrets');
    if (!isAwaited) return;
    clearInterval(timer);
    renameSync(join(here.path, 'away'), key);
    writeFileSync(marker, '');
  }, 200);
  t.teardown(() => clearInterval(timer));
}
