import { type FlowState, stateAfter } from '../state/flow-state.ts';
import { journalEvents } from './read-journal.ts';
import type { RunFolder } from './state-directory.ts';

/** Return the state of a run, reduced from its journal. */
export const runState = ({ journal }: RunFolder): FlowState => stateAfter(journalEvents(journal));
