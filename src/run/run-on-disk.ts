import type { RunFile } from '../store/run-file.ts';
import type { RunFolder, StateDir } from '../store/state-directory.ts';

/** A run as it is on disk: the parts of its `run.json` that agents need, and its folder. */
export interface RunOnDisk extends Pick<RunFile, 'plan' | 'secret' | 'adopted' | 'commits' | 'rerun'> {
  /** An engine has other files than this machine: clones and logins are sent to it. */
  readonly hasOtherFiles?: boolean | undefined;
  readonly stateDir: StateDir;
  readonly folder: RunFolder;
}
