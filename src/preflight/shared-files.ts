import type { Question } from '../agent-container/file-probe.ts';
import { contentProof, identityProof, nonceProof, type Proof } from './file-proofs.ts';
import { unescapeMountPoint } from './mount-namespace.ts';

/** Return what the engine finds for each question; an empty text for nothing. */
export type AskEngine = (questions: readonly Question[]) => Promise<string[]>;

/**
 * Return the paths at which the engine has another file or directory, or none. Paths that do not exist here are skipped.
 * Under one kernel, two names of a directory have the same device and inode numbers. If these differ, since the engine has
 * another kernel or its own mount of a network file system, the proof is a file of random name in a directory that this
 * user can write to, and equal content for anything else.
 *
 * @param isPart Whether a mount of the engine below one of the paths matters; it is checked as well.
 */
export async function unsharedPaths(
  paths: readonly string[],
  ask: AskEngine,
  isPart: (point: string, path: string) => boolean = () => false,
): Promise<string[]> {
  const known = new Set(paths);
  const below = new Set<string>();
  const findPoints: AskEngine = async questions => {
    const replies = (await ask(questions)).map(reply => reply.split(' '));
    for (const [index, [, , ...points]] of replies.entries()) {
      const { path } = questions[index]!;
      for (const point of points.map(name => path + unescapeMountPoint(name)))
        if (!known.has(point) && isPart(point, path)) below.add(point);
    }
    return replies.map(([boot, id]) => (id === undefined ? '' : `${boot} ${id}`));
  };
  const unproven = await failing(paths.flatMap(identityProof), findPoints);
  // A path that the engine lacks needs no second proof.
  const failed = new Set(unproven.filter(({ reply }) => reply === '').map(({ path }) => path));
  const others = unproven.map(({ path }) => path).filter(path => !failed.has(path));
  for (const path of await unlikePaths(others, ask)) failed.add(path);
  if (below.size > 0) for (const path of await unsharedPaths([...below], ask)) failed.add(path);
  return [...paths, ...below].filter(path => failed.has(path));
}

/** Return the paths in which the engine lacks a file that is created here, or that have other content. */
async function unlikePaths(paths: readonly string[], ask: AskEngine): Promise<string[]> {
  const written: Disposable[] = [];
  try {
    const proofs: Proof[] = [];
    for (const path of paths) proofs.push(nonceProof(path, written) ?? (await contentProof(path)));
    return (await failing(proofs, ask)).map(({ path }) => path);
  } finally {
    for (const file of written) file[Symbol.dispose]();
  }
}

async function failing(proofs: readonly Proof[], ask: AskEngine) {
  if (proofs.length === 0) return [];
  const replies = await ask(proofs.map(({ path, look }) => ({ path, look })));
  return proofs.flatMap(({ path, expected }, index) => {
    const reply = replies[index] ?? '';
    return expected !== '' && reply === expected ? [] : [{ path, reply }];
  });
}
