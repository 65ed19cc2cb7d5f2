import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { agentName } from '../spec/names.ts';
import { openStateDir, type RunFolder, stateDirPath } from '../store/state-directory.ts';
import { readFile } from '../store/state-files.ts';

const commandsWithNames: readonly string[] = [
  'logs',
  'attach',
  'send',
  'stop',
  'down',
  'resume',
  'inspector',
];
const commandsWithRuns: readonly string[] = ['stop', 'down', 'resume', 'inspector'];
const commandsWithoutAgents: readonly string[] = ['resume', 'inspector'];
const maxRuns = 10;

/** Return the names that may follow, from the state directory alone, or null to use the completion of yargs. */
export function namesFor(
  words: readonly string[],
  given: string | undefined,
  env: NodeJS.ProcessEnv,
): string[] | null {
  const [command = '', current = '', ...more] = words;
  if (!commandsWithNames.includes(command) || more.length > 0) return null;
  const path = stateDirPath(given, env);
  if (!existsSync(join(path, 'runs'))) return [];
  const runs = openStateDir(path).runs().slice(0, maxRuns);
  const inLatest = runs.slice(0, 1).flatMap(agentsOf);
  const addresses = runs.flatMap(run => agentsOf(run).map(agent => `${run.runId}/${agent}`));
  const ids = commandsWithRuns.includes(command) ? runs.map(({ runId }) => runId) : [];
  const offered = commandsWithoutAgents.includes(command) ? ids : [...inLatest, ...ids, ...addresses];
  // Shells expand completions, so return valid names only.
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
