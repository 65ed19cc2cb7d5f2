import type { Question } from '../docker/file-probe.ts';
import { contentProof, identityProof, nonceProof, type Proof } from './file-proofs.ts';

/** Return what the engine finds for each question, an empty text for nothing. */
export type AskEngine = (questions: readonly Question[]) => Promise<string[]>;

/**
 * Return those of the paths at which the engine has another file or directory, or none. Paths that do not exist here are
 * left out. Under one kernel two names of a directory have the same device and inode numbers. Where that proves nothing,
 * since the engine has another kernel or mounts a network's file system itself, a file of random name is looked for in
 * a directory that this user can write to; of all else the content has to be the same.
 */
export async function unsharedPaths(paths: readonly string[], ask: AskEngine): Promise<string[]> {
  const unproven = await failing(paths.flatMap(identityProof), ask);
  // Where the engine has nothing at all no more is to be asked.
  const failed = new Set(unproven.filter(({ answer }) => answer === '').map(({ path }) => path));
  const others = unproven.map(({ path }) => path).filter(path => !failed.has(path));
  const written: Disposable[] = [];
  try {
    const proofs: Proof[] = [];
    for (const path of others) proofs.push(nonceProof(path, written) ?? (await contentProof(path)));
    for (const { path } of await failing(proofs, ask)) failed.add(path);
  } finally {
    for (const file of written) file[Symbol.dispose]();
  }
  return paths.filter(path => failed.has(path));
}

async function failing(proofs: readonly Proof[], ask: AskEngine) {
  if (proofs.length === 0) return [];
  const answers = await ask(proofs.map(({ path, look }) => ({ path, look })));
  return proofs.flatMap(({ path, expected }, index) => {
    const answer = answers[index] ?? '';
    return expected !== '' && answer === expected ? [] : [{ path, answer }];
  });
}
