/** Counts the docker calls of a simulation. */
export interface CallCounter {
  /** Count a call. Returns the function that notes its end. */
  begin(toManager: boolean, args: readonly string[]): () => void;
  readonly manager: CallCount;
  readonly nodes: CallCount;
  /** The largest number of docker processes at once, without those that follow events. */
  atOnce(): number;
}

interface CallCount {
  total: number;
  /** Calls in the busiest second. */
  perSecond: number;
  /** Calls by command, such as `service create`. */
  readonly byCommand: Record<string, number>;
}

export function callCounter(elapsed: () => number): CallCounter {
  const ofManager = counts(elapsed);
  const ofNodes = counts(elapsed);
  let running = 0;
  let most = 0;
  return {
    begin(toManager, args) {
      (toManager ? ofManager : ofNodes).add(args);
      most = Math.max(most, ++running);
      return () => {
        running--;
      };
    },
    manager: ofManager.count,
    nodes: ofNodes.count,
    atOnce: () => most,
  };
}

function counts(elapsed: () => number) {
  const count: CallCount = { total: 0, perSecond: 0, byCommand: {} };
  let second = -1;
  let inSecond = 0;
  return {
    count,
    add([verb = '', next = '']: readonly string[]) {
      const now = Math.floor(elapsed() / 1000);
      inSecond = now === second ? inSecond + 1 : 1;
      second = now;
      count.total++;
      count.perSecond = Math.max(count.perSecond, inSecond);
      const command = groups.has(verb) ? `${verb} ${next}` : verb;
      count.byCommand[command] = (count.byCommand[command] ?? 0) + 1;
    },
  };
}

/** Commands of docker that consist of two words. */
const groups = new Set(['service', 'node', 'image', 'network', 'volume', 'container', 'context', 'inspect']);
