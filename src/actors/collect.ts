import { closeSync, fstatSync, ftruncateSync, writeSync } from 'node:fs';
import type { StepInput } from '../../machines/agent-types.ts';
import type { EndRecord } from '../../machines/outcome.ts';
import { StepError } from '../../machines/step-error.ts';
import { leaseSeconds } from '../agent-container/lease.ts';
import { classify, dockerError } from '../docker/classify-error.ts';
import type { CallEnd } from '../docker/recorder.ts';
import { readOutput, saveOutput } from '../docker/stream.ts';
import type { AgentPlan } from '../spec/plan.ts';
import { holdFile, openFile } from '../store/state-files.ts';
import { writeFileAtomic } from '../store/write-file-atomic.ts';
import { plainText } from '../text/text.ts';
import { agentOutput, marksFile } from '../transcript/agent-output.ts';
import { reportIn } from '../transcript/agent-report.ts';
import { endRecordOf, recordInFile, refusalIn } from '../transcript/end-record.ts';
import { sourceOf } from '../workspace/tar-bytes.ts';
import { readTar } from '../workspace/tar-reader.ts';
import { type ActorContext, owner } from './context.ts';
import { providerFailureOf, withCountedBudget } from './provider-failure.ts';

type CollectPorts = Pick<
  ActorContext,
  | 'docker'
  | 'recorder'
  | 'containers'
  | 'vault'
  | 'seals'
  | 'plan'
  | 'provider'
  | 'identity'
  | 'transcript'
  | 'networks'
  | 'emit'
  | 'haltUnwritable'
  | 'shareOfBudget'
>;

/**
 * Keep the transcript, and read the container's end record from its end. As long as the secrets of the attempt cannot be
 * redacted, none of its output is kept, and an agent that may wait for its secrets waits.
 */
export async function collect(
  context: CollectPorts,
  input: StepInput,
  signal: AbortSignal,
): Promise<{ record: EndRecord | null }> {
  const problem = await redactionProblem(context, input, signal);
  // The secrets of an adopted agent are not recorded.
  if (problem !== null && !input.cancelled && context.plan(input.name).secrets.length > 0)
    throw new StepError('missingSecret', problem);
  const { result, end } =
    problem === null
      ? await keepTranscript(context, input, signal)
      : await dropTranscript(context, input, problem, signal);
  const { nonce } = context.identity(input.name, input.attempt);
  const signed = endRecordOf(end, nonce);
  const record = signed && {
    ...withLeaseOf(context.plan(input.name), signed),
    providerFailure: providerFailureOf(context.plan(input.name), {
      provider: context.provider(input.name),
      report: reportIn(end, nonce),
    }),
    refusal: refusalIn(end),
  };
  const timeout = AbortSignal.any([signal, AbortSignal.timeout(input.cancelled ? 1_000 : 60_000)]);
  await context.networks.readBlocked(input.name, input.attempt, timeout);
  await context.networks.readUsage(context.plan(input.name), input.attempt, timeout);
  if (record) return { record: await withCountedBudget(context, input, record) };
  if (input.cancelled) return { record };

  if (problem === null) await checkWhole(context, input, result, signal);
  if (!result.ok) throw dockerError(result, { operation: 'read the transcript' });
  return {
    record: await recordInside(
      context,
      input,
      input.injectedAt === null ? entryFailure(result, end) : null,
      signal,
    ),
  };
}

/** Return why the output of an attempt cannot be redacted; null if it can. */
async function redactionProblem(
  context: CollectPorts,
  input: StepInput,
  signal: AbortSignal,
): Promise<string | null> {
  if (!input.cancelled) return context.seals.unseal(input, signal);
  const over = AbortSignal.any([signal, AbortSignal.timeout(2_000)]);
  return context.seals.unseal(input, over).catch((error: Error) => {
    signal.throwIfAborted();
    return error.message;
  });
}

/** The result of docker, and the end of the container's output. */
interface Output {
  readonly result: CallEnd & { readonly args: readonly string[] };
  readonly end: string;
}

async function keepTranscript(context: CollectPorts, input: StepInput, signal: AbortSignal): Promise<Output> {
  const file = context.transcript(input.name, input.attempt);
  const held = await hold(file).catch(error => context.haltUnwritable(error, signal));
  const args = ['logs', input.containerId!];
  // A second Ctrl-C ends the collecting; the first one leaves it this long.
  const timeout = input.cancelled ? 2_000 : 600_000;
  const { redactor } = context.vault;
  const { nonce } = context.identity(input.name, input.attempt);
  const output = agentOutput(nonce);
  const through = [...(redactor.isEmpty ? [] : [redactor.stream()]), output.stream];
  const options = { signal, scope: owner(input), timeout, through };
  const result = await saveOutput(context.recorder, args, held.path, options).finally(held[Symbol.dispose]);
  try {
    // Like the transcript, which is not synced either.
    writeFileAtomic(marksFile(file), output.marks(), { isDurable: false });
  } catch (error) {
    await context.haltUnwritable(error as Error, signal);
  }
  return { result: { ...result, args }, end: output.tail() };
}

/** Read only the last line, and keep nothing. */
async function dropTranscript(
  { docker, emit }: CollectPorts,
  input: StepInput,
  problem: string,
  signal: AbortSignal,
): Promise<Output> {
  const message = `its transcript was not kept: ${problem}`;
  await emit({ type: 'warning', agent: input.name, message });
  const timeout = input.cancelled ? 2_000 : 60_000;
  const result = await docker(['logs', '--tail=1', input.containerId!], {
    signal,
    scope: owner(input),
    timeout,
  });
  return { result, end: result.stdout };
}

/** Throw if the transcript lacks an end that Docker has: a full disk must not change an outcome. */
async function checkWhole(
  context: CollectPorts,
  input: StepInput,
  result: Output['result'],
  signal: AbortSignal,
): Promise<void> {
  const { docker } = context;
  const { nonce } = context.identity(input.name, input.attempt);
  const file = context.transcript(input.name, input.attempt);
  await tryToWrite(file).catch(error => context.haltUnwritable(error, signal));
  if (!result.ok) throw dockerError(result, { operation: 'read the transcript' });
  const last = await docker(['logs', '--tail=1', input.containerId!], { signal, scope: owner(input) });
  if (endRecordOf(last.stdout, nonce))
    throw new StepError('transient', `${file} lacks the end of the transcript`);
}

/** Return the record with the length of a lease that ran out. */
function withLeaseOf(plan: AgentPlan, record: EndRecord): EndRecord {
  const seconds = leaseSeconds(plan);
  return record.reason === 'lease' && seconds !== null ? { ...record, lease: seconds * 1000 } : record;
}

/**
 * Read the end record from the container's file. Docker loses the output of a container that ends while the daemon is down,
 * but keeps its exit code and files. An agent may have written the file, so it must agree with the exit code.
 */
async function recordInside(
  { containers, recorder, plan }: CollectPorts,
  input: StepInput,
  refusal: string | null,
  signal: AbortSignal,
): Promise<EndRecord | null> {
  const id = input.containerId!;
  const options = { signal, scope: owner(input), timeout: 30_000 };
  const [found] = await containers.inspect([id], options);
  if (found?.state !== 'exited') return null;
  if (refusal !== null) return { reason: 'tmux-lost', code: found.exitCode, oomKills: 0, refusal };
  const args = ['cp', `${id}:/run/agent/exit`, '-'];
  const result = await readOutput(recorder, args, 4096, options);
  if (result.stdout === '' && classify(result) !== 'docker')
    throw dockerError({ ...result, args }, { operation: 'read the end record' });
  const record = recordInFile(await firstContent(result.stdout));
  if (record?.code !== found.exitCode) return null;
  return withLeaseOf(plan(input.name), { ...record, oomKills: Number(found.oomKilled) });
}

/** Return the content of the first file of a tar stream, as far as its beginning contains it. */
export async function firstContent(stream: string): Promise<string> {
  const parts: Buffer[] = [];
  try {
    for await (const { content } of readTar(sourceOf(Buffer.from(stream, 'latin1')))) {
      for await (const part of content) parts.push(part);
      break;
    }
  } catch {
    // The stream ends in the middle of a file that is longer than an end record.
  }
  return Buffer.concat(parts).toString();
}

/**
 * Return why the entrypoint was not executed, as docker-init or catatonit prints it on stderr; null if it was executed: it
 * prints on stdout before anything else.
 */
function entryFailure({ printed = '' }: Output['result'], stdout: string): string | null {
  if (stdout !== '') return null;
  const last = plainText(printed).trimEnd().split('\n').at(-1)!;
  return /^(?:\[FATAL [^\]]*\]|ERROR \(catatonit:\d+\):) (.{1,300})/.exec(last)?.[1] ?? null;
}

/** Open a file that only this user can read, from its first byte on. */
const hold = async (file: string) => holdFile(file);

/** Reject if the file cannot be appended to. */
async function tryToWrite(file: string): Promise<void> {
  const fd = openFile(file, 'r+');
  try {
    const { size } = fstatSync(fd);
    writeSync(fd, Buffer.alloc(65_536), 0, 65_536, size);
    ftruncateSync(fd, size);
  } finally {
    closeSync(fd);
  }
}
