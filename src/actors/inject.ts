import { createHash, randomBytes } from 'node:crypto';
import type { StepInput } from '../../machines/agent-types.ts';
import { StepError } from '../../machines/step-error.ts';
import { classify, dockerError, unreadableOutput } from '../docker/classify-error.ts';
import { SealError } from '../secrets/sealed-file.ts';
import { launchScript } from '../spec/launch.ts';
import { type ActorContext, owner } from './context.ts';
import { findEnd } from './lookup-end.ts';
import { secretsOf } from './secrets.ts';

type InjectPorts = Pick<
  ActorContext,
  'clock' | 'docker' | 'watcher' | 'plan' | 'vault' | 'seals' | 'haltUnwritable'
>;

/**
 * Pass the launch script to the container, which types one constant line into the session. Idempotent: the container
 * starts its agent once, and prints `already` from then on.
 */
export async function inject(
  context: InjectPorts,
  input: StepInput,
  signal: AbortSignal,
): Promise<{ injectedAt: number }> {
  const { clock, docker } = context;
  const { ready } = context.plan(input.name).timeouts;
  const secrets = secretsOf(context, input.name);
  const script = salted(launchScript(context.plan(input.name), { secrets }));
  const hash = createHash('sha256').update(script).digest('hex');
  const id = input.containerId!;
  if (!(await seal(context, input, Object.values(secrets), signal))) {
    if (await findEnd(context, id, signal)) return { injectedAt: clock.now() };
    throw new StepError('transient', 'the container does not exist');
  }
  const args = [
    'exec',
    '--interactive',
    id,
    'agent-inject',
    String(input.attempt),
    String(script.length),
    hash,
  ];
  const operation = 'start the agent in its session';
  const injectedAt = clock.now();
  const result = await docker(args, {
    signal,
    scope: owner(input),
    isMutation: true,
    input: script,
    timeout: ready + 15_000,
  });
  if (result.ok && /^(started|already)$/m.test(result.stdout)) return { injectedAt };

  // An agent may end before the command that started it returns: then its end is what counts.
  if (await findEnd(context, id, signal)) return { injectedAt };
  if (result.ok) throw unreadableOutput(result, operation);

  const error = dockerError(result, { operation, fallbackKind: 'transient' });
  if (classify(result) !== 'docker') throw error;
  throw new StepError('transient', error.message, { command: 'docker exec agent-inject' });
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
