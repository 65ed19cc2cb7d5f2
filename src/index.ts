export { agentMachine } from '../machines/agent.ts';
export type {
  Activity,
  AgentContext,
  AgentEvent,
  AgentInput,
  AgentOutput,
  AttemptResult,
  Reconciliation,
  StepInput,
} from '../machines/agent-types.ts';
export type { CheckInput, CheckResult } from '../machines/check.ts';
export { type FlowInput, type FlowOutput, flowMachine } from '../machines/flow.ts';
export type { End, EndRecord, Failure, FailureKind, Outcome, Status } from '../machines/outcome.ts';
export type { AgentActors } from './actors/provide.ts';
export { EngineError, FlowError, RunStateError, UsageError } from './errors.ts';
export { eventSchema, type RunEvent } from './events.ts';
export type { AgentPath, FlowPath, Graph, GraphEdge, GraphNode } from './graph/graph.ts';
export type { ContainerFact } from './recovery/container-fact.ts';
export { type ReconcilePlan, reconcile } from './recovery/reconcile.ts';
export { type AgentRecord, emptyRecord } from './recovery/record.ts';
export { OutputError } from './run/output-error.ts';
export { type Flow, type FlowOptions, runFlow } from './run/run-flow.ts';
export type { OutputIssue, StandardSchema, TypedResult, TypedSpec } from './run/typed-spec.ts';
export { type Problem, SpecError } from './spec/errors.ts';
export { loadSpec, parseSpec, type SpecOptions } from './spec/load.ts';
export type { AgentPlan, FlowPlan } from './spec/plan.ts';
export type { SpecInput } from './spec/schema.ts';
export { type FlowState, initialFlowState, reduce } from './state/flow-state.ts';
export { resultOf } from './state/result.ts';
export { type RunResult, resultSchema } from './state/result-schema.ts';
