import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** Faults in functions of node:fs, for every module that this worker imports. Tests that use them are serial. */
type Functions =
  | 'writeSync'
  | 'writeFileSync'
  | 'fdatasync'
  | 'fsyncSync'
  | 'renameSync'
  | 'linkSync'
  | 'openSync';

export const errnos = ['ENOSPC', 'EIO', 'EACCES'] as const;

export const errno = (code: string) => Object.assign(new Error(`${code}: injected`), { code });

/** Replace a function of node:fs until the end of the test; return a function that restores it earlier. */
export function replace(
  t: ExecutionContext,
  name: Functions,
  // biome-ignore lint/suspicious/noExplicitAny: any function of node:fs
  make: (real: (...args: any[]) => any) => (...args: any[]) => unknown,
): () => void {
  const real = fs[name];
  const restore = () => {
    Object.assign(fs, { [name]: real });
    syncBuiltinESMExports();
  };
  Object.assign(fs, { [name]: make(real as never) });
  syncBuiltinESMExports();
  t.teardown(restore);
  return restore;
}

/** Fail the call of this number, counted from 1, and with `forever` every later one. */
export function failing(t: ExecutionContext, name: Functions, code: string, nth: number, forever: boolean) {
  let calls = 0;
  return replace(t, name, real => (...args) => {
    calls++;
    if (calls < nth || (calls > nth && !forever)) return real(...args);
    const callback = args.at(-1);
    if (name !== 'fdatasync') throw errno(code);
    setImmediate(callback, errno(code));
  });
}

/** The resolved path of a file in an open directory. */
const named = (path: string) => join(fs.realpathSync(dirname(path)), basename(path));

/**
 * The files that a loss of power leaves: the synced contents, under the names that their folders had at their last
 * sync.
 */
export function syncedOnly(t: ExecutionContext) {
  const paths = new Map<number, string>();
  const content = new Map<string, Buffer>();
  const renames: { readonly from: string; readonly to: string }[] = [];
  const created = new Set<string>();
  const keep = (fd: number) => {
    const path = paths.get(fd)!;
    if (!fs.statSync(path).isDirectory()) content.set(path, fs.readFileSync(path));
    else {
      for (const { from, to } of renames.splice(0)) content.set(to, content.get(from) ?? Buffer.alloc(0));
      for (const file of created) if (file.startsWith(`${path}/`)) created.delete(file);
    }
  };
  replace(t, 'openSync', real => (given, ...more) => {
    const path = named(String(given));
    const isNew = !fs.existsSync(path);
    const fd = real(given, ...more);
    paths.set(fd, path);
    if (isNew) created.add(path);
    return fd;
  });
  replace(t, 'fsyncSync', real => fd => {
    real(fd);
    keep(fd);
  });
  replace(t, 'fdatasync', real => (fd, done) => {
    const path = paths.get(fd)!;
    const now = fs.readFileSync(path);
    real(fd, (error: Error | null) => {
      if (!error) content.set(path, now);
      done(error);
    });
  });
  replace(t, 'renameSync', real => (from, to) => {
    real(from, to);
    renames.push({ from: named(String(from)), to: named(String(to)) });
    created.delete(named(String(from)));
  });
  return {
    /** The content of a file; null if even its name would be lost. */
    after: (path: string): string | null =>
      created.has(path) || !content.has(path) ? null : content.get(path)!.toString(),
  };
}
