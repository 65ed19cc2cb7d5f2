import { lockHolder } from '../../store/lock.ts';
import type { FoundAgent } from '../find-agent.ts';

/** Return whether no more output can come from this attempt and it is known whether another one follows. */
export const isSettled = ({ folder, agent }: FoundAgent, attempt: number) =>
  agent.status !== null || agent.attempt > attempt || lockHolder(folder.lock) === null;
