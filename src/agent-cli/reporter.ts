import type { ReportPlan } from '../spec/plan.ts';
import type { CliEvent, Failure } from './cli-event.ts';
import { display, displayUsage, oneLine } from './display.ts';
import type { JsonObject } from './json.ts';
import { parsers } from './parsers/parsers.ts';
import { wordsParser } from './parsers/words.ts';
import { type AgentReport, type FailureKind, noUsage, type ReportedFailure, type Usage } from './report.ts';
import { parseResetTime } from './reset-time.ts';

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

/** Print the output of an AI CLI as text, and keep a report of its usage and of why it failed. */
export function createReporter(plan: ReportPlan, { write, save, endCli, now }: ReporterPorts): Reporter {
  const { format, budget = {} } = plan;
  const parse = parserNamed(format)(now);
  const words = wordsParser(plan, now);
  let usage = noUsage;
  let reported: ReportedFailure | null = null;
  let hasFailed = false;
  let quotaResetAt: number | null = null;

  function eventsIn(line: string): readonly CliEvent[] {
    const value = parseJson(line);
    if (typeof value === 'object' && value !== null) return parse(value as JsonObject);
    // A bare number or string is JSON too, but counts as words for a plan with `words`.
    return value === undefined || plan.words ? words.parse(line) : [];
  }

  function handle(event: CliEvent): void {
    if (event.type !== 'failure') write(display(event));
    switch (event.type) {
      case 'failure':
        fail(event);
        break;
      case 'usage':
        keep(event.usage);
        break;
      case 'quotaReset':
        quotaResetAt = event.at;
        break;
      case 'recovered':
        recover();
        break;
    }
  }

  // Output of a CLI that is being ended for its budget is not a recovery.
  function recover(): void {
    if (reported?.kind === 'budget') return;
    hasFailed = false;
    reported = null;
  }

  function fail(failure: Failure): void {
    if (failure.isFirstOnly && hasFailed) return;
    hasFailed = true;
    const message = oneLine(failure.message, 400);
    const kind = failure.kind ?? kindOfWords(plan, message);
    if (kind !== null) {
      const resetsAt = kind === 'quota' ? (quotaResetAt ?? parseResetTime(message, now())) : null;
      reported = { kind, message, resetsAt };
    }
    write(display(failure));
    keep({});
    if (failure.isFinal) endCli();
  }

  function keep(more: Partial<Usage>): void {
    if (Object.keys(more).length > 0) words.resetWaits();
    usage = { ...usage, ...more };
    save({ usage: plan.usage === false ? null : usage, failure: reported });
    if (budget.turns && (usage.turns ?? 0) > budget.turns) exceed(`more than ${budget.turns} turns`);
    if (budget.outputTokens && usage.outputTokens > budget.outputTokens)
      exceed(`more than ${budget.outputTokens} tokens of output`);
  }

  // Report it once: the CLI may use more while it ends.
  const exceed = (limit: string) =>
    fail({
      type: 'failure',
      message: `over its budget: ${limit}`,
      kind: 'budget',
      isFinal: true,
      isFirstOnly: true,
    });

  return {
    line(line) {
      for (const event of eventsIn(line)) handle(event);
    },
    wallExceeded: () => exceed(`more than ${(budget.wall ?? 0) / 1000} s`),
    finish(exit) {
      const isUnexplained = reported === null && 'code' in exit && (hasFailed || exit.code !== 0);
      // The output may contain any words. Only the last lines of a CLI that failed count as its reason.
      const reason = isUnexplained ? words.findLast(line => kindOfWords(plan, line) !== null) : undefined;
      // Reduce a log line to its error.
      if (reason !== undefined)
        fail({ type: 'failure', message: / error="([^"]+)"/.exec(reason)?.[1] ?? reason, kind: null });
      write(displayUsage(usage));
      if ('signal' in exit) return hasFailed ? { code: 1 } : exit;
      // A CLI that reports a failure has failed, whatever its exit code.
      return exit.code === 0 && hasFailed ? { code: 1 } : exit;
    },
  };
}

function parserNamed(format: string) {
  const parser = Object.entries(parsers).find(([name]) => name === format)?.[1];
  if (parser === undefined) throw new Error(`"${format}" is not a format that agent-report reads`);
  return parser;
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
