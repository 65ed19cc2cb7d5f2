import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { SpecError } from './errors.ts';
import { escapeControl } from './escape-control.ts';
import { decodeUtf8, type FileLookup, fileErrorMessage, maxTextSize, readText } from './files.ts';
import { nameOfFile } from './name-of-file.ts';

/** The text of a spec, and what follows from where it was read. */
export interface SpecText {
  readonly text: string;
  /** For messages: the path as it was given. */
  readonly file: string;
  /** Where paths in it start. */
  readonly directory: string;
  /** The name of the flow where the spec gives none. */
  readonly name: string;
  /** It came through a pipe, or from a terminal: nobody can read it again. */
  readonly isStream: boolean;
}

/** The path of our standard input, by which commands read a spec that is called `-`. */
export const standardInput = '/dev/stdin';

const isStandardInput = (path: string) => [standardInput, '/dev/fd/0', '/proc/self/fd/0'].includes(path);

/** Return what a spec is called in messages. */
export const specName = (path: string) => (isStandardInput(path) ? 'standard input' : path);

/** Under these names an open file lies in no directory of the user's. */
const isDescriptor = (path: string) => /^\/(dev|proc\/\w+)\/fd\/\d+$/.test(path);

/**
 * Read a spec: a file, a pipe such as the shell's `<(…)`, or standard input. Paths in one that comes through a pipe are
 * relative to the working directory.
 *
 * @throws {SpecError} where it cannot be read.
 */
export async function readSpec(path: string): Promise<SpecText> {
  const file = specName(path) || '""';
  const isInput = isStandardInput(path);
  const isStream = isInput || (await isPipe(resolve(path)));
  const outcome = isStream
    ? await readStream(isInput ? process.stdin : createReadStream(resolve(path)), file)
    : await readText(resolve(path));
  if ('fault' in outcome) throw new SpecError(file, [{ path: '', message: outcome.fault }]);
  const hasPlace = !isStream && !isDescriptor(path);
  return {
    text: outcome.value,
    file,
    directory: hasPlace ? dirname(resolve(path)) : process.cwd(),
    name: hasPlace ? nameOfFile(path) : 'flow',
    isStream,
  };
}

/** Anything that is read to its end, as it comes. Of a path that leads nowhere reading it gives the reason. */
async function isPipe(path: string): Promise<boolean> {
  const facts = await stat(path).catch(() => null);
  return facts !== null && (facts.isFIFO() || facts.isCharacterDevice());
}

async function readStream(stream: AsyncIterable<Buffer | string>, file: string): Promise<FileLookup> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream) {
      chunks.push(Buffer.from(chunk));
      size += chunk.length;
      if (size > maxTextSize) return { fault: `${escapeControl(file)} is larger than 10 MB` };
    }
    return { value: decodeUtf8(Buffer.concat(chunks)) };
  } catch (error) {
    return { fault: fileErrorMessage(error, file, '').trimStart() };
  }
}
