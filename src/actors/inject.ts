import { createHash, randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import type { StepInput } from '../../machines/agent-types.ts';
import { StepError } from '../../machines/step-error.ts';
import { loginFiles } from '../agent-container/login-mounts.ts';
import { isBrokered } from '../agent-container/names.ts';
import { classify, dockerError, unreadableOutput } from '../docker/classify-error.ts';
import type { DockerResult } from '../docker/cli.ts';
import { SealError } from '../secrets/sealed-file.ts';
import { type LoginFile, readLogins } from '../secrets/sent-logins.ts';
import { brokerHost } from '../spec/broker.ts';
import { launchScript } from '../spec/launch.ts';
import type { AgentPlan } from '../spec/plan.ts';
import { readSameSkill } from '../spec/skill-files.ts';
import { reportOf, tokenLimits } from './budget.ts';
import { type ActorContext, owner } from './context.ts';
import { continueConversation, withBaseline } from './continue-conversation.ts';
import { withCorrection } from './correction-prompt.ts';
import { grantSecrets, placeholders, splitSecrets } from './host-secrets.ts';
import { findEnd } from './lookup-end.ts';
import { checkOutputPath, roundLaunch } from './round-prompt.ts';

export type InjectPorts = Pick<
  ActorContext,
  | 'clock'
  | 'docker'
  | 'watcher'
  | 'plan'
  | 'launchedPlan'
  | 'placeholder'
  | 'vault'
  | 'seals'
  | 'networks'
  | 'hasOtherFiles'
  | 'haltUnwritable'
  | 'shareOfBudget'
  | 'rounds'
  | 'correction'
  | 'folder'
  | 'attempts'
  | 'emit'
>;

/**
 * A running `agent-inject`. It serves two states, since two commands would take twice as long: it waits for the session,
 * as `waitForTmux`, and then starts the agent, as `inject`.
 */
export interface Injection {
  /** Resolves with null once the session has accepted the line that starts the agent; with the result of a call that ended. */
  readonly ready: Promise<DockerResult | null>;
  readonly result: Promise<DockerResult>;
  /** Milliseconds since the epoch, from when the agent may run. */
  readonly injectedAt: number;
  /** Abort the call when this signal fires, too. */
  abortOn(signal: AbortSignal): void;
}

/** Injections whose session is ready, by the id of the container. */
export type Injections = Map<string, Injection>;

/**
 * Start the agent in its session: resolves when it runs. Idempotent: the container starts its agent once, and prints
 * `already` from then on.
 */
export async function inject(
  context: InjectPorts,
  injections: Injections,
  input: StepInput,
  signal: AbortSignal,
): Promise<{ injectedAt: number }> {
  const id = input.containerId!;
  const injection = injections.get(id) ?? (await beginInjection(context, input, signal));
  injections.delete(id);
  const injectedAt = () => injection?.injectedAt ?? context.clock.now();
  injection?.abortOn(signal);
  const result = (await injection?.result) ?? null;
  if (result && hasStarted(result)) return { injectedAt: injectedAt() };

  // An agent may end before the command that started it returns: then its end is what counts.
  if (await findEnd(context, id, signal)) return { injectedAt: injectedAt() };
  throw result ? injectionError(result) : noContainer();
}

/**
 * Pass the launch script to the container, which types one constant line into the session within `ready` milliseconds.
 * Resolves when docker has been called; with null if the container does not exist.
 */
export async function beginInjection(
  context: InjectPorts,
  input: StepInput,
  signal: AbortSignal,
  ready = context.plan(input.name).timeouts.ready,
): Promise<Injection | null> {
  const { clock, docker } = context;
  const plan = context.launchedPlan(input.name);
  const { own, byHost } = splitSecrets(context, input.name);
  const logins = context.hasOtherFiles ? loginsOf(plan) : [];
  const direct = isBrokered(plan) ? brokerHost : null;
  const authority = await grantSecrets(context, input.name, byHost, signal);
  const secrets = { ...own, ...placeholders(byHost) };
  const continued = await continueConversation(context, input, signal);
  const reported = await reportOf(context, input);
  const report = continued === null ? reported : withBaseline(context, input, reported);
  await context.networks.limit(plan, input.attempt, tokenLimits(report), signal);
  const round = roundLaunch(context, input, continued);
  const { checkOutput, ...launch } = continued === null ? withCorrection(context, input, round) : round;
  const files = checkOutput === null ? [] : [{ path: checkOutputPath, text: checkOutput }];
  const options = {
    secrets,
    logins,
    skills: skillsOf(plan),
    direct,
    authority,
    files,
    isContinued: continued !== null,
  };
  const script = salted(launchScript({ ...plan, ...launch, report }, options));
  if (!(await seal(context, input, Object.values(own), signal))) return null;

  const controller = new AbortController();
  const accepted = Promise.withResolvers<null>();
  let injectedAt = clock.now();
  let printed = '';
  const result = docker(injectCommand(input, script, ready), {
    signal: controller.signal,
    scope: owner(input),
    isMutation: true,
    input: script,
    timeout: ready + 15_000,
    onStdout(text) {
      printed = (printed + text).slice(0, 1_000);
      if (!/^ready$/m.test(printed)) return;
      injectedAt = clock.now();
      accepted.resolve(null);
    },
  });
  const injection = {
    ready: Promise.race([accepted.promise, result]),
    result,
    get injectedAt() {
      return injectedAt;
    },
    abortOn(by: AbortSignal) {
      if (by.aborted) controller.abort();
      else by.addEventListener('abort', () => controller.abort(), { once: true });
    },
  };
  // It may fail while neither state awaits it.
  result.catch(() => {});
  injection.abortOn(signal);
  return injection;
}

/** They were checked before the run, but have grown or become unreadable since. */
function loginsOf(plan: AgentPlan): LoginFile[] {
  try {
    return readLogins(plan.name, loginFiles(plan));
  } catch (error) {
    throw new StepError('infrastructure', (error as Error).message, { cause: error });
  }
}

function skillsOf({ skills = [] }: AgentPlan) {
  return skills.flatMap(({ source, sha256, home }) => {
    const skill = readSameSkill(source, sha256);
    if ('reason' in skill) throw new StepError('workspace', skill.reason);
    return skill.files.map(file => ({ ...file, home: posix.join(home, file.path) }));
  });
}

const injectCommand = ({ containerId, attempt }: StepInput, script: Buffer, ready: number) => [
  'exec',
  '--interactive',
  containerId!,
  'agent-inject',
  String(attempt),
  createHash('sha256').update(script).digest('hex'),
  wholeSeconds(ready),
];

export const wholeSeconds = (ms: number) => String(Math.max(1, Math.ceil(ms / 1000)));

/** Return whether the agent of a container was started, by this injection or an earlier one. */
export const hasStarted = ({ ok, stdout }: DockerResult) => ok && /^(started|already)$/m.test(stdout);

export const noContainer = () => new StepError('transient', 'the container does not exist');

/** Return the error of an injection that has failed. The container accepts another one. */
export function injectionError(result: DockerResult): Error {
  const operation = 'start the agent in its session';
  if (result.ok) return unreadableOutput(result, operation);
  const error = dockerError(result, { operation, fallbackKind: 'transient' });
  if (classify(result) !== 'docker') return error;
  return new StepError('transient', error.message, { command: 'docker exec agent-inject' });
}

/** Salt the script: its hash is on a command line and in the journal, and weak secrets could be tried against it. */
const salted = (script: Buffer) =>
  Buffer.concat([script, Buffer.from(`# ${randomBytes(16).toString('hex')}\n`)]);

/** Seal secrets before docker gets them, so that they can be redacted later. Returns false without a container. */
async function seal(
  { seals, haltUnwritable }: InjectPorts,
  input: StepInput,
  values: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return await seals.seal(input, values, signal);
  } catch (error) {
    if (error instanceof Error && 'code' in error && 'syscall' in error) return haltUnwritable(error, signal);
    if (!(error instanceof SealError)) throw error;
    throw new StepError('infrastructure', error.message, { cause: error });
  }
}
