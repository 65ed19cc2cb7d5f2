import { createHash, randomBytes } from 'node:crypto';
import type { StepInput } from '../../machines/agent-types.ts';
import { StepError } from '../../machines/step-error.ts';
import { classify, dockerError, unreadableOutput } from '../docker/errors.ts';
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
 * Hands the launch script to the container, which types one constant line into the session. Asking twice is safe:
 * the container starts its agent once, and says `already` from then on.
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
    owner: owner(input),
    changes: true,
    input: script,
    timeout: ready + 15_000,
  });
  if (result.ok && /^(started|already)$/m.test(result.stdout)) return { injectedAt };

  // An agent may be done before the command that started it has answered: then its end says what happened.
  if (await findEnd(context, id, signal)) return { injectedAt };
  if (result.ok) throw unreadableOutput(result, operation);

  const error = dockerError(result, { operation, fallbackKind: 'transient' });
  if (classify(result) !== 'docker') throw error;
  throw new StepError('transient', error.message, { command: 'docker exec agent-inject' });
}

/** Its hash is on a command line and in the journal: without a salt anybody could try weak secrets against it. */
const salted = (script: Buffer) =>
  Buffer.concat([script, Buffer.from(`# ${randomBytes(16).toString('hex')}\n`)]);

/** Before docker gets them, what is needed to redact them later is on disk. Returns false without a container. */
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
