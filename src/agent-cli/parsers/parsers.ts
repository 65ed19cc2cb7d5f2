import type { Report } from '../../providers/report.ts';
import type { ReportPlan } from '../../spec/plan.ts';
import type { Parser, ParserFactory } from '../cli-event.ts';
import { noUsage } from '../report.ts';
import { claudeParser } from './claude.ts';
import { clineParser } from './cline.ts';
import { codexParser } from './codex.ts';
import { qwenParser } from './qwen.ts';
import { rulesParser } from './rules.ts';

/** By `format` of a provider's report. */
const parsers: Readonly<Record<Exclude<Report['format'], 'jsonl'>, ParserFactory>> = {
  claude: claudeParser,
  codex: codexParser,
  cline: clineParser,
  qwen: qwenParser,
  // A CLI without events.
  words: () => () => [],
};

/**
 * Return the parser of the JSON lines of a CLI.
 *
 * @param now Returns milliseconds since the epoch.
 * @throws Error if there is no such format.
 */
export function parserOf(
  { format, events = [], baseline }: Pick<ReportPlan, 'format' | 'events' | 'baseline'>,
  now: () => number,
): Parser {
  if (format === 'jsonl') return rulesParser(events, now);
  const parser = Object.entries(parsers).find(([name]) => name === format)?.[1];
  if (parser === undefined) throw new Error(`"${format}" is not a format that agent-report reads`);
  return parser(now, { ...noUsage, ...baseline });
}
