import type { RunEvent } from '../events.ts';

/** Follows what the AI CLIs of a run have spent of its budget, and what they may spend yet. */
export interface Spending {
  apply(event: RunEvent): void;
  /** Return whether nothing is left for another attempt. */
  isUsedUp(): boolean;
  /** Return the part of the budget that an attempt has, or can have now, in US dollars. */
  shareOf(agent: string, attempt: number): number;
  /** Return whether the journal has a part for the attempt, which has not ended. */
  hasShare(agent: string, attempt: number): boolean;
  /** Return what all attempts that have ended have spent, in US dollars. */
  spentUsd(): number;
  /** Return the parts of the attempts that have not ended, in US dollars. */
  sharedUsd(): number;
}

export interface SpendingOptions {
  /** US dollars; null without a budget. */
  readonly maxUsd: number | null;
  /** The agents with an AI CLI. */
  readonly agents: readonly string[];
  /** The most that an agent may spend on an attempt, in US dollars; undefined without a limit of its own. */
  readonly limitOf: (agent: string) => number | undefined;
}

/** An attempt with less could not make one request. */
const leastUsd = 0.01;

/**
 * Divide the budget of a run: what is spent and what running attempts may spend never exceeds it. An attempt gets an equal
 * part of the rest for each agent that may run at once, and what it leaves is free for the next one. Each event costs the
 * same for any number of agents (I7).
 */
export function trackSpending({ maxUsd, agents, limitOf }: SpendingOptions): Spending {
  const pending = new Set(agents);
  /** The parts of attempts that have not ended. */
  const shares = new Map<string, number>();
  const ended = new Set<string>();
  /** By agent: those that it can become. */
  const reserved = new Map<string, string[]>();
  let spent = 0;
  let shared = 0;
  let concurrency = 1;

  const end = (key: string, costUsd: number | null) => {
    if (ended.has(key)) return;
    ended.add(key);
    const share = shares.get(key);
    if (share !== undefined) shared -= share;
    shares.delete(key);
    // If its cost is not known, it may have spent all that it could.
    spent += costUsd ?? share ?? 0;
  };
  const left = () => (maxUsd ?? 0) - spent - shared;

  return {
    apply(event) {
      switch (event.type) {
        case 'run.started':
          concurrency = event.concurrency;
          // The cost of reused agents belongs to an earlier run.
          for (const { name, reused, item } of event.agents) {
            if (reused !== undefined) pending.delete(name);
            if (item === undefined) continue;
            reserved.set(item.of, [...(reserved.get(item.of) ?? []).filter(known => known !== name), name]);
          }
          break;
        case 'attempt.budget': {
          const key = keyOf(event.agent, event.attempt);
          if (shares.has(key) || ended.has(key)) break;
          shares.set(key, event.usd);
          shared += event.usd;
          break;
        }
        case 'attempt.ended':
          end(keyOf(event.agent, event.attempt), costOf(event));
          break;
        case 'agent.expanded':
          for (const name of (reserved.get(event.agent) ?? []).slice(event.items.length))
            pending.delete(name);
          break;
        case 'agent.ended':
          for (const name of [event.agent, ...(reserved.get(event.agent) ?? [])]) pending.delete(name);
          break;
      }
    },
    isUsedUp: () => maxUsd !== null && left() < leastUsd,
    shareOf(agent, attempt) {
      const known = shares.get(keyOf(agent, attempt));
      if (known !== undefined) return known;
      const free = Math.max(1, Math.min(concurrency, pending.size) - shares.size);
      return Math.min(Math.max(0, left()) / free, limitOf(agent) ?? Number.POSITIVE_INFINITY);
    },
    hasShare: (agent, attempt) => shares.has(keyOf(agent, attempt)),
    spentUsd: () => spent,
    sharedUsd: () => shared,
  };
}

const keyOf = (agent: string, attempt: number) => `${agent} ${attempt}`;

/** Return what an attempt has cost; null if that is not known. */
function costOf({ usage }: Extract<RunEvent, { type: 'attempt.ended' }>): number | null {
  if (usage === undefined) return null;
  const { inputTokens, outputTokens, costUsd, unpricedModels } = usage;
  if (unpricedModels !== undefined) return null;
  return costUsd ?? (inputTokens + outputTokens === 0 ? 0 : null);
}
