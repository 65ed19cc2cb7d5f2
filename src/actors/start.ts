import type { StepInput } from '../../machines/agent-types.ts';
import type { FailureKind } from '../../machines/outcome.ts';
import { asStepError, StepError } from '../../machines/step-error.ts';
import { dockerError, unreadableOutput } from '../docker/classify-error.ts';
import { isProgramMissing, matchesMessage } from '../docker/messages.ts';
import { pipeCommands } from '../docker/stream.ts';
import { isWithin } from '../spec/paths.ts';
import { continuationOf } from '../state/continuation.ts';
import { type ActorContext, owner } from './context.ts';
import { type ExportPorts, exportJob } from './export-path.ts';
import { runHelperJob } from './helper-job.ts';
import { writableNow } from './make-clone.ts';

type StartPorts = ExportPorts &
  Pick<ActorContext, 'plan' | 'mountProblem' | 'writablePlaces' | 'livePlaces' | 'networks' | 'attempts'>;

/** Start a container that has never run. A container that has ended must not run again, so one in doubt is inspected first. */
export async function startContainer(
  context: StartPorts,
  input: StepInput,
  signal: AbortSignal,
): Promise<void> {
  const { containers, docker } = context;
  const id = input.containerId!;
  if (input.inDoubt) {
    const [found] = await containers.inspect([id], { signal, scope: owner(input) });
    if (found && found.state !== 'created') return;
  }
  checkSources(context, input);
  await copyIn(context, input, signal);
  const { name, attempt, image } = input;
  await context.networks.attach(context.plan(name), { id, attempt, image: image ?? '' }, signal);
  // Docker resolves the sources of mounts only now, and follows links in them.
  checkSources(context, input);
  const result = await docker(['start', id], {
    signal,
    scope: owner(input),
    isMutation: true,
    timeout: 120_000,
  });
  if (result.ok && result.stdout.trim() === id) return;
  if (result.ok) throw unreadableOutput(result, 'start the container');
  const lacksCommands = isProgramMissing('agent-init', result.stderr);
  throw asStepError(dockerError(result, { operation: 'start the container' }), {
    fallbackKind: lacksCommands
      ? 'image'
      : (startFailureKinds.find(([, message]) => matchesMessage(message, result.stderr))?.[0] ?? 'docker'),
  });
}

function checkSources({ mountProblem }: StartPorts, { name, attempt }: StepInput): void {
  const problem = mountProblem(name, attempt);
  if (problem !== null) throw new StepError('workspace', problem);
}

export const copyInto = (path: string, id: string) => ['cp', `${path}/.`, `${id}:/workspace`];

/** Copy the workspace into the container just before its start. Copying twice is harmless. */
async function copyIn(context: StartPorts, input: StepInput, signal: AbortSignal): Promise<void> {
  const { workspace } = context.plan(input.name);
  if (workspace.mode !== 'copy') return;
  // The copy of an earlier attempt is in the folder of the run, which no agent can write to.
  const path = savedCopy(context, input) ?? workspace.path;
  const isShared = writableNow(context).some(place => isWithin(path, place) || isWithin(place, path));
  const result = isShared
    ? await copyShared(context, input, path, signal)
    : await context.docker(copyInto(path, input.containerId!), {
        signal,
        scope: owner(input),
        isMutation: true,
        timeout: copyTimeoutMs,
      });
  if (!result.ok) throw dockerError(result, { operation: `copy ${path} into the container` });
}

/** Return the saved copy of the attempt that this one continues; null if it starts from the workspace of the spec. */
function savedCopy({ plan, attempts }: StartPorts, { name, attempt }: StepInput): string | null {
  const all = attempts(name);
  const continued = continuationOf(plan(name), all, attempt);
  return all.find(entry => entry.attempt === continued?.attempt)?.workspace?.path ?? null;
}

const copyTimeoutMs = 10 * 60_000;

/** Copy a directory that another agent may write to, by way of a container that sees nothing else of the host. */
function copyShared(context: StartPorts, input: StepInput, folder: string, signal: AbortSignal) {
  const options = { signal, scope: owner(input), timeout: copyTimeoutMs };
  return runHelperJob(
    context,
    options.scope,
    {
      ...exportJob({ folder, path: '.' }),
      purpose: `copy ${folder} into the container`,
      timeout: copyTimeoutMs,
      hasReported: ({ exitCode }) => exitCode !== null && exitCode < 125,
      attach: args =>
        pipeCommands(context.recorder, args, ['cp', '-', `${input.containerId}:/workspace`], options),
    },
    signal,
  );
}

/** The failure kind of a start by docker's message, for things that were removed after the create. */
const startFailureKinds = [
  // A daemon that was killed during a start leaves a task behind, and its container never starts.
  ['infrastructure', 'stuckTask'],
  ['network', 'noNetwork'],
  ['infrastructure', 'noContainer'],
] as const satisfies readonly (readonly [FailureKind, Parameters<typeof matchesMessage>[0]])[];
