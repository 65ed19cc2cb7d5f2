/** Configuration of agent-report, which formats the JSON output of a CLI and reads usage and failures from it. */
export type Report = CodeReport | RulesReport;

/** A format whose parser is code, or `words` for plain text. */
interface CodeReport extends ReportFields {
  readonly format: 'claude' | 'codex' | 'cline' | 'qwen' | 'words';
  /** false: it does not report its usage. */
  readonly usage?: false;
}

/** JSON lines whose events are read by rules. */
interface RulesReport extends ReportFields {
  readonly format: 'jsonl';
  /** All rules that apply to a line are applied, in this order. */
  readonly events: readonly EventRule[];
}

interface ReportFields {
  /** Regular expression for its messages without a login. Case is ignored, as in all of these. */
  readonly login: string;
  /** Regular expression for its messages when the quota is exhausted. */
  readonly quota: string;
  /** The model that its pinned release uses by default, if its events do not name the model. */
  readonly model?: string;
  /** Failures that it prints as text, also on stderr. */
  readonly words?: {
    /** Printed when it begins to wait for a login; a regular expression. */
    readonly asks: string | null;
    /** Printed when it begins to wait for its quota; the first group is the reason. */
    readonly waits: string | null;
  };
}

/** A JMESPath expression. It is evaluated on the JSON of a line, or on an element of the list `each`. */
type Expression = string;

/** Reads events from a line. Their order is that of these fields. */
export interface EventRule {
  /** The rule applies if this is neither null, false nor empty. Evaluated on the line. */
  readonly when?: Expression;
  /** A list: the rule is applied to each of its elements. Evaluated on the line. */
  readonly each?: Expression;
  /** Lines for people: a string, or a list of strings. */
  readonly text?: Expression;
  /** A piece of a line for people. */
  readonly chunk?: Expression;
  /** `input` is an object, or a string with an object as JSON. */
  readonly toolCall?: { readonly name: Expression; readonly input?: Expression };
  readonly toolResult?: { readonly text: Expression; readonly isError?: Expression };
  readonly notice?: Expression;
  /** The CLI recovered from its last failure by itself. */
  readonly recovered?: true;
  /** The name of the model of the tokens that follow. */
  readonly model?: Expression;
  /** Totals so far. */
  readonly usageTotal?: UsageRule;
  /** Amounts that are added to the totals. */
  readonly usageDelta?: UsageRule;
  /** When the quota is available again, for the failure of this rule or of a later one. */
  readonly quotaReset?:
    | { /** Seconds. */ readonly after: Expression }
    | { /** Seconds since the epoch, or a date as text. */ readonly at: Expression };
  readonly failure?: FailureRule;
}

/** Each is a number, or a list of numbers that are added up. */
export interface UsageRule {
  readonly turns?: Expression;
  /** Cached tokens included. */
  readonly inputTokens?: Expression;
  readonly cachedInputTokens?: Expression;
  readonly cacheWriteTokens?: Expression;
  readonly outputTokens?: Expression;
  /** US dollars. 0 counts as unknown: it is the cost of a model without a known price. */
  readonly costUsd?: Expression;
}

/** Its kind is the first of `kinds` that applies, or else that of its status, or else that of `login` or `quota`. */
export interface FailureRule {
  readonly message: Expression;
  /** An HTTP status: a number, or a string that begins with it. */
  readonly status?: Expression;
  /** Conditions. */
  readonly kinds?: {
    readonly authentication?: Expression;
    readonly quota?: Expression;
    readonly budget?: Expression;
  };
  /** End the CLI: it would retry, or wait for input. */
  readonly final?: true;
  /** Ignore it after another failure, whose message is better. */
  readonly firstOnly?: true;
}

/** Return whether a CLI reports its tokens. */
export function reportsUsage(report: Report | null): boolean {
  if (report === null || report.format === 'words') return false;
  if (report.format !== 'jsonl') return report.usage !== false;
  return report.events.some(
    ({ usageTotal, usageDelta }) => countsTokens(usageTotal) || countsTokens(usageDelta),
  );
}

const countsTokens = (usage: UsageRule | undefined) =>
  usage?.inputTokens !== undefined || usage?.outputTokens !== undefined;
