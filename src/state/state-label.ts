import type { Status } from './flow-state.ts';

/** Labels of states for people; transient states have none. */
const states: Readonly<Record<string, string>> = {
  waiting: 'waiting',
  expanded: 'running its agents',
  reconciling: 'checking current state',
  'placing.requested': 'placing',
  'placing.pending': 'waiting for a host',
  building: 'building',
  networking: 'networking',
  creating: 'creating',
  starting: 'starting',
  waitingForTmux: 'waiting for tmux',
  injecting: 'injecting',
  'running.working': 'running',
  'running.idle': 'running, idle',
  'running.needsInput': 'needs input',
  backingOff: 'backing off',
  engineUnreachable: 'waiting for the Docker engine',
  waitingForQuota: 'waiting for its quota',
  waitingForSecrets: 'waiting for a secret',
  'stopping.interrupting': 'interrupting',
  'stopping.terminating': 'terminating',
  'stopping.stoppingContainer': 'stopping the container',
  'stopping.killing': 'killing',
  'collecting.reading': 'collecting',
  'removing.removingContainer': 'removing',
  checking: 'checking its work',
  retrying: 'waiting to try again',
  awaitingApproval: 'waiting for approval',
};

export const stateLabel = (state: string): string | undefined =>
  Object.hasOwn(states, state) ? states[state] : undefined;

export const statusLabel: Readonly<Record<Status, string>> = {
  succeeded: 'succeeded',
  failed: 'failed',
  timedOut: 'timed out',
  cancelled: 'cancelled',
  skipped: 'skipped',
};

/** Return the title of an engine of a run. */
export const engineTitle = ({ host = null }: { readonly host?: string | null }): string =>
  host === null ? 'Docker engine' : `Docker engine ${host}`;
