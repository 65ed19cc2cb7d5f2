/** A fact about a state, as an XState tag of it in agent.ts. */
export type StateTag =
  /** On the way to a running agent. */
  | 'startup'
  /** The agent works: it can be attached to, and takes input. */
  | 'running'
  /** The agent may be alive, and print. */
  | 'live'
  /** Nothing is done until a time is reached, or something outside changes. */
  | 'waiting'
  /** The wait ends at `waitEndsAt`. */
  | 'timed'
  /** The attempt is over, or is being ended: the agent is stopped, its transcript collected, its container removed. */
  | 'cleaningUp'
  /** The attempt is over, and its saved work is checked. */
  | 'checking';

/**
 * The tags of the chart once more, by top-level state. A journal has the names of states only, and the page of the
 * inspector does not load XState. test/unit/machines/state-tags.test.ts compares the two.
 */
const tags: Readonly<Record<string, readonly StateTag[]>> = {
  reconciling: ['startup'],
  placing: ['startup'],
  building: ['startup'],
  networking: ['startup'],
  creating: ['startup'],
  starting: ['startup'],
  waitingForTmux: ['startup'],
  injecting: ['startup'],
  running: ['running', 'live'],
  backingOff: ['waiting', 'timed'],
  engineUnreachable: ['waiting'],
  waitingForSecrets: ['waiting'],
  stopping: ['cleaningUp', 'live'],
  collecting: ['cleaningUp'],
  removing: ['cleaningUp'],
  evaluating: ['cleaningUp'],
  checking: ['checking'],
  releasing: ['cleaningUp'],
  retrying: ['waiting', 'timed'],
  waitingForQuota: ['waiting', 'timed'],
  // Those of approval.ts.
  requesting: ['startup'],
  awaitingApproval: ['waiting', 'timed'],
};

/** Return the tags of a state, such as `running.idle`; none for a name that the chart does not have. */
export function tagsOf(state: string): readonly StateTag[] {
  const [name = ''] = state.split('.', 1);
  return Object.hasOwn(tags, name) ? tags[name]! : [];
}
