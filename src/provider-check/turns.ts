import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../errors.ts';
import type { CheckSetup, Provider } from '../providers/provider.ts';
import { runFlow } from '../run/run-flow.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { readFile, statFile } from '../store/state-files.ts';
import { plainText } from '../text/text.ts';
import { checkEnvironment } from './check-environment.ts';
import type { OpenCheckFolder } from './check-folder.ts';
import { agentName, type CheckTurn, checkPlan, checkSpec } from './check-spec.ts';
import type { ModelServer } from './model-server.ts';
import { infrastructureFailure, type TurnEnd } from './turn-end.ts';

/** The dependencies of the turns of a check. */
export interface TurnContext {
  readonly provider: Provider;
  readonly folder: OpenCheckFolder;
  readonly server: ModelServer;
  readonly signal: AbortSignal;
  /** The docker context of the engine; null for the one that docker reaches. */
  readonly context: string | null;
}

/** The files that a turn has kept, by name. */
type Kept = (name: string) => Buffer | null;

export interface EndedTurn extends TurnEnd {
  readonly kept: Kept;
  /** Its whole output as plain text. */
  readonly printed: string;
}

interface TurnOptions extends Omit<CheckTurn, 'network' | 'files'> {
  readonly key: string;
  /** Files for the workspace. */
  readonly files?: Readonly<Record<string, Buffer | string>>;
  /** Change the plan of the spec. */
  readonly change?: (plan: FlowPlan) => FlowPlan;
}

/**
 * Run the CLI once, on the way that `agent-flow run` takes, with nothing of the environment and the home of the caller.
 *
 * @throws EngineError if Docker has failed, or the check was interrupted
 */
export async function runTurn(context: TurnContext, options: TurnOptions): Promise<EndedTurn> {
  const { provider, folder, server, signal } = context;
  const { key, files, change = plan => plan, ...turn } = options;
  const before = (await server.observed()).length;
  const path = files === undefined ? null : writeFiles(folder, files);
  const env = environmentOf(provider.check, { url: server.url, key, home: folder.home });
  const spec = checkSpec(provider, { ...turn, files: path, network: server.network });
  const plan = change(await checkPlan(spec, { env, folder: folder.path }));
  const target = context.context === null ? {} : { target: { context: context.context } };
  const result = await runFlow({ ...plan, ...target }, { env, stateDir: folder.state.path, signal });
  signal.throwIfAborted();
  const agent = result.agents[agentName]!;
  const printed = agent.transcript === null ? '' : plainText(readFile(agent.transcript));
  const seen = (await server.observed()).slice(before);
  const end = { agent, seen, printed, lines: printed.split('\n').slice(-50) };
  const problem = infrastructureFailure(end);
  if (problem !== null) throw new EngineError(problem);
  const artifacts = agent.artifacts;
  const kept: Kept = name => {
    const found = artifacts.find(artifact => artifact.endsWith(`/${name}`));
    return found !== undefined && statFile(found)?.isFile() ? readFile(found) : null;
  };
  return { ...end, kept };
}

const environmentOf = (
  check: CheckSetup | undefined,
  values: Parameters<typeof checkEnvironment>[1],
): Record<string, string> => checkEnvironment(check ?? { api: 'chat', env: {} }, values);

function writeFiles({ path }: OpenCheckFolder, files: NonNullable<TurnOptions['files']>): string {
  const folder = mkdtempSync(join(path, 'files-'));
  // An agent may run as another user.
  chmodSync(folder, 0o755);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}
