import * as z from 'zod';
import { type ControlPlan, controlPlan } from './control-plan.ts';
import { agentName } from './names.ts';
import { ms, text } from './plan-values.ts';

/** An agent of a flow that runs nothing: it waits for the decision of the user. */
export interface ApprovalPlan extends Omit<ControlPlan, 'inputs' | 'item'> {
  readonly name: string;
  /** Its index among the agents of the spec, approvals included. */
  readonly index: number;
  readonly dependsOn: readonly string[];
  /** The question to the user. */
  readonly prompt: string;
  /** Milliseconds. */
  readonly timeout: number;
  /** The decision after the timeout. */
  readonly onTimeout: 'approve' | 'reject';
  /** It is approved without a question: `run --yes`. */
  readonly isGranted?: true;
}

const name = z.string().regex(agentName);
/** Its question has no references to values. */
const { inputs: _, item: __, ...control } = controlPlan;

export const approvalPlan = z.strictObject({
  name,
  index: z.int().min(0),
  dependsOn: z.array(name),
  ...control,
  prompt: text.min(1),
  timeout: ms,
  onTimeout: z.enum(['approve', 'reject']),
  isGranted: z.literal(true).exactOptional(),
}) satisfies z.ZodType<ApprovalPlan>;

/** The schema of an approval in an event: what it asks, for how long, and its decision after that time. */
export const askedApproval = z.object({
  prompt: z.string(),
  timeout: z.number().describe('Milliseconds.'),
  onTimeout: z.enum(['approve', 'reject']),
});

export type AskedApproval = z.infer<typeof askedApproval>;
