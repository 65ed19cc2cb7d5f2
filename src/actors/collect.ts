import { closeSync, fstatSync, ftruncateSync, writeSync } from 'node:fs';
import { Readable } from 'node:stream';
import type { StepInput } from '../../machines/agent-types.ts';
import type { EndRecord } from '../../machines/outcome.ts';
import { StepError } from '../../machines/step-error.ts';
import { classify, dockerError } from '../docker/errors.ts';
import type { CallEnd } from '../docker/recorder.ts';
import { firstBytes, saveOutput } from '../docker/stream.ts';
import { providerNamed } from '../providers/catalogue.ts';
import type { AgentPlan } from '../spec/plan.ts';
import { holdFile, openFile } from '../store/state-files.ts';
import { writeFileAtomic } from '../store/write-file-atomic.ts';
import { plainText } from '../text/text.ts';
import { agentOutput, marksFile } from '../transcript/agent-output.ts';
import { type AgentReport, reportIn } from '../transcript/agent-report.ts';
import { endRecordOf, recordInFile, refusalIn } from '../transcript/end-record.ts';
import { readTar } from '../workspace/tar-reader.ts';
import { type ActorContext, owner } from './context.ts';

type CollectPorts = Pick<
  ActorContext,
  | 'docker'
  | 'recorder'
  | 'containers'
  | 'vault'
  | 'seals'
  | 'plan'
  | 'identity'
  | 'transcript'
  | 'networks'
  | 'emit'
  | 'haltUnwritable'
>;

/**
 * Keep the transcript, and read the container's end record from its end. While what the attempt was given cannot be
 * redacted, nothing of its output is kept: an agent that may wait for its secrets does so.
 */
export async function collect(
  context: CollectPorts,
  input: StepInput,
  signal: AbortSignal,
): Promise<{ record: EndRecord | null }> {
  const lacks = await lackedSecrets(context, input, signal);
  // Which secrets an adopted agent was given is not recorded.
  if (lacks !== null && !input.cancelled && context.plan(input.name).secrets.length > 0)
    throw new StepError('missingSecret', lacks);
  const { result, end } =
    lacks === null
      ? await keepTranscript(context, input, signal)
      : await dropTranscript(context, input, lacks, signal);
  const { nonce } = context.identity(input.name, input.attempt);
  const said = endRecordOf(end, nonce);
  const record = said && {
    ...said,
    providerFailure: providerFailureOf(context.plan(input.name), reportIn(end, nonce)),
    refusal: refusalIn(end),
  };
  const patience = AbortSignal.timeout(input.cancelled ? 1_000 : 60_000);
  await context.networks.readBlocked(input.name, input.attempt, AbortSignal.any([signal, patience]));
  if (record || input.cancelled) return { record };

  if (lacks === null) await checkWhole(context, input, result, signal);
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

/** Return why the output of an attempt cannot be redacted; null where it can. */
async function lackedSecrets(
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

/** What docker answered, and the end of what the container has printed. */
interface Output {
  readonly result: CallEnd & { readonly args: readonly string[] };
  readonly end: string;
}

async function keepTranscript(context: CollectPorts, input: StepInput, signal: AbortSignal): Promise<Output> {
  const file = context.transcript(input.name, input.attempt);
  const held = await hold(file).catch(error => context.haltUnwritable(error, signal));
  const args = ['logs', input.containerId!];
  // A second Ctrl-C ends the collecting; a first one gives it the time that is left.
  const timeout = input.cancelled ? 2_000 : 600_000;
  const { redactor } = context.vault;
  const { nonce } = context.identity(input.name, input.attempt);
  const output = agentOutput(nonce);
  const through = [...(redactor.isEmpty ? [] : [redactor.stream()]), output.stream];
  const options = { signal, owner: owner(input), timeout, through };
  const result = await saveOutput(context.recorder, args, held.path, options).finally(held[Symbol.dispose]);
  try {
    writeFileAtomic(marksFile(file), output.marks());
  } catch (error) {
    await context.haltUnwritable(error as Error, signal);
  }
  return { result: { ...result, args }, end: output.tail() };
}

/** Read the last line alone, and keep nothing. */
async function dropTranscript(
  { docker, emit }: CollectPorts,
  input: StepInput,
  why: string,
  signal: AbortSignal,
): Promise<Output> {
  const message = `its transcript was not kept: ${why}`;
  await emit({ type: 'warning', agent: input.name, message });
  const timeout = input.cancelled ? 2_000 : 60_000;
  const result = await docker(['logs', '--tail=1', input.containerId!], {
    signal,
    owner: owner(input),
    timeout,
  });
  return { result, end: result.stdout };
}

/** A full disk must not make a verdict: what is missing in the file may be in Docker. */
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
  const last = await docker(['logs', '--tail=1', input.containerId!], { signal, owner: owner(input) });
  if (endRecordOf(last.stdout, nonce))
    throw new StepError('transient', `${file} lacks the end of the transcript`);
}

/** What the AI CLI has said of why it failed, with what helps. */
function providerFailureOf(
  { provider: name, secrets }: AgentPlan,
  report: AgentReport | null,
): NonNullable<EndRecord['providerFailure']> | null {
  const provider = providerNamed(name);
  if (!report?.failure || provider === undefined) return null;
  const { kind, message, resetsAt } = report.failure;
  const { title, keys, login } = provider;
  if (kind === 'needsInput') return { kind, message: `${title} ${message}`, until: null };
  // Of several keys, the one that it was given is the one that was refused.
  const key = keys.find(key => secrets.some(secret => secret.name === key)) ?? keys[0];
  const hint =
    kind === 'authentication'
      ? `. Set ${key}${login[0] ? `, or log in here (~/${login[0]})` : ''}`
      : kind === 'quota' && resetsAt === null
        ? '. Run it again when its plan is there again'
        : '';
  // Its own sentence has its end.
  const said = hint === '' ? message : message.replace(/\.+$/, '');
  return { kind, message: `${title}: ${said}${hint}`, until: resetsAt };
}

/**
 * Docker loses what a container prints while its daemon is away, should it end before the daemon is back; its exit code
 * and its files are kept. An agent may have written the file, so it has to agree with the exit code.
 */
async function recordInside(
  { containers, recorder }: CollectPorts,
  input: StepInput,
  refusal: string | null,
  signal: AbortSignal,
): Promise<EndRecord | null> {
  const id = input.containerId!;
  const options = { signal, owner: owner(input), timeout: 30_000 };
  const [found] = await containers.inspect([id], options);
  if (found?.state !== 'exited') return null;
  if (refusal !== null) return { reason: 'tmux-lost', code: found.exitCode, oomKills: 0, refusal };
  const args = ['cp', `${id}:/run/agent/exit`, '-'];
  const result = await firstBytes(recorder, args, 4096, options);
  if (result.stdout === '' && classify(result) !== 'docker')
    throw dockerError({ ...result, args }, { operation: 'read the end record' });
  const said = recordInFile(await firstContent(result.stdout));
  return said?.code === found.exitCode ? { ...said, oomKills: Number(found.oomKilled) } : null;
}

/** Return what the beginning of a tar stream holds of its first file. */
async function firstContent(stream: string): Promise<string> {
  const parts: Buffer[] = [];
  try {
    for await (const { content } of readTar(Readable.from([Buffer.from(stream, 'latin1')]))) {
      for await (const part of content) parts.push(part);
      break;
    }
  } catch {
    // Cut off in the middle of a file that is longer than an end record.
  }
  return Buffer.concat(parts).toString();
}

/**
 * Why the entry of a container was not executed, in the words of docker-init or catatonit on stderr; null where it was: it
 * prints on stdout before everything else.
 */
function entryFailure({ printed = '' }: Output['result'], stdout: string): string | null {
  if (stdout !== '') return null;
  const last = plainText(printed).trimEnd().split('\n').at(-1)!;
  return /^(?:\[FATAL [^\]]*\]|ERROR \(catatonit:\d+\):) (.{1,300})/.exec(last)?.[1] ?? null;
}

/** For this user's eyes alone, from its first byte. */
const hold = async (file: string) => holdFile(file);

/** Rejects where nothing more can be written behind what is there. */
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
