export { agentMachine } from '../machines/agent.ts';
export type {
  AgentContext,
  AgentEvent,
  AgentInput,
  AgentOutput,
  AttemptResult,
  Decision,
  Mood,
  StepInput,
} from '../machines/agent-types.ts';
export { type FlowInput, type FlowOutput, flowMachine } from '../machines/flow.ts';
export type { End, EndRecord, Failure, FailureKind, Outcome, Status } from '../machines/outcome.ts';
export type { AgentActors } from './actors/provide.ts';
export { type ContainerFact, type DecidePlan, decide } from './engine/decide.ts';
export { type AgentRecord, blankRecord } from './engine/record.ts';
export { type Flow, type FlowOptions, runFlow } from './engine/run-flow.ts';
export { EngineError, FlowError, UsageError } from './errors.ts';
export { eventSchema, type FlowEvent } from './events.ts';
export type { AgentPath, FlowPath, Graph, GraphEdge, GraphNode } from './graph/graph.ts';
export { type Problem, SpecError } from './spec/errors.ts';
export { loadSpec, parseSpec, type SpecOptions } from './spec/load.ts';
export type { AgentPlan, FlowPlan } from './spec/plan.ts';
export type { SpecInput } from './spec/schema.ts';
export { type FlowState, initialFlowState, reduce } from './views/flow-state.ts';
export { type RunResult, resultOf, resultSchema } from './views/result.ts';
