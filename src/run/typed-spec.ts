import type { SpecInput } from '../spec/schema.ts';
import type { RunResult } from '../state/result-schema.ts';

/** A schema of zod, or of any other library that implements Standard Schema, version 1. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
    validate(value: unknown): ParsedValue<Output> | Promise<ParsedValue<Output>>;
  };
}

type ParsedValue<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly OutputIssue[] };

/** A problem of a value, as the library of its schema reports it. */
export interface OutputIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The part of Standard JSON Schema that not every library has. */
export interface JsonSchemaSource {
  readonly jsonSchema?: { input(options: { readonly target: 'draft-2020-12' }): Record<string, unknown> };
}

type AgentInput = SpecInput['agents'][string];
type OutputInput = NonNullable<AgentInput['output']>;

/** A spec in which the schema of an output may be one of zod, or any other Standard Schema. */
export type TypedSpec = Omit<SpecInput, 'agents'> & {
  readonly agents: Readonly<
    Record<
      string,
      Omit<AgentInput, 'output'> & {
        readonly output?: OutputInput | { readonly schema: StandardSchema } | undefined;
      }
    >
  >;
};

type OutputOf<Agent> = Agent extends { readonly output: { readonly schema: infer Schema } }
  ? Schema extends { readonly '~standard': { readonly types?: infer Types } }
    ? NonNullable<Types> extends { readonly output: infer Output }
      ? Output
      : unknown
    : never
  : never;

/** The agents whose outputs have a type, by their names. */
type TypedAgents<Agents> = {
  readonly [Name in keyof Agents as [OutputOf<Agents[Name]>] extends [never] ? never : Name]: Omit<
    RunResult['agents'][string],
    'output'
  > & {
    /** The value that its schema returns; absent if the agent has not succeeded. */
    readonly output?: OutputOf<Agents[Name]>;
  };
};

/** The result of a run: for a spec with schemas of zod, or other Standard Schemas, with outputs of their types. */
export type TypedResult<Spec> = Spec extends { readonly agents: infer Agents }
  ? [keyof TypedAgents<Agents>] extends [never]
    ? RunResult
    : Omit<RunResult, 'agents'> & { readonly agents: RunResult['agents'] & TypedAgents<Agents> }
  : RunResult;
