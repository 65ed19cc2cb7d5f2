import type { RunFile } from '../store/run-file.ts';
import type { RunFolder, StateDir } from '../store/state-directory.ts';

/** The parts of a run on disk. */
export interface RunParts extends Pick<RunFile, 'plan' | 'secret' | 'adopted' | 'commits'> {
  readonly stateDir: StateDir;
  readonly folder: RunFolder;
}
