import { appendFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentReport } from './report.ts';

/** Files whose existence is a flag. `agent-init` reads the first, and writes the second and the last. */
type Mark = 'in-turn' | 'keep-running' | 'waiting-for-answer' | 'exit';
/** The numbers of prompts that were sent and accepted, and of turns that have ended. */
type Counter = 'sent' | 'accepted' | 'ended';

/** The state that the programs beside an AI CLI share, in files of its container. */
export interface State {
  has(mark: Mark): boolean;
  set(mark: Mark): void;
  clear(mark: Mark): void;
  count(counter: Counter): void;
  counted(counter: Counter): number;
  saveReport(report: AgentReport): void;
  appendActivity(line: string): void;
  readonly lockFile: string;
}

export const stateDirectory = '/run/agent';

export function stateIn(directory: string): State {
  const at = (name: string) => join(directory, name);
  return {
    has: mark => existsSync(at(mark)),
    set: mark => writeFileSync(at(mark), ''),
    clear: mark => rmSync(at(mark), { force: true }),
    // A byte each: appending is atomic.
    count: counter => appendFileSync(at(`turns-${counter}`), '.'),
    counted: counter => sizeOf(at(`turns-${counter}`)),
    saveReport(report) {
      writeFileSync(at('report.new'), JSON.stringify(report));
      renameSync(at('report.new'), at('report'));
    },
    appendActivity: line => appendFileSync(at('activity'), `${line}\n`),
    lockFile: at('turns-lock'),
  };
}

function sizeOf(file: string): number {
  try {
    return readFileSync(file).length;
  } catch {
    return 0;
  }
}
