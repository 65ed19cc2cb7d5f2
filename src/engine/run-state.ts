import { type FlowState, initialFlowState, reduce } from '../views/flow-state.ts';
import { readJournal } from './journal.ts';
import type { RunFolder } from './state-dir.ts';

/** What the journal says of a run. */
export const runState = ({ journal }: RunFolder): FlowState =>
  readJournal(journal).events.reduce(reduce, initialFlowState);
