import type { Clock } from '../clock.ts';
import { endNotification, notificationOf } from '../notify/notification.ts';
import { type Notifier, notifier } from '../notify/notifier.ts';
import { receiversOf } from '../notify/receivers.ts';
import { statusOf } from '../state/result.ts';
import type { Journal } from '../store/journal.ts';
import type { LockedRun } from './run.ts';
import type { RunTracker } from './track-run.ts';

/** Time at the end of a run for the last notifications. */
const lastNotificationsMs = 5_000;

interface NotifyPorts {
  readonly run: Pick<LockedRun, 'plan' | 'vault'>;
  readonly journal: Journal;
  readonly tracker: Pick<RunTracker, 'state'>;
  readonly clock: Clock;
}

/** Post the events of a run from now on to the receivers of its spec. One without an address is a warning. */
export function notifierOf(
  { run, journal, tracker, clock }: NotifyPorts,
  env: Readonly<Record<string, string | undefined>>,
): Notifier {
  const { plan, vault } = run;
  const warn = (message: string) => void journal.append({ type: 'warning', agent: null, message });
  const { receivers, problems } = receiversOf(plan, env);
  for (const problem of problems) warn(problem);
  const posting = notifier(receivers, { clock, warn, redact: vault.redactor.deep });
  if (receivers.length > 0)
    journal.subscribe(event => {
      const notification = notificationOf(tracker.state(), event);
      if (notification !== null) posting.send(notification);
    });
  return posting;
}

/** Report the end of a run, and wait a few seconds at most for what is not delivered. */
export function notifyEnd({
  notifier,
  tracker,
  clock,
}: Pick<NotifyPorts, 'tracker' | 'clock'> & { readonly notifier: Notifier }): Promise<void> {
  const state = tracker.state();
  notifier.send(endNotification(state, statusOf(state), clock.now()));
  return notifier.close(lastNotificationsMs);
}
