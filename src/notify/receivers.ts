import { UsageError } from '../errors.ts';
import { isReceiverUrl } from '../spec/notify-field.ts';
import { type NotifiedEvent, type ReceiverPlan, receiverTitle } from '../spec/notify-plan.ts';
import type { FlowPlan } from '../spec/plan.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A receiver whose address is known. */
export interface Receiver {
  /** For messages: it has no secret. */
  readonly title: string;
  readonly url: string;
  readonly on: readonly NotifiedEvent[];
}

/** Return the receivers of a run, and why the others have no address. */
export function receiversOf(
  { notify = [] }: Pick<FlowPlan, 'notify'>,
  env: Environment,
): { readonly receivers: readonly Receiver[]; readonly problems: readonly string[] } {
  const found = notify.map((plan, index) => {
    const url = typeof plan.url === 'string' ? plan.url : (env[plan.url.env] ?? '');
    const title = `notify[${index}] (${receiverTitle(plan)})`;
    return { plan, url, title };
  });
  return {
    receivers: found
      .filter(({ url }) => isReceiverUrl(url))
      .map(({ plan, url, title }) => ({ title, url, on: plan.on })),
    problems: found
      .filter(({ url }) => !isReceiverUrl(url))
      .map(({ plan, url, title }) => problem(plan, url, title)),
  };
}

function problem({ url: given }: ReceiverPlan, url: string, title: string): string {
  const name = typeof given === 'string' ? 'url' : given.env;
  return url === ''
    ? `${title}: ${name} is not set in the environment`
    : `${title}: ${name} is not an http(s) address`;
}

/** Return the addresses that come from the environment: secrets, which are redacted. */
export const secretUrls = ({ notify = [] }: Pick<FlowPlan, 'notify'>, env: Environment): string[] =>
  notify.flatMap(({ url }) => (typeof url === 'string' ? [] : (env[url.env] ?? [])));

/** Throw a `UsageError` that lists the receivers without an address; called before anything is started. */
export function checkReceivers(plan: Pick<FlowPlan, 'notify'>, env: Environment): void {
  const { problems } = receiversOf(plan, env);
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
}
