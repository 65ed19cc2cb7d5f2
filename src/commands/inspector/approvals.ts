import type { Approvals } from '../../inspector/approvals.ts';
import type { FlowState } from '../../state/flow-state.ts';
import type { RunFolder } from '../../store/state-directory.ts';
import { recordDecision } from '../decide/record-decision.ts';

/** Decide on approvals as `approve` and `reject` do. `now` returns the current state of the run. */
export const approvalsOf = (folder: RunFolder, now: () => FlowState): Approvals => ({
  decide: given => recordDecision(() => ({ folder, state: now() }), { ...given, source: 'inspector' }),
});
