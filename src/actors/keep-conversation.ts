import { join } from 'node:path';
import type { StepInput } from '../../machines/agent-types.ts';
import type { EndRecord } from '../../machines/outcome.ts';
import { asStepError } from '../../machines/step-error.ts';
import { homeFile } from '../spec/conversation-script.ts';
import { formatBytes } from '../spec/units.ts';
import { makeDirectory } from '../store/state-files.ts';
import { writeFileAtomic } from '../store/write-file-atomic.ts';
import { namesOf } from '../workspace/entry-name.ts';
import { contentBytes, sourceOf } from '../workspace/tar-bytes.ts';
import { readTar } from '../workspace/tar-reader.ts';
import { isWritable, tarEnd, tarEntry } from '../workspace/tar-writer.ts';
import type { ActorContext } from './context.ts';
import { copyPath } from './copy-path.ts';

export type KeepConversationPorts = Pick<
  ActorContext,
  'plan' | 'recorder' | 'folder' | 'vault' | 'attempts' | 'emit'
>;

/** Bytes and number of the files of a conversation. */
export const conversationLimits = { maxBytes: 32 * 2 ** 20, maxEntries: 5_000 } as const;

/** Return the file with the kept conversation of an attempt. */
export const conversationFile = (
  { folder }: Pick<ActorContext, 'folder'>,
  agent: string,
  attempt: number,
): string => join(folder(agent, attempt), 'conversation.tar');

/**
 * Keep the conversation of an attempt that another one may continue, before its container is removed. Done once: whether it
 * was kept is journaled. A conversation that cannot be kept does not change the outcome of the agent.
 */
export async function keepConversation(
  context: KeepConversationPorts,
  input: StepInput,
  record: EndRecord | null,
  signal: AbortSignal,
): Promise<void> {
  const { name: agent, attempt } = input;
  if (input.containerId === null || input.cancelled || !mayContinue(context, input, record)) return;
  if (context.attempts(agent).some(entry => entry.attempt === attempt && entry.conversation)) return;
  const problem = await keep(context, input, signal).catch((error: unknown) => {
    const { kind, message } = asStepError(error);
    if (signal.aborted || kind === 'unreachable') throw error;
    return message;
  });
  await context.emit({ type: 'conversation.kept', agent, attempt, problem });
}

/** Return whether another attempt may continue the conversation after such an end. */
function mayContinue(context: KeepConversationPorts, input: StepInput, record: EndRecord | null): boolean {
  const { check, conversation } = context.plan(input.name);
  const { after = [] } = conversation ?? {};
  const hasWorked = record?.code === 0 && !record.providerFailure && !record.outputProblem;
  if (hasWorked) return after.includes('check') && (input.round ?? 1) < (check?.rounds ?? 1);
  if (record?.outputProblem && record.isCorrectable && after.includes('output')) return true;
  return after.includes(record?.providerFailure?.kind === 'quota' ? 'quota' : 'failure');
}

/** Thrown for a conversation that does not count. */
class ConversationError extends Error {}

/** Copy the conversation into the folder of the attempt. Returns why that is not possible, or null. */
async function keep(
  context: KeepConversationPorts,
  input: StepInput,
  signal: AbortSignal,
): Promise<string | null> {
  const { files } = context.plan(input.name).conversation!;
  try {
    const { home, uid } = await readHome(context, input, signal);
    const parts: Buffer[] = [];
    const budget = { bytes: conversationLimits.maxBytes, entries: conversationLimits.maxEntries };
    for (const file of files) {
      const stream = await copyOut(
        context,
        input,
        { path: `${home}/${file}`, maxBytes: budget.bytes },
        signal,
      );
      if (stream !== null) parts.push(...(await entriesOf(context, stream, { file, uid, budget })));
    }
    if (parts.length === 0) return 'its files were not found';
    makeDirectory(context.folder(input.name, input.attempt));
    const archive = Buffer.concat([...parts, tarEnd()]);
    writeFileAtomic(conversationFile(context, input.name, input.attempt), archive);
    return null;
  } catch (error) {
    if (error instanceof ConversationError) return error.message;
    throw error;
  }
}

/** Bytes of a tar stream beyond the content of its files. */
const tarOverhead = 4 * 2 ** 20;

/** Return a path of the ended container as a tar stream; null if it does not exist. Throws if it is too large. */
async function copyOut(
  context: KeepConversationPorts,
  input: StepInput,
  { path, maxBytes }: { path: string; maxBytes: number },
  signal: AbortSignal,
): Promise<Buffer | null> {
  const request = { path, maxBytes: maxBytes + tarOverhead, timeout: 60_000 };
  const copied = await copyPath(context, input, { ...request, operation: 'copy the conversation' }, signal);
  if (copied?.isCut) throw tooLarge();
  return copied?.tar ?? null;
}

const tooLarge = () =>
  new ConversationError(
    `it is larger than ${formatBytes(conversationLimits.maxBytes)} or has more than ${conversationLimits.maxEntries} files`,
  );

/**
 * Return the home of the agent, and its user: the agent wrote both, and can name any path of its own container. Docker reads as root, so
 * that files of other users do not count.
 */
async function readHome(context: KeepConversationPorts, input: StepInput, signal: AbortSignal) {
  const stream = await copyOut(context, input, { path: homeFile, maxBytes: 4096 }, signal);
  for await (const { type, size, uid, content } of readTar(sourceOf(stream ?? tarEnd()))) {
    if (type !== 'file' || size > 4096) break;
    const home = (await contentBytes(content)).toString();
    if (!/^\/[^\p{Cc}]*$/u.test(home)) break;
    return { home, uid };
  }
  throw new ConversationError('its home is not known');
}

/** Return the regular files and directories of the agent in a tar stream, as those of its home. */
async function entriesOf(
  { vault: { redactor } }: KeepConversationPorts,
  stream: Buffer,
  { file, uid, budget }: { file: string; uid: number; budget: { bytes: number; entries: number } },
): Promise<Buffer[]> {
  const parts: Buffer[] = [];
  let hasFile = false;
  for await (const entry of readTar(sourceOf(stream))) {
    const names = namesOf(entry.path);
    if (names === null || names.length === 0 || entry.uid !== uid) continue;
    if (!isWritable(entry) || entry.type === 'symbolicLink') continue;
    budget.bytes -= entry.size;
    budget.entries--;
    if (budget.bytes < 0 || budget.entries < 0) throw tooLarge();
    const content = await contentBytes(entry.content);
    const text = redactor.isEmpty ? '' : content.toString();
    // It would be stored.
    if (redactor.text(text) !== text) throw new ConversationError('it contains a secret');
    hasFile ||= entry.type === 'file';
    // The first name is the last one of the path that was copied.
    const path = [Buffer.from(file).toString('latin1'), ...names.slice(1)].join('/');
    for await (const part of tarEntry({ ...entry, path, content: sourceOf(content) })) parts.push(part);
  }
  return hasFile ? parts : [];
}
