import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { agentName } from '../spec/names.ts';
import { isRunId, openStateDir, type RunFolder, stateDirPath } from '../store/state-directory.ts';
import { readFile } from '../store/state-files.ts';

const commandsWithNames: readonly string[] = [
  'logs',
  'attach',
  'send',
  'stop',
  'down',
  'resume',
  'rerun',
  'inspector',
  'approve',
  'reject',
];
const commandsWithRuns: readonly string[] = ['stop', 'down', 'resume', 'rerun', 'inspector'];
const commandsWithoutAgents: readonly string[] = ['resume', 'rerun', 'inspector'];
const decisions: readonly string[] = ['approve', 'reject'];
/** Commands that take an approval as well as an agent with a container. */
const commandsWithApprovals: readonly string[] = ['stop', 'down', 'rerun'];
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
  const namesOf = namesIn(command);
  const inLatest = runs.slice(0, 1).flatMap(namesOf);
  const addresses = runs.flatMap(run => namesOf(run).map(agent => `${run.runId}/${agent}`));
  const ids = commandsWithRuns.includes(command) ? runs.map(({ runId }) => runId) : [];
  const offered = commandsWithoutAgents.includes(command) ? ids : [...inLatest, ...ids, ...addresses];
  // Shells expand completions, so return valid names only.
  return offered.filter(
    name => name.startsWith(current) && name.split('/').every(part => agentName.test(part)),
  );
}

/**
 * Return the agents that may follow in `rerun RUN --from a,b`, or null if another word is completed. Shells replace the whole
 * list.
 */
export function agentsFrom(
  words: readonly string[],
  { current, from }: { readonly current: string; readonly from: unknown },
  given: string | undefined,
): string[] | null {
  const [command, runId = ''] = words;
  if (command !== 'rerun' || from !== current || !isRunId(runId)) return null;
  const path = stateDirPath(given, process.env);
  if (!existsSync(join(path, 'runs'))) return [];
  const before = current.slice(0, current.lastIndexOf(',') + 1);
  const offered = namesIn(command)(openStateDir(path).run(runId)).filter(name => agentName.test(name));
  return offered.map(name => `${before}${name}`).filter(word => word.startsWith(current));
}

/** Return the names in the plan of a run that a command takes. */
const namesIn =
  (command: string) =>
  ({ runFile }: RunFolder): string[] => {
    try {
      const { agents, approvals = [], forEach = [] } = JSON.parse(readFile(runFile).toString()).plan;
      const known = decisions.includes(command)
        ? approvals
        : [...agents, ...forEach, ...(commandsWithApprovals.includes(command) ? approvals : [])];
      return known.map(({ name }: { readonly name: unknown }) => String(name));
    } catch {
      return [];
    }
  };
