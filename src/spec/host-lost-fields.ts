import * as z from 'zod';
import { duration } from './fields.ts';
import type { Finding, Path } from './findings.ts';
import type { AgentPlan } from './plan.ts';
import { expects } from './schema-kit.ts';

type Fields = Readonly<Record<string, unknown>>;

const reactions = ['wait', 'retry', 'fail'] as const;
const leastGrace = 60_000;
const defaultGrace = 10 * 60_000;

export const onHostLost = z.enum(reactions, { error: expects('"wait", "retry" or "fail"') });

export const hostGrace = duration.refine(ms => ms >= leastGrace, { error: 'expected at least "1m"' });

/** Check that a grace period of an agent has an effect. One in the defaults may be for some agents only. */
export function checkHostGrace(
  { path, fields }: { path: Path; fields: Fields },
  { fields: shared }: { fields: Fields },
): Finding[] {
  const { onHostLost: reaction = shared.onHostLost ?? 'wait' } = fields;
  if (!('hostGrace' in fields) || reaction !== 'wait') return [];
  const message = 'an agent waits for a lost host; set "onHostLost" to "retry" or "fail", or drop this';
  return [{ path: [...path, 'hostGrace'], message }];
}

interface HostLostSpec {
  readonly onHostLost?: (typeof reactions)[number] | undefined;
  readonly hostGrace?: number | undefined;
}

export const resolveHostLost = ({
  onHostLost: reaction = 'wait',
  hostGrace: grace = defaultGrace,
}: HostLostSpec): Pick<AgentPlan, 'onHostLost' | 'hostGrace'> =>
  reaction === 'wait' ? {} : { onHostLost: reaction, hostGrace: grace };
