import type { ReportPlan } from '../spec/plan.ts';
import { exceededLimit } from './budget.ts';
import { type CliEvent, type Failure, notice, type Parser } from './cli-event.ts';
import { display, displayUsage, oneLine } from './display.ts';
import type { JsonObject } from './json.ts';
import { type LineWriter, lineWriter } from './line-writer.ts';
import { createMeter, type Meter } from './meter.ts';
import { parserOf } from './parsers/parsers.ts';
import { type WordsParser, wordsParser } from './parsers/words.ts';
import { type AgentReport, type FailureKind, noUsage, type ReportedFailure, type Usage } from './report.ts';
import { parseResetTime } from './reset-time.ts';
import { costOfUsage } from './usage-cost.ts';

/** The end of the CLI's process. */
export type Exit = { readonly code: number } | { readonly signal: NodeJS.Signals };

export interface ReporterPorts {
  write(text: string): void;
  save(report: AgentReport): void;
  /** End a CLI that continues or waits in vain. */
  endCli(): void;
  now(): number;
}

export interface Reporter {
  /** Read a line that the CLI has printed. */
  line(line: string): void;
  /** End a CLI that has run for longer than its budget allows. */
  wallExceeded(): void;
  /** Return how to exit once the CLI has exited. */
  finish(exit: Exit): Exit;
}

interface Session extends ReporterPorts {
  readonly plan: ReportPlan;
  readonly output: LineWriter;
  readonly parse: Parser;
  readonly words: WordsParser;
  readonly meter: Meter;
  usage: Usage;
  failure: ReportedFailure | null;
  hasFailed: boolean;
  quotaResetAt: number | null;
}

/** Print the output of an AI CLI as text, and keep a report of its usage and of why it failed. */
export function createReporter(plan: ReportPlan, ports: ReporterPorts): Reporter {
  const session: Session = {
    ...ports,
    plan,
    output: lineWriter(ports.write),
    parse: parserOf(plan, ports.now),
    words: wordsParser(plan, ports.now),
    meter: createMeter(plan.model),
    usage: noUsage,
    failure: null,
    hasFailed: false,
    quotaResetAt: null,
  };
  return {
    line(line) {
      for (const event of eventsIn(session, line)) handle(session, event);
    },
    wallExceeded: () => exceed(session, `more than ${(plan.budget?.wall ?? 0) / 1000} s`),
    finish: exit => finish(session, exit),
  };
}

/** Characters. An agent can print a line of any length. */
const maxLineLength = 16 * 1024 * 1024;

function eventsIn({ plan, parse, words }: Session, line: string): readonly CliEvent[] {
  if (line.length > maxLineLength) return [notice('a line of more than 16 MiB is not read')];
  const value = parseJson(line);
  if (typeof value === 'object' && value !== null) return parse(value as JsonObject);
  // A bare number or string is JSON too, but counts as words for a plan with `words`.
  return value === undefined || plan.words ? words.parse(line) : [];
}

function handle(session: Session, event: CliEvent): void {
  switch (event.type) {
    case 'chunk':
      session.output.piece(event.text);
      break;
    case 'failure':
      fail(session, event);
      break;
    case 'model':
      session.meter.nameModel(event.name);
      keep(session, {});
      break;
    case 'usage':
      keep(session, event.usage);
      break;
    case 'quotaReset':
      session.quotaResetAt = event.at;
      break;
    case 'recovered':
      recover(session);
      break;
    default:
      session.output.lines(display(event));
  }
}

function recover(session: Session): void {
  // Output of a CLI that is being ended for its budget is not a recovery.
  if (session.failure?.kind === 'budget') return;
  session.hasFailed = false;
  session.failure = null;
}

function fail(session: Session, failure: Failure): void {
  const { plan, quotaResetAt, now } = session;
  if (failure.isFirstOnly && session.hasFailed) return;
  session.hasFailed = true;
  const message = oneLine(failure.message, 400);
  const kind = failure.kind ?? kindOfWords(plan, message);
  if (kind !== null) {
    const resetsAt = kind === 'quota' ? (quotaResetAt ?? parseResetTime(message, now())) : null;
    session.failure = { kind, message, resetsAt };
  }
  session.output.lines(display(failure));
  keep(session, {});
  if (failure.isFinal) session.endCli();
}

function keep(session: Session, more: Partial<Usage>): void {
  const { plan, words, meter } = session;
  if (Object.keys(more).length > 0) words.resetWaits();
  session.usage = meter.withModels({ ...session.usage, ...more });
  session.save({
    usage: plan.usage === false ? null : withoutZeros(session.usage),
    failure: session.failure,
  });
  const limit = exceededLimit(plan.budget, session.usage);
  if (limit !== null) exceed(session, limit);
}

const withoutZeros = ({ cacheWriteTokens = 0, ...usage }: Usage): Usage =>
  cacheWriteTokens === 0 ? usage : { ...usage, cacheWriteTokens };

function exceed(session: Session, limit: string): void {
  fail(session, {
    type: 'failure',
    message: `over its budget: ${limit}`,
    kind: 'budget',
    isFinal: true,
    // Once is enough: what the CLI does while it ends may cost more.
    isFirstOnly: true,
  });
}

function finish(session: Session, exit: Exit): Exit {
  const { plan, words, output } = session;
  const isUnexplained = session.failure === null && 'code' in exit && (session.hasFailed || exit.code !== 0);
  // The output may contain any words. Only the last lines of a CLI that failed count as its reason.
  const reason = isUnexplained ? words.findLast(line => kindOfWords(plan, line) !== null) : undefined;
  // Reduce a log line to its error.
  if (reason !== undefined)
    fail(session, {
      type: 'failure',
      message: / error="([^"]+)"/.exec(reason)?.[1] ?? reason,
      kind: null,
    });
  output.end();
  output.lines(displayUsage({ ...session.usage, costUsd: costOfUsage(session.usage).usd }));
  if ('signal' in exit) return session.hasFailed ? { code: 1 } : exit;
  // A CLI that reports a failure has failed, whatever its exit code.
  return exit.code === 0 && session.hasFailed ? { code: 1 } : exit;
}

function kindOfWords({ login, quota }: ReportPlan, text: string): FailureKind | null {
  if (login && new RegExp(login, 'i').test(text)) return 'authentication';
  return quota && new RegExp(quota, 'i').test(text) ? 'quota' : null;
}

/** Return undefined for a line that is not JSON. */
function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
