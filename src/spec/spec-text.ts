import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { SpecError } from './errors.ts';
import { escapeControl } from './escape-control.ts';
import { decodeUtf8, type FileLookup, fileErrorMessage, maxTextSize, readText } from './files.ts';
import { nameOfFile } from './name-of-file.ts';

/** The text of a spec, and where it was read from. */
export interface SpecText {
  readonly text: string;
  /** The path as given by the caller, for messages. */
  readonly file: string;
  /** The directory that paths in it are relative to. */
  readonly directory: string;
  /** The default name of the flow. */
  readonly name: string;
  /** Whether it was read from a pipe or terminal, and cannot be read again. */
  readonly isStream: boolean;
}

/** The path of standard input, which commands read for the spec `-`. */
export const standardInput = '/dev/stdin';

const isStandardInput = (path: string) => [standardInput, '/dev/fd/0', '/proc/self/fd/0'].includes(path);

/** Return the name of a spec for messages. */
export const specName = (path: string) => (isStandardInput(path) ? 'standard input' : path);

/** Paths of file descriptors, whose directory is not one of the user's. */
const isDescriptor = (path: string) => /^\/(dev|proc\/\w+)\/fd\/\d+$/.test(path);

/**
 * Read a spec: a file, a pipe such as the shell's `<(…)`, or standard input. Paths in one that comes through a pipe are
 * relative to the working directory.
 *
 * @throws {SpecError} if it cannot be read.
 */
export async function readSpec(path: string): Promise<SpecText> {
  const file = specName(path) || '""';
  const isInput = isStandardInput(path);
  const isStream = isInput || (await isPipe(resolve(path)));
  const lookup = isStream
    ? await readStream(isInput ? process.stdin : createReadStream(resolve(path)), file)
    : await readText(resolve(path));
  if ('reason' in lookup) throw new SpecError(file, [{ path: '', message: lookup.reason }]);
  const hasPlace = !isStream && !isDescriptor(path);
  return {
    text: lookup.value,
    file,
    directory: hasPlace ? dirname(resolve(path)) : process.cwd(),
    name: hasPlace ? nameOfFile(path) : 'flow',
    isStream,
  };
}

/** Return whether a file is read as a stream. For a path that does not exist, reading it returns the reason. */
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
      if (size > maxTextSize) return { reason: `${escapeControl(file)} is larger than 10 MB` };
    }
    return { value: decodeUtf8(Buffer.concat(chunks)) };
  } catch (error) {
    return { reason: fileErrorMessage(error, file, '').trimStart() };
  }
}
