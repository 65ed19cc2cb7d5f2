import type { RunEvent } from '../../events.ts';
import type { FlowState } from '../../state/flow-state.ts';

/** Somebody outside who is told of a run. It may throw: the run goes on, and says at its end what was not reported. */
export interface Reporter {
  /** Told every event at once, in order. */
  onEvent?(event: RunEvent): void;
  /** Told how the run came out, once. */
  onEnd?(state: FlowState): Promise<void> | void;
  /** Always called last, also where the run broke off. */
  close?(): Promise<void> | void;
}
