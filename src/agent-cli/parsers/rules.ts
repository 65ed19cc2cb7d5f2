import type { EventRule, FailureRule, UsageRule } from '../../providers/report.ts';
import type { Parser } from '../cli-event.ts';
import {
  type CliEvent,
  failure,
  kindOfStatus,
  modelNamed,
  notice,
  text,
  toolCall,
  toolResult,
} from '../cli-event.ts';
import { oneLine } from '../display.ts';
import { type FailureKind, noUsage, type Usage } from '../report.ts';
import {
  amount,
  condition,
  date,
  elements,
  number,
  object,
  type Reader,
  status,
  texts,
} from './expression.ts';

/** Returns the events of a line, or of an element of a list in it. */
type EventReader = Reader<readonly CliEvent[]>;

/** Read the JSON lines of a CLI by the rules of its provider. */
export function rulesParser(rules: readonly EventRule[], now: () => number): Parser {
  const usage = usageCounter();
  const readers = rules.map(rule => ruleReader(rule, usage, now));
  return line => readers.flatMap(read => read(line));
}

function ruleReader(rule: EventRule, usage: UsageCounter, now: () => number): EventReader {
  const applies = condition(rule.when, true);
  const each = elements(rule.each);
  const readers = [...displayReaders(rule), ...stateReaders(rule, usage, now)];
  return line => (applies(line) ? each(line).flatMap(element => readers.flatMap(read => read(element))) : []);
}

function displayReaders(rule: EventRule): EventReader[] {
  const { toolCall: call, toolResult: result } = rule;
  return [
    textReader(rule.text, text),
    textReader(rule.chunk, chunk => ({ type: 'chunk', text: chunk })),
    ...(call === undefined ? [] : [toolCallReader(call)]),
    ...(result === undefined ? [] : [toolResultReader(result)]),
    textReader(rule.notice, words => notice(oneLine(words))),
  ];
}

function stateReaders(rule: EventRule, usage: UsageCounter, now: () => number): EventReader[] {
  const { recovered, quotaReset, failure } = rule;
  const model = texts(rule.model);
  return [
    () => (recovered ? [{ type: 'recovered' }] : []),
    json => modelNamed(model(json)[0] ?? ''),
    ...(rule.usageTotal === undefined ? [] : [usageReader(rule.usageTotal, usage.replace)]),
    ...(rule.usageDelta === undefined ? [] : [usageReader(rule.usageDelta, usage.add)]),
    ...(quotaReset === undefined ? [] : [quotaResetReader(quotaReset, now)]),
    ...(failure === undefined ? [] : [failureReader(failure)]),
  ];
}

function textReader(expression: string | undefined, event: (text: string) => CliEvent): EventReader {
  const read = texts(expression);
  return json => read(json).map(event);
}

function toolCallReader(rule: NonNullable<EventRule['toolCall']>): EventReader {
  const [name, input] = [texts(rule.name), object(rule.input)];
  return json =>
    name(json)
      .slice(0, 1)
      .map(called => toolCall(oneLine(called), input(json)));
}

function toolResultReader(rule: NonNullable<EventRule['toolResult']>): EventReader {
  const [lines, isError] = [texts(rule.text), condition(rule.isError, false)];
  return json => [toolResult(lines(json).join('\n'), isError(json))];
}

function quotaResetReader(rule: NonNullable<EventRule['quotaReset']>, now: () => number): EventReader {
  const read = 'at' in rule ? date(rule.at) : afterSeconds(number(rule.after), now);
  return json => {
    const at = read(json);
    const isDate = at !== null && at > 0 && at <= latestDate;
    return isDate ? [{ type: 'quotaReset', at: Math.ceil(at) }] : [];
  };
}

/** Milliseconds since the epoch: the last moment that a `Date` can hold. */
const latestDate = 8.64e15;

const afterSeconds =
  (read: Reader<number | null>, now: () => number): Reader<number | null> =>
  json => {
    const seconds = read(json);
    return seconds === null || seconds <= 0 ? null : now() + seconds * 1000;
  };

const noMessage = 'it reports an error without a message';

function failureReader({ message, status: code, kinds = {}, final, firstOnly }: FailureRule): EventReader {
  const [messages, statusOf] = [texts(message), status(code)];
  const conditions = Object.entries(kinds).map(([kind, holds]) => ({
    kind: kind as FailureKind,
    holds: condition(holds, false),
  }));
  return json => {
    const kind = conditions.find(({ holds }) => holds(json))?.kind ?? kindOfStatus(statusOf(json));
    return [
      failure(messages(json)[0] ?? noMessage, kind, {
        ...(final ? { isFinal: true } : {}),
        ...(firstOnly ? { isFirstOnly: true } : {}),
      }),
    ];
  };
}

type Counts = Partial<Record<keyof UsageRule, number>>;

function usageReader(rule: UsageRule, count: (counts: Counts) => Partial<Usage>): EventReader {
  const readers = Object.entries(rule).map(([field, expression]) => ({ field, read: amount(expression) }));
  return json => {
    const counts = readers.flatMap(({ field, read }) => {
      const value = read(json);
      const isUnknown = value === null || (field === 'costUsd' && value === 0);
      return isUnknown ? [] : [[field, field === 'costUsd' ? value : Math.round(value)]];
    });
    return counts.length === 0 ? [] : [{ type: 'usage', usage: count(Object.fromEntries(counts)) }];
  };
}

interface UsageCounter {
  /** Return the totals, in which these are replaced. */
  replace(counts: Counts): Partial<Usage>;
  /** Return the totals, to which these are added. */
  add(counts: Counts): Partial<Usage>;
}

function usageCounter(): UsageCounter {
  let totals: Usage = noUsage;
  const keep = (counts: Counts) => {
    totals = { ...totals, ...counts };
    return totals;
  };
  return {
    replace: keep,
    add: counts =>
      keep(
        Object.fromEntries(
          Object.entries(counts).map(([field, more]) => [field, (totals[field as keyof Counts] ?? 0) + more]),
        ),
      ),
  };
}
