import type { Question } from '../agent-container/file-probe.ts';
import { contentProof, identityProof, nonceProof, type Proof } from './file-proofs.ts';
import { unescapeMountPoint } from './mount-namespace.ts';

/** Return what the engine finds for each question, an empty text for nothing. */
export type AskEngine = (questions: readonly Question[]) => Promise<string[]>;

/**
 * Return those of the paths at which the engine has another file or directory, or none. Paths that do not exist here are
 * left out. Under one kernel two names of a directory have the same device and inode numbers. Where that proves nothing,
 * since the engine has another kernel or mounts a network's file system itself, a file of random name is looked for in
 * a directory that this user can write to; of all else the content has to be the same.
 *
 * @param isPart Whether something that the engine has mounted below one of the paths matters; it is looked for as well.
 */
export async function unsharedPaths(
  paths: readonly string[],
  ask: AskEngine,
  isPart: (point: string, path: string) => boolean = () => false,
): Promise<string[]> {
  const known = new Set(paths);
  const below = new Set<string>();
  const findPoints: AskEngine = async questions => {
    const answers = (await ask(questions)).map(answer => answer.split(' '));
    for (const [index, [, , ...points]] of answers.entries()) {
      const { path } = questions[index]!;
      for (const point of points.map(name => path + unescapeMountPoint(name)))
        if (!known.has(point) && isPart(point, path)) below.add(point);
    }
    return answers.map(([boot, id]) => (id === undefined ? '' : `${boot} ${id}`));
  };
  const unproven = await failing(paths.flatMap(identityProof), findPoints);
  // Where the engine has nothing at all no more is to be asked.
  const failed = new Set(unproven.filter(({ answer }) => answer === '').map(({ path }) => path));
  const others = unproven.map(({ path }) => path).filter(path => !failed.has(path));
  for (const path of await unlikePaths(others, ask)) failed.add(path);
  if (below.size > 0) for (const path of await unsharedPaths([...below], ask)) failed.add(path);
  return [...paths, ...below].filter(path => failed.has(path));
}

/** Return those in which a file that is made here is not found, or whose content is another. */
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
  const answers = await ask(proofs.map(({ path, look }) => ({ path, look })));
  return proofs.flatMap(({ path, expected }, index) => {
    const answer = answers[index] ?? '';
    return expected !== '' && answer === expected ? [] : [{ path, answer }];
  });
}
