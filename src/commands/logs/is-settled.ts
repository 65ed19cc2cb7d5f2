import { lockHolder } from '../../store/lock.ts';
import type { FoundAgent } from '../find-agent.ts';

/** Nothing more can come of this attempt, and whether another follows is known. */
export const isSettled = ({ folder, agent }: FoundAgent, attempt: number) =>
  agent.status !== null || agent.attempt > attempt || lockHolder(folder.lock) === null;
