import { randomBytes } from 'node:crypto';
import type { EngineConnection } from '../connection/engine-connection.ts';
import type { Conversation, OutputSchema, Provider } from '../providers/provider.ts';
import type { OpenCheckFolder } from './check-folder.ts';
import { type CheckName, type CheckReport, type CheckRow, row } from './check-report.ts';
import {
  answerFile,
  answerSchema,
  continueConversation,
  conversationFile,
  keepConversation,
  newNonce,
  promptOf,
  schemaArgs,
  schemaFile,
  withRawOutput,
  withScript,
} from './check-spec.ts';
import { orEngineError } from './engine-failure.ts';
import { ensureStubImage, installRow } from './install.ts';
import { startModelServer } from './model-server.ts';
import {
  keyRow,
  launchRow,
  loggedOutRow,
  noConversationRow,
  resumeRow,
  schemaRow,
  toolCallRow,
} from './turn-rows.ts';
import { type EndedTurn, runTurn, type TurnContext } from './turns.ts';

export interface CheckOptions extends Pick<TurnContext, 'folder' | 'context' | 'signal'> {
  readonly connection: EngineConnection;
  /** Called before each check. */
  readonly onBegin?: (check: CheckName) => void;
}

/**
 * Run the CLI of a provider against the stub of a model, and report what works.
 *
 * @throws EngineError if Docker fails
 * @throws the reason of `signal` if that was aborted; by then everything is removed
 */
export async function checkProvider(provider: Provider, options: CheckOptions): Promise<CheckReport> {
  const { connection, folder, signal, onBegin = () => {} } = options;
  const { name, title, install } = provider;
  const reportOf = (rows: readonly CheckRow[]) => ({
    ...{ provider: name, title, version: install.version ?? null },
    rows: withRest(rows),
  });
  onBegin('install');
  const installed = await installRow(provider, connection, signal);
  if (installed.status === 'failed') return reportOf([installed]);
  const server = await startServer(connection, folder, signal);
  try {
    const context = { provider, folder, server, signal, context: options.context };
    onBegin('launch');
    const rows = await (provider.check === undefined ? loggedOutRows : turnRows)(context, onBegin);
    return reportOf([installed, ...rows]);
  } finally {
    await server.remove();
  }
}

async function startServer(connection: EngineConnection, folder: OpenCheckFolder, signal: AbortSignal) {
  const { docker, engine } = connection;
  const { supportedLimits } = engine;
  const owner = { instance: folder.state.instance, runId: folder.id };
  const image = await ensureStubImage(connection, signal);
  return orEngineError(startModelServer({ docker, owner, image, supportedLimits, signal }));
}

/** The checks of a CLI whose model no stub replaces: it may not hang without a login. */
async function loggedOutRows(context: TurnContext): Promise<CheckRow[]> {
  const turn = await runTurn(context, { prompt: promptOf(newNonce()), key: '', isLoggedOut: true });
  const reason = 'it has no "check", the settings for a stub of its model';
  return [loggedOutRow(turn), ...turnChecks.slice(1).map(check => row(check, 'not checked', reason))];
}

const turnChecks = ['launch', 'tool call', 'key', 'resume', 'schema'] as const;

async function turnRows(context: TurnContext, onBegin: (check: CheckName) => void): Promise<CheckRow[]> {
  const { provider } = context;
  const { conversation, outputSchema, check } = provider;
  const nonce = newNonce();
  const key = newKey('valid');
  const first = await runTurn(context, {
    prompt: promptOf(nonce),
    key,
    artifacts: [answerFile, ...(conversation ? [conversationFile] : [])],
    ...(conversation && { change: plan => withScript(plan, keepConversation(conversation)) }),
  });
  const answer = first.kept(answerFile)?.toString() ?? null;
  const launched = launchRow(first);
  const called = toolCallRow(first, { nonce, answer, api: check!.api });
  if (called.status === 'failed') return [launched, called];
  onBegin('key');
  const refused = await runTurn(context, { prompt: promptOf(newNonce()), key: newKey('refused') });
  const rows = [launched, called, keyRow(refused, provider)];
  onBegin('resume');
  rows.push(
    conversation
      ? await checkResume(context, { first, nonce, key, conversation })
      : row('resume', 'not supported', 'it has no "conversation"'),
  );
  onBegin('schema');
  rows.push(
    outputSchema
      ? await checkSchema(context, { key, outputSchema })
      : row('schema', 'not supported', 'it has no "outputSchema"'),
  );
  return rows;
}

/** Run a second turn in a new container that has the conversation of the first one, and nothing else of it. */
async function checkResume(
  context: TurnContext,
  {
    first,
    nonce,
    key,
    conversation,
  }: { first: EndedTurn; nonce: string; key: string; conversation: Conversation },
): Promise<CheckRow> {
  const kept = first.kept(conversationFile);
  if (kept === null) return noConversationRow(conversation);
  const second = newNonce();
  const turn = await runTurn(context, {
    prompt: promptOf(second),
    key,
    args: conversation.args,
    files: { [conversationFile]: kept },
    change: plan => withScript(plan, continueConversation(conversation)),
  });
  return resumeRow(turn, { first: nonce, second, conversation });
}

async function checkSchema(
  context: TurnContext,
  { key, outputSchema }: { key: string; outputSchema: OutputSchema },
): Promise<CheckRow> {
  const nonce = newNonce();
  const turn = await runTurn(context, {
    prompt: promptOf(nonce),
    key,
    args: schemaArgs(outputSchema),
    ...(outputSchema.takes === 'file' && { files: { [schemaFile]: JSON.stringify(answerSchema) } }),
    // The field is in the JSON that the reader of reports replaces.
    ...(outputSchema.field !== null && { change: withRawOutput }),
  });
  return schemaRow(turn, { nonce, printed: turn.printed, outputSchema });
}

/** Return a key of this run; the stub refuses one with the word `refused`. */
const newKey = (kind: 'valid' | 'refused') => `sk-${kind}-${randomBytes(12).toString('hex')}`;

/** Add the checks that were not reached. */
const withRest = (rows: readonly CheckRow[]): CheckRow[] => [
  ...rows,
  ...turnChecks
    .filter(check => rows.every(done => done.check !== check))
    .map(check => row(check, 'not checked', 'an earlier check has failed')),
];
