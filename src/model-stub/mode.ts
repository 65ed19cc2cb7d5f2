/** The behaviour of the stub. */
export interface Mode {
  readonly name: ModeName;
  /** `429`: a limit of an API key, not of a subscription or a day. */
  readonly isRate: boolean;
  /** `slow`: seconds before each reply. */
  readonly seconds: number;
  /** `429`: seconds from the first refusal until the quota is reset. */
  readonly reset: number;
  /** `429`: maximum number of refusals. */
  readonly requests: number;
}

const names = ['ok', 'slow', 'held', 'endless', '401', '429'] as const;
type ModeName = (typeof names)[number];

/**
 * Parse a mode:
 *
 *     ok                            reply (default)
 *     slow seconds=5                delay every reply
 *     held                          do not reply until there is another mode
 *     endless                       never end a turn: call one tool after another
 *     401                           refuse the key
 *     429 reset=20 [requests=3]     refuse until so many seconds after the first refusal, or so many requests
 *     429 rate reset=20             the same as a limit of an API key, not of a subscription or a day
 *
 * @throws Error for an unknown name
 */
export function parseMode(text: string): Mode {
  const [word, ...words] = (text.trim() || 'ok').split(/\s+/);
  const name = names.find(known => known === word);
  if (name === undefined) throw new Error(`unknown mode: ${word}; expected ${names.join(', ')}`);
  const option = (key: string) => words.find(word => word.startsWith(`${key}=`))?.slice(key.length + 1);
  return {
    name,
    isRate: words.includes('rate'),
    seconds: Number(option('seconds') ?? 5),
    reset: Number(option('reset') ?? 20),
    requests: Number(option('requests') ?? Number.POSITIVE_INFINITY),
  };
}

/** A refusal because a quota is exhausted. */
export interface Quota {
  /** Whole seconds since the epoch. */
  readonly resetAt: number;
  /** Seconds until then, at least 1. */
  readonly seconds: number;
  readonly isRate: boolean;
}

/** Return a function that counts refusals: it returns the one for a request, or null when a request may pass. */
export function quotaCounter(now: () => number): (mode: Mode) => Quota | null {
  let refusals = 0;
  let resetAt = 0;
  return ({ reset, requests, isRate }) => {
    const at = now() / 1000;
    resetAt ||= Math.ceil(at + reset);
    if (at >= resetAt || refusals >= requests) return null;
    refusals += 1;
    return { resetAt, seconds: Math.max(1, Math.ceil(resetAt - at)), isRate };
  };
}
