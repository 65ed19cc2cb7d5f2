import type { RunEvent } from '../../events.ts';
import type { FlowState } from '../../state/flow-state.ts';

/** Reports a run to the outside. It may throw: the run continues, and a warning follows at its end. */
export interface Reporter {
  /** Called with every event at once, in order. */
  onEvent?(event: RunEvent): void;
  /** Called once with the final state. */
  onEnd?(state: FlowState): Promise<void> | void;
  /** Always called last, also if the run was aborted. */
  close?(): Promise<void> | void;
}
