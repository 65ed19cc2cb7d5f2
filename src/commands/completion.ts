import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { agentName } from '../spec/names.ts';
import { openStateDir, type RunFolder, stateDirPath } from '../store/state-directory.ts';
import { readFile } from '../store/state-files.ts';

/** Commands that take the name of an agent, and those that take a run. */
const takers: readonly string[] = ['logs', 'attach', 'send', 'stop', 'down', 'resume', 'inspector'];
const takesRun: readonly string[] = ['stop', 'down', 'resume', 'inspector'];
const takesNoAgent: readonly string[] = ['resume', 'inspector'];
const fewRuns = 10;

/** What may follow on the command line, out of the state directory alone; null where yargs knows better. */
export function namesFor(
  words: readonly string[],
  given: string | undefined,
  env: NodeJS.ProcessEnv,
): string[] | null {
  const [command = '', current = '', ...more] = words;
  if (!takers.includes(command) || more.length > 0) return null;
  const path = stateDirPath(given, env);
  if (!existsSync(join(path, 'runs'))) return [];
  const runs = openStateDir(path).runs().slice(0, fewRuns);
  const inNewest = runs.slice(0, 1).flatMap(agentsOf);
  const addresses = runs.flatMap(run => agentsOf(run).map(agent => `${run.runId}/${agent}`));
  const ids = takesRun.includes(command) ? runs.map(({ runId }) => runId) : [];
  const offered = takesNoAgent.includes(command) ? ids : [...inNewest, ...ids, ...addresses];
  // Shells expand what they are offered: only what can be a name is.
  return offered.filter(
    name => name.startsWith(current) && name.split('/').every(part => agentName.test(part)),
  );
}

function agentsOf({ runFile }: RunFolder): string[] {
  try {
    const { plan } = JSON.parse(readFile(runFile).toString());
    return plan.agents.map(({ name }: { readonly name: unknown }) => String(name));
  } catch {
    return [];
  }
}
