import type { InspectionEvent } from 'xstate';
import type { AgentActors } from '../actors/provide.ts';
import type { Clock } from '../clock.ts';
import type { RunEvent } from '../events.ts';
import type { Vault } from '../secrets/vault.ts';
import type { FlowState } from '../state/flow-state.ts';
import type { Lock } from '../store/lock.ts';
import type { Rerun, RunFile } from '../store/run-file.ts';
import type { RunFolder, StateDir } from '../store/state-directory.ts';

/*
 * The types of a run, each made from the one before it:
 *
 *     RunOnDisk   its plan and its run folder (run-on-disk.ts)
 *     LockedRun   this process holds its lock and has read its journal (run.ts)
 *     OpenRun     its journal is open for writing, with a `run.started` of this process (open-run.ts)
 *     DrivenRun   its machines run: a FlowDriver and an ActorContext (start-actors.ts, drive.ts, ../actors/context.ts)
 *     Run         the handle for the caller: its end, and how to cancel it (run.ts)
 */

/** Callbacks for the events of a run. */
interface RunListeners {
  /** Receives the events that the journal has already when a run is resumed. */
  readonly onPast?: (events: readonly RunEvent[]) => void;
  /** Receives every new event of the journal, in order. */
  readonly onEvent?: (event: RunEvent) => void;
  /** Receives every line of every agent. It costs one docker process for each agent. */
  readonly onOutput?: (agent: string, line: string) => void;
  /** Receives XState's inspection events of the flow's machine and of every agent's. A failure of it is a warning. */
  readonly inspect?: (event: InspectionEvent) => unknown;
}

export interface RunOptions extends RunListeners {
  readonly stateDir: StateDir;
  /** Environment in which secrets are looked up. Default: that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
  /** The run to repeat, and the work of its agents to take over. Default: none. */
  readonly rerun?: Rerun;
  /** Replace actors that act on Docker. */
  readonly actors?: AgentActors;
  /** Take the run over from a supervisor that may be alive: its state cannot be read from here. */
  readonly force?: boolean;
  /** Continue nothing, and only stop this agent, or with null all agents. Default: continue the run. */
  readonly stopOnly?: { readonly agent: string | null };
  /** Continue on the engine that docker reaches now. The run's own engine is gone for good, with its containers. */
  readonly isNewEngine?: boolean;
  /** The docker context of the engine to continue on. Default: that of the spec. */
  readonly context?: string | null | undefined;
}

export interface Run {
  readonly folder: RunFolder;
  /** Never rejects for an agent's failure. */
  readonly done: Promise<RunEnd>;
  /** Stop and remove every agent; resolves with `done`. */
  cancel(reason: string): void;
  /** Remove every container at once. */
  kill(): void;
  /** Do nothing more. Containers stay alive, and the run can be resumed once this resolves. */
  detach(): Promise<void>;
}

export interface RunEnd {
  /** 0 for a run that was detached. */
  readonly exitCode: number;
  /** False if something that had to be removed may be left. */
  readonly isClean: boolean;
  /** Its `ended` is null if the run was detached before it ended. */
  readonly state: FlowState;
}

/** A run whose lock this process holds. */
export interface LockedRun extends RunFile {
  readonly folder: RunFolder;
  readonly vault: Vault;
  readonly lock: Lock;
  /** Another process has driven it before, so it may have containers, also without a past: a journal can be lost. */
  readonly isResumed: boolean;
  /** Events that the journal has already; none for a new run. */
  readonly past: readonly RunEvent[];
  /** Findings that the user should see before the agents begin. */
  readonly warnings?: readonly string[];
}
