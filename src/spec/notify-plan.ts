import * as z from 'zod';
import { envName } from './names.ts';
import { isReceiverUrl, maxReceivers, notifiedEvents, type notify } from './notify-field.ts';

export type NotifiedEvent = (typeof notifiedEvents)[number];

/** A receiver of notifications, to which events are posted as JSON. */
export interface ReceiverPlan {
  /** The address, or the name of the environment variable of agent-flow with it. */
  readonly url: string | { readonly env: string };
  readonly on: readonly NotifiedEvent[];
}

export const receiverPlans = z
  .array(
    z.strictObject({
      url: z.union([z.string().refine(isReceiverUrl), z.strictObject({ env: z.string().regex(envName) })]),
      on: z.array(z.enum(notifiedEvents)).min(1),
    }),
  )
  .max(maxReceivers) satisfies z.ZodType<readonly ReceiverPlan[]>;

/** Return the receivers of a valid spec. */
export function resolveNotify(given: z.output<typeof notify> = []): {
  readonly notify?: readonly ReceiverPlan[];
} {
  if (given.length === 0) return {};
  return { notify: given.map(({ url, on = notifiedEvents }) => ({ url, on: [...new Set(on)] })) };
}

/** Return the title of a receiver, for people: its host, since its path may be a secret, or the name of the variable. */
export const receiverTitle = ({ url }: ReceiverPlan): string =>
  typeof url === 'string' ? new URL(url).host : `$${url.env}`;
