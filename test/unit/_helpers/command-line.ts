import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';

const bin = process.env.AGENT_FLOW_BIN || join(import.meta.dirname, '..', '..', '..', 'src', 'bin.ts');

/** Create a temporary folder in which a test runs the real command. */
export function createCli(t: Pick<ExecutionContext, 'teardown'>) {
  const path = mkdtempSync(join(tmpdir(), 'agent-flow-cli-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  const stateDir = join(path, 'state');
  const run = async (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    execa(process.execPath, [bin, ...args], {
      cwd: path,
      env: { AGENT_FLOW_STATE_DIR: stateDir, ...env },
      stdin: 'ignore',
      reject: false,
      timeout: 60_000,
    });
  return { path, stateDir, run };
}

/** Write the record and the journal of a run into a state directory. */
export function writeRun(
  stateDir: string,
  runId: string,
  agents: readonly string[],
  journal: readonly object[] = [],
) {
  const folder = join(stateDir, 'runs', runId);
  mkdirSync(folder, { recursive: true });
  const plan = { name: 'past', agents: agents.map(name => ({ name, dependsOn: [] })) };
  writeFileSync(join(folder, 'run.json'), JSON.stringify({ version: 1, runId, plan }));
  writeFileSync(join(folder, 'journal.jsonl'), journal.map(event => `${JSON.stringify(event)}\n`).join(''));
}
