import type { CliEvent } from './cli-event.ts';
import { type JsonObject, textOf } from './json.ts';
import type { Usage } from './report.ts';

/** Return the text of an event for people; empty for an event that is not displayed. */
export function display(event: CliEvent): string {
  switch (event.type) {
    case 'text':
      return line(event.text);
    case 'toolCall':
      return line(`● ${event.name} ${oneLine(summary(event.input))}`);
    case 'toolResult':
      return resultLine(event.text, event.isError);
    case 'notice':
      return line(`! ${event.text}`);
    case 'failure':
      return line(`✗ ${oneLine(event.message, 400)}`);
    default:
      return '';
  }
}

/** Return the summary of a whole session; empty if the CLI has reported no usage. */
export function displayUsage({ turns, inputTokens, outputTokens, costUsd }: Usage): string {
  if (outputTokens === 0) return '';
  const cost = costUsd === null ? '' : `, $${costUsd.toFixed(4)}`;
  return line(
    `— ${turns === null ? '' : `${turns} ${turns === 1 ? 'turn' : 'turns'}, `}${inputTokens} tokens in, ${outputTokens} out${cost}`,
  );
}

/** Put a text on one line, and cut it to a length. */
export function oneLine(text: string, length = 160): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > length ? `${line.slice(0, length)}…` : line;
}

const line = (text: string) => `${text.replace(/\n*$/, '')}\n`;

const descriptive = ['command', 'file_path', 'path', 'pattern', 'url', 'query', 'description'];

function summary(input: JsonObject): string {
  const key = descriptive.find(key => typeof input[key] === 'string');
  return key === undefined ? json(input) : textOf(input[key]);
}

function json(input: JsonObject): string {
  try {
    return JSON.stringify(input);
  } catch {
    // It is nested more deeply than the stack allows.
    return '{…}';
  }
}

function resultLine(text: string, isError: boolean): string {
  const [first = '', ...others] = text.trim().split('\n');
  if (first === '') return '';
  const more = others.length > 0 ? ` (+${others.length} lines)` : '';
  return line(`  ⎿ ${isError ? 'failed: ' : ''}${oneLine(first)}${more}`);
}
