import * as z from 'zod';
import { agentName, matrixKey } from './names.ts';
import { isReference } from './reference.ts';

/** When an agent starts, beside the names in its `dependsOn`. */
export interface ControlPlan {
  /** The results that it needs of dependencies, by their names. Default: `succeeded`. */
  readonly on?: Readonly<Record<string, 'succeeded' | 'failed' | 'ended'>>;
  /** A condition in CEL, evaluated when its dependencies have ended. It names some of them. */
  readonly when?: string;
  /** The values of its matrix, by name. */
  readonly matrix?: Readonly<Record<string, string | number | boolean>>;
  /** The agent with `forEach` that becomes it, and the position of its item in the list, from 1. */
  readonly item?: { readonly of: string; readonly index: number };
  /** The values of other agents, and of its item, that its templates have references to: `agents.plan.output.title`. */
  readonly inputs?: readonly string[];
}

/** The schemas of these fields, which are also those of an event. */
export const controlPlan = {
  on: z.record(z.string().regex(agentName), z.enum(['succeeded', 'failed', 'ended'])).exactOptional(),
  when: z.string().exactOptional(),
  matrix: z
    .record(z.string().regex(matrixKey), z.union([z.string(), z.number(), z.boolean()]))
    .exactOptional(),
  item: z.strictObject({ of: z.string().regex(agentName), index: z.int().min(1) }).exactOptional(),
  inputs: z.array(z.string().refine(isReference)).min(1).exactOptional(),
};

/** Return these fields of a plan or an event. */
export const controlOf = ({ on, when, matrix, item, inputs }: ControlPlan) => ({
  ...(on === undefined ? {} : { on }),
  ...(when === undefined ? {} : { when }),
  ...(matrix === undefined ? {} : { matrix }),
  ...(item === undefined ? {} : { item }),
  ...(inputs === undefined ? {} : { inputs: [...inputs] }),
});
