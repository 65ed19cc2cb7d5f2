import { XMLBuilder } from 'fast-xml-parser';
import type { AttemptState, FlowState } from '../state/flow-state.ts';
import { type AgentOutcome, outcomesOf } from '../state/outcomes.ts';
import { statusLabel } from '../state/state-label.ts';
import { costOfRun, type RunCost } from '../state/usage.ts';
import { shorten } from '../text/shorten.ts';
import { oneLine, plainText } from '../text/text.ts';
import { roundCases } from './junit-rounds.ts';
import { attribute, content, legal, seconds } from './xml-text.ts';

/**
 * Return a run as JUnit XML: a suite for the flow, a case for each agent and for each round of an agent that is checked.
 * `tails` contains the last lines of output, by agent, and of checks, by `roundKey`.
 */
export function junit(state: FlowState, tails: ReadonlyMap<string, string> = new Map()): string {
  const outcomes = outcomesOf(state);
  const cases = outcomes.flatMap(outcome => [
    testCase(state, outcome, tails.get(outcome.name)),
    ...roundCases(state, outcome, tails),
  ]);
  const count = (element: string) => cases.filter(entry => element in entry).length;
  const totals = {
    '@tests': cases.length,
    '@failures': count('failure'),
    '@errors': count('error'),
    '@skipped': count('skipped'),
    '@time': seconds((state.endedAt ?? state.startedAt ?? 0) - (state.startedAt ?? 0)),
  };
  const suite = {
    '@name': attribute(state.name),
    ...totals,
    ...(state.startedAt === null ? {} : { '@timestamp': new Date(state.startedAt).toISOString() }),
    properties: { property: [property('run-id', state.runId), ...costProperties(costOfRun(state.agents))] },
    testcase: cases,
  };
  return builder.build({
    '?xml': { '@version': '1.0', '@encoding': 'UTF-8' },
    testsuites: { '@name': 'agent-flow', ...totals, testsuite: [suite] },
  });
}

const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  format: true,
  suppressEmptyNode: true,
});

function testCase(state: FlowState, outcome: AgentOutcome, tail: string | undefined) {
  const output = systemOut(outcome, tail);
  const properties = [
    ...(outcome.reused === null ? [] : [property('reused-from', outcome.reused)]),
    ...matrixProperties(outcome),
    ...(outcome.item === null ? [] : [property('item', shorten(outcome.item, 1000))]),
    ...outputProperty(outcome),
    ...(outcome.decision === null ? [] : [property('decision', outcome.decision)]),
    ...usageProperties(outcome),
  ];
  return {
    '@classname': attribute(state.name),
    '@name': attribute(outcome.name),
    '@time': seconds(outcome.ms ?? 0),
    ...(properties.length === 0 ? {} : { properties: { property: properties } }),
    ...outcomeElement(state, outcome),
    ...(output === '' ? {} : { 'system-out': output }),
  };
}

const property = (name: string, value: string | number) => ({
  '@name': name,
  '@value': attribute(String(value)),
});

const costProperties = (cost: RunCost | null) =>
  cost === null
    ? []
    : [
        ...(cost.usd === null ? [] : [property('cost-usd', cost.usd)]),
        ...(cost.pricesDate === null ? [] : [property('prices-date', cost.pricesDate)]),
        ...cost.unpricedModels.map(model => property('unpriced-model', model)),
      ];

const matrixProperties = ({ matrix }: AgentOutcome) =>
  Object.entries(matrix).map(([key, value]) => property(`matrix.${key}`, String(value)));

const outputProperty = ({ outputJson }: AgentOutcome) =>
  outputJson === null ? [] : [property('output', shorten(outputJson, 1000))];

const usageProperties = ({ usage }: AgentOutcome) =>
  usage === null
    ? []
    : [
        property('input-tokens', usage.inputTokens),
        property('output-tokens', usage.outputTokens),
        ...(usage.costUsd === null ? [] : [property('cost-usd', usage.costUsd)]),
      ];

function outcomeElement(state: FlowState, outcome: AgentOutcome) {
  const { status, error } = outcome;
  if (status === 'succeeded') return {};
  const message = attribute(error?.message ?? state.cancelled ?? statusLabel[status]);
  if (status === 'skipped') return { skipped: { '@message': message } };
  if (status === 'cancelled') return { skipped: { '@message': `cancelled: ${message}` } };
  const details = {
    '@type': attribute(error?.kind ?? status),
    '@message': message,
    '#text': detailsText(outcome),
  };
  return outcome.isInfrastructure ? { error: details } : { failure: details };
}

/** Include the message, since some readers show only this text. */
function detailsText({ status, exitCode, error, attempts, logsCommand }: AgentOutcome): string {
  return content(
    [
      oneLine(error?.message ?? statusLabel[status]),
      ...(error === null ? [] : [`phase: ${error.phase}`]),
      ...(exitCode === null ? [] : [`exit code: ${exitCode}`]),
      `attempts: ${attempts.length}`,
      ...(logsCommand === null ? [] : [`more: ${logsCommand}`]),
    ].join('\n'),
  );
}

/** List earlier attempts here: few readers show elements of their own (`rerunFailure`). */
function systemOut({ status, error, attempts, transcript }: AgentOutcome, tail: string | undefined): string {
  const parts = [
    ...attempts.slice(0, -1).map(earlierAttempt),
    ...(status === 'succeeded' && error !== null ? [`while ${error.phase}: ${oneLine(error.message)}`] : []),
    ...(tail === undefined ? [] : [plainText(tail).trimEnd()]),
  ];
  const attachment = transcript === null ? [] : [`[[ATTACHMENT|${legal(transcript)}]]`];
  return [...parts.map(content), ...attachment].join('\n');
}

function earlierAttempt({ attempt, status, error, check }: AttemptState): string {
  const reason = error?.message ?? check?.reason ?? null;
  const what = check ? 'succeeded, and its check did not pass' : statusLabel[status ?? 'failed'];
  return `attempt ${attempt} ${what}${reason === null ? '' : `: ${oneLine(reason)}`}`;
}
