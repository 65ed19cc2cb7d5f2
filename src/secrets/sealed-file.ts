import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import * as z from 'zod';
import { makeDirectory, readFile, statFile } from '../store/state-files.ts';
import { syncDirectory, writeFileAtomic } from '../store/write-file-atomic.ts';

/**
 * The secrets that an attempt was given, encrypted (AES-256-GCM) with a key that only a label of its container holds.
 * Neither the run directory nor `docker inspect` reveals a value alone, and the key is removed with the container: then
 * there is no output left to redact.
 */

/** Name of the file in the directory of an attempt. */
export const sealedName = 'secrets.sealed';

export const newSealKey = () => randomBytes(32).toString('hex');

/** The file or its key is damaged, so the values cannot be read. */
export class SealError extends Error {}

export interface Seal {
  readonly key: string;
  readonly containerId: string;
}

const entrySchema = z.strictObject({
  containerId: z.string(),
  iv: z.base64(),
  tag: z.base64(),
  data: z.base64(),
});
type Entry = z.output<typeof entrySchema>;

const algorithm = 'aes-256-gcm';

/** Add values to a sealed file; they are on disk when this returns. Throws a `SealError` if the file is damaged. */
export function sealValues(file: string, seal: Seal, values: readonly string[]): void {
  const known = unsealValues(file, seal) ?? [];
  if (values.every(value => known.includes(value))) return;
  // Keep the entries of other containers: another one of the same attempt may still hold output.
  const others = readEntries(file).filter(({ containerId }) => containerId !== seal.containerId);
  const entries = [...others, encrypt(seal, [...new Set([...known, ...values])])];
  makeSyncedDirectory(dirname(file));
  writeFileAtomic(file, entries.map(entry => `${JSON.stringify(entry)}\n`).join(''));
}

/** Return the values that a container was given; null if the file has no entry for it. Throws a `SealError`. */
export function unsealValues(file: string, seal: Seal): readonly string[] | null {
  const entries = readEntries(file).filter(({ containerId }) => containerId === seal.containerId);
  if (entries.length === 0) return null;
  return orDamaged(file, () => entries.flatMap(entry => decrypt(seal, entry)));
}

function readEntries(file: string): Entry[] {
  if (!statFile(file)) return [];
  const lines = readFile(file).toString().split('\n').slice(0, -1);
  return orDamaged(file, () => lines.map(line => entrySchema.parse(JSON.parse(line))));
}

function orDamaged<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new SealError(`${file} or the key in its container's label is damaged`, { cause });
  }
}

function encrypt({ key, containerId }: Seal, values: readonly string[]): Entry {
  const iv = randomBytes(12);
  const cipher = createCipheriv(algorithm, keyBytes(key), iv).setAAD(Buffer.from(containerId));
  const data = Buffer.concat([cipher.update(JSON.stringify(values)), cipher.final()]);
  const [ivText, tag, dataText] = [iv, cipher.getAuthTag(), data].map(bytes => bytes.toString('base64'));
  return { containerId, iv: ivText!, tag: tag!, data: dataText! };
}

function decrypt({ key, containerId }: Seal, { iv, tag, data }: Entry): string[] {
  const [ivBytes, tagBytes, dataBytes] = [iv, tag, data].map(text => Buffer.from(text, 'base64'));
  const decipher = createDecipheriv(algorithm, keyBytes(key), ivBytes!, { authTagLength: 16 })
    .setAAD(Buffer.from(containerId))
    .setAuthTag(tagBytes!);
  const text = Buffer.concat([decipher.update(dataBytes!), decipher.final()]).toString('utf8');
  return z.array(z.string()).parse(JSON.parse(text));
}

function keyBytes(key: string): Buffer {
  if (!/^[0-9a-f]{64}$/.test(key)) throw new SealError('the container has no valid seal key in its labels');
  return Buffer.from(key, 'hex');
}

/** Make a directory and its missing parents, so that each survives a loss of power. */
function makeSyncedDirectory(path: string): void {
  if (statFile(path)) return;
  makeSyncedDirectory(dirname(path));
  makeDirectory(path);
  syncDirectory(dirname(path));
}
