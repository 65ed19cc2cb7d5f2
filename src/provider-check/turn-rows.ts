import type { CheckSetup, Conversation, OutputSchema, Provider } from '../providers/provider.ts';
import { type CheckName, type CheckRow, row } from './check-report.ts';
import { answerFile } from './check-spec.ts';
import { failureOf, sees, type TurnEnd } from './turn-end.ts';

const failed = (check: CheckName, details: string, { agent }: TurnEnd): CheckRow => ({
  ...row(check, 'failed', details),
  transcript: agent.transcript,
});

const succeeded = ({ agent }: TurnEnd) => agent.status === 'succeeded';

/** Return whether the CLI has started, done its work and ended. */
export const launchRow = (turn: TurnEnd): CheckRow =>
  succeeded(turn) ? row('launch', 'ok', 'exit 0') : failed('launch', failureOf(turn), turn);

/** Return whether the CLI of a cloud that no stub replaces ends by itself without a login, with a failure. */
export function loggedOutRow(turn: TurnEnd): CheckRow {
  const { status } = turn.agent;
  if (status === 'failed') return row('launch', 'ok', `without a login it fails: ${failureOf(turn)}`);
  if (status === 'succeeded')
    return failed('launch', 'without a login it exits with 0, as if it had done its work', turn);
  return failed('launch', `without a login it does not end: ${failureOf(turn)}`, turn);
}

/** Return whether its tool has written the file, `answer`, and the model has got the tool's result. */
export function toolCallRow(
  turn: TurnEnd,
  {
    nonce,
    answer,
    api,
  }: { readonly nonce: string; readonly answer: string | null } & Pick<CheckSetup, 'api'>,
): CheckRow {
  const problem = callProblem(turn, nonce, api);
  if (problem !== null) return failed('tool call', problem, turn);
  if (answer?.trim() !== nonce)
    return failed('tool call', `the model got the tool's result, but ${answerFile} has other content`, turn);
  return row('tool call', 'ok', `its tool wrote ${answerFile}, the model saw the result`);
}

/** Return the first thing that went wrong between the CLI and the model; null if its tool call has succeeded. */
function callProblem(turn: TurnEnd, nonce: string, api: CheckSetup['api']): string | null {
  const { seen } = turn;
  if (sees(turn, 'tool-result', nonce)) return null;
  if (sees(turn, 'tool-failed', nonce)) return 'the tool that the model called has failed';
  if (sees(turn, 'prompt', nonce)) return 'it has not returned the result of the tool that the model called';
  if (sees(turn, 'unauthorized')) return 'it called the model without its key';
  if (sees(turn, 'aside'))
    return 'no request had both the prompt and a tool that runs a command, such as "bash" or "run_shell_command"';
  const unknown = seen.find(({ event }) => event === 'unknown');
  if (unknown !== undefined)
    return `it called ${unknown.method} ${unknown.path}, which is not a call of the API "${api}"`;
  return seen.length > 0 ? 'its request had no prompt' : 'it has not called the model: check the address';
}

/** Return whether the refusal of a key is reported as such. */
export function keyRow(turn: TurnEnd, { report }: Pick<Provider, 'report'>): CheckRow {
  const { status, error } = turn.agent;
  if (error?.kind === 'authentication')
    return row('key', 'ok', 'a refused key is reported as authentication');
  if (report === null) return row('key', 'not supported', 'it has no "report", so its messages are not read');
  if (status === 'succeeded')
    return failed('key', 'with a refused key it exits with 0, and none is reported', turn);
  if (!sees(turn, 'unauthorized'))
    return failed('key', `it has not called the model with the key: ${failureOf(turn)}`, turn);
  const as = status === 'timedOut' ? 'it does not end' : `it is reported as ${error?.kind ?? status}`;
  return failed('key', `with a refused key ${as}: ${failureOf(turn)}. See "login" of its "report"`, turn);
}

/** Return whether the second turn, in a new container, had the first one. */
export function resumeRow(
  turn: TurnEnd,
  { first, second, conversation }: { first: string; second: string; conversation: Conversation },
): CheckRow {
  const prompt = turn.seen.find(({ event, nonce }) => event === 'prompt' && nonce === second);
  const fail = (reason: string) => failed('resume', reason, turn);
  const options = conversation.args.join(' ');
  if (prompt === undefined)
    return fail(`the second prompt did not reach the model with ${options}: ${failureOf(turn)}`);
  if (!prompt.earlier?.includes(first)) return fail(`the second request did not have the first turn`);
  if (!sees(turn, 'tool-result', second))
    return fail('the results of tools in the second request do not match its calls');
  return succeeded(turn) ? row('resume', 'ok', 'the second turn had the first one') : fail(failureOf(turn));
}

/** Return the failure to continue without a conversation. */
export const noConversationRow = ({ files }: Conversation): CheckRow =>
  row('resume', 'failed', `the first turn has left none of ${files.map(file => `~/${file}`).join(', ')}`);

/** Return whether the CLI has asked for the schema, and printed the value; `printed` is its whole output. */
export function schemaRow(
  turn: TurnEnd,
  { nonce, printed, outputSchema }: { nonce: string; printed: string; outputSchema: OutputSchema },
): CheckRow {
  const fail = (reason: string) => failed('schema', reason, turn);
  if (!sees(turn, 'value', nonce))
    return fail(
      `no request had the schema with ${outputSchema.flag}: ${turn.agent.error ? failureOf(turn) : 'exit 0'}`,
    );
  if (!succeeded(turn)) return fail(failureOf(turn));
  const { field } = outputSchema;
  const isFound = printed.split('\n').some(line => hasAnswer(line, { field, nonce }));
  if (isFound) return row('schema', 'ok', 'the model got the schema, the value was printed');
  return fail(
    field === null
      ? 'its last message was not the value as JSON'
      : `no JSON line had the value in the field "${field}"`,
  );
}

function hasAnswer(line: string, { field, nonce }: { field: string | null; nonce: string }): boolean {
  try {
    const json = JSON.parse(line);
    return (field === null ? json : json?.[field])?.answer === nonce;
  } catch {
    return false;
  }
}
