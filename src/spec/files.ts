import { readFile, realpath, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { escapeControl } from './escape-control.ts';
import { forbiddenReason } from './forbidden.ts';
import { parseSize } from './units.ts';

/** The content or real path of a file of the user's, or the reason why there is none. */
export type FileLookup = { readonly value: string } | { readonly reason: string };

export const maxTextSize = parseSize('10m')!;

/** Read a UTF-8 file of at most 10 MiB, unchanged, with its byte order mark. */
export async function readText(path: string): Promise<FileLookup> {
  try {
    const facts = await stat(path);
    if (facts.isDirectory()) return { reason: `${escapeControl(path)} is a directory; expected a file` };
    if (!facts.isFile()) return { reason: `${escapeControl(path)} is not a regular file` };
    const bytes = facts.size > maxTextSize ? null : await readFile(path);
    if (bytes === null || bytes.length > maxTextSize)
      return { reason: `${escapeControl(path)} is larger than 10 MB` };
    return { value: decodeUtf8(bytes) };
  } catch (error) {
    return { reason: fileErrorMessage(error, path, 'file') };
  }
}

/** Decode UTF-8; throw if it is not valid. */
export const decodeUtf8 = (bytes: Uint8Array) =>
  new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);

export async function readPrompt(written: string, directory: string): Promise<FileLookup> {
  const lookup = await readText(resolve(directory, written));
  if ('value' in lookup && lookup.value.includes('\0')) {
    return { reason: `${escapeControl(written)} holds a NUL byte; expected text` };
  }
  return lookup;
}

const maxInstructions = parseSize('1m')!;

/** Read instructions: text like a prompt, of at most 1 MiB. */
export async function readInstructions(written: string, directory: string): Promise<FileLookup> {
  const lookup = await readPrompt(written, directory);
  return 'value' in lookup && Buffer.byteLength(lookup.value) > maxInstructions
    ? { reason: `${escapeControl(written)} is larger than 1 MB; a CLI reads instructions with every request` }
    : lookup;
}

/** Return the path of a Dockerfile as written, if it exists: the builder reads it. */
export async function findDockerfile(written: string, context: string): Promise<FileLookup> {
  const path = resolve(context, written);
  try {
    if (!(await stat(path)).isFile())
      return { reason: `${escapeControl(path)} is not a file; expected a Dockerfile` };
    return { value: written };
  } catch (error) {
    return { reason: fileErrorMessage(error, path, 'file') };
  }
}

/** Return the real path of a directory. */
export async function findFolder(written: string, directory: string): Promise<FileLookup> {
  return find(written, directory, 'directory');
}

/** Return the real path of a directory, unless it may not be mounted. */
export async function findWorkspace(written: string, directory: string): Promise<FileLookup> {
  return unlessForbidden(await find(written, directory, 'directory'));
}

/** Return the real path of a file or directory, unless it may not be mounted. */
export async function findMount(written: string, directory: string): Promise<FileLookup> {
  return unlessForbidden(await find(written, directory, 'file or directory'));
}

/** Return the real path of a file that is read later. */
export async function findSecret(written: string, directory: string): Promise<FileLookup> {
  return find(written, directory, 'file');
}

type FileKind = 'file' | 'directory' | 'file or directory';

async function find(written: string, directory: string, sort: FileKind): Promise<FileLookup> {
  const path = resolve(directory, written);
  try {
    const real = await realpath(path);
    const facts = await stat(real);
    if (sort === 'directory' && !facts.isDirectory())
      return { reason: `${escapeControl(path)} is not a directory; expected one` };
    if (sort === 'file' && !facts.isFile()) return { reason: `${escapeControl(path)} is not a regular file` };
    // Control characters would end a line of a label, a log or a --mount; everything else can be quoted.
    if (/\p{Cc}/u.test(real))
      return { reason: `${escapeControl(real)} holds control characters; rename the ${sort}` };
    return { value: real };
  } catch (error) {
    const hint = /^~/.test(written) ? '; "~" is not expanded, write ${HOME}' : '';
    return { reason: `${fileErrorMessage(error, path, sort)}${hint}` };
  }
}

function unlessForbidden(lookup: FileLookup): FileLookup {
  if ('reason' in lookup) return lookup;
  const why = forbiddenReason(lookup.value);
  return why === null
    ? lookup
    : { reason: `${escapeControl(lookup.value)} is never given to an agent: ${why}` };
}

const errorTexts: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist; create it, or fix the path',
  ENOTDIR: 'does not exist: a part of the path is not a directory',
  EACCES: 'may not be read; check its permissions',
  ELOOP: 'is a symbolic link that leads back to itself',
  ENAMETOOLONG: 'is too long for a path',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'is not UTF-8 text',
};

export function fileErrorMessage(error: unknown, path: string, what: string): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return `${what} ${escapeControl(path)} ${errorTexts[code ?? ''] ?? `cannot be read: ${message}`}`;
}
