import { posix } from 'node:path';
import type { StepInput } from '../../machines/agent-types.ts';
import type { EndRecord } from '../../machines/outcome.ts';
import { asciiJson, maxOutputBytes, outputPath, parseOutput } from '../spec/output-text.ts';
import { contentBytes, sourceOf } from '../workspace/tar-bytes.ts';
import { firstEntryType, readTar } from '../workspace/tar-reader.ts';
import type { ActorContext } from './context.ts';
import { copyPath } from './copy-path.ts';

type OutputPorts = Pick<ActorContext, 'recorder' | 'plan' | 'vault' | 'emit' | 'outputRoom'>;

type Read<Value> = { readonly value: Value } | { readonly problem: string };

/**
 * Copy the output of an agent that has exited with 0 out of its container, and journal it if it is valid (I3: before the
 * outcome). Otherwise the record has the reason, which becomes the outcome.
 */
export async function collectOutput(
  context: OutputPorts,
  input: StepInput,
  record: EndRecord | null,
  signal: AbortSignal,
): Promise<{ record: EndRecord | null }> {
  const { output, provider, prompt } = context.plan(input.name);
  const hasWorked = record?.code === 0 && (record.reason === 'exit' || record.reason === 'done');
  if (output === undefined || !hasWorked || input.cancelled) return { record };
  const file = await readOutputFile(context, input, signal);
  const read = 'problem' in file ? file : await validate(context, output.schema, file.value);
  // A command writes the same output again.
  const isCorrectable = provider !== 'command' && prompt !== null;
  if ('problem' in read) return { record: { ...record, outputProblem: read.problem, isCorrectable } };
  await context.emit({ type: 'agent.output', agent: input.name, attempt: input.attempt, json: read.value });
  return { record };
}

/** Bytes of a tar stream beyond the content of its only file. */
const tarOverhead = 16 * 1024;

/**
 * Read the file as bytes of its tar stream: at most so many, and of a regular file only. The agent may have replaced the file
 * and its directory: a link is not followed.
 */
async function readOutputFile(
  context: OutputPorts,
  input: StepInput,
  signal: AbortSignal,
): Promise<Read<Buffer>> {
  const copy = async (path: string, maxBytes: number) => {
    const request = { path, maxBytes, timeout: 30_000, operation: 'read the output' };
    return (await copyPath(context, input, request, signal))?.tar ?? null;
  };
  const above = await copy(posix.dirname(outputPath), 4096);
  const isDirectory = above !== null && (await firstEntryType(above)) === 'directory';
  const stream = isDirectory ? await copy(outputPath, maxOutputBytes + tarOverhead) : null;
  if (stream === null) return { problem: `it has written no output to $AGENT_OUTPUT_FILE, ${outputPath}` };
  return contentOf(stream);
}

async function contentOf(stream: Buffer): Promise<Read<Buffer>> {
  for await (const { type, size, content } of readTar(sourceOf(stream))) {
    if (type !== 'file') break;
    if (size > maxOutputBytes) return { problem: `its output is larger than ${maxOutputBytes / 1024} KiB` };
    return { value: await contentBytes(content) };
  }
  return { problem: 'its output is not a regular file' };
}

/** Return an output as JSON in ASCII, or why it does not count. */
async function validate(
  { vault, outputRoom }: OutputPorts,
  schema: object,
  bytes: Buffer,
): Promise<Read<string>> {
  const text = decode(bytes);
  if (text === null) return { problem: 'its output is not UTF-8 text' };
  const parsed = parseOutput(text);
  if ('problem' in parsed) return { problem: `its output ${parsed.problem}` };
  const json = asciiJson(parsed.value);
  const { redactor } = vault;
  // It would be stored, and handed to other agents.
  if ([text, json].some(form => redactor.text(form) !== form))
    return { problem: 'its output contains a secret' };
  if (json.length > outputRoom())
    return { problem: 'the outputs of the run are larger than 64 MiB together' };
  // Most runs have no output.
  const { outputProblems } = await import('../spec/output-schema.ts');
  const problems = outputProblems(schema, parsed.value);
  return problems.length === 0
    ? { value: json }
    : { problem: `its output does not match its schema: ${problems.join('; ')}` };
}

function decode(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
