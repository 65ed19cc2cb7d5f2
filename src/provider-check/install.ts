import { join } from 'node:path';
import { asStepError } from '../../machines/step-error.ts';
import type { EngineConnection } from '../connection/engine-connection.ts';
import { EngineError } from '../errors.ts';
import { ensureBaseImage } from '../images/base.ts';
import type { ImageContext } from '../images/inspect.ts';
import { ensureProvider } from '../images/provider.ts';
import { ensureServiceImage } from '../images/service-image.ts';
import { packageFolder } from '../package.ts';
import type { Provider } from '../providers/provider.ts';
import { formatDuration } from '../text/duration.ts';
import { type CheckRow, row } from './check-report.ts';
import { orEngineError } from './engine-failure.ts';

const buildTimeoutMs = 30 * 60_000;

const contextOf = ({ docker }: EngineConnection, signal: AbortSignal): ImageContext => ({
  docker,
  source: join(packageFolder, 'docker'),
  signal,
});

/** Install the CLI as a run does. Throws an `EngineError` if Docker fails, and not the installation. */
export async function installRow(
  provider: Provider,
  connection: EngineConnection,
  signal: AbortSignal,
): Promise<CheckRow> {
  const context = contextOf(connection, signal);
  const base = await orEngineError(ensureBaseImage('base', buildTimeoutMs, context));
  const start = performance.now();
  try {
    const image = await ensureProvider(base.id, provider, buildTimeoutMs, context);
    const time = formatDuration(performance.now() - start);
    return row('install', 'ok', `${image.tags[0] ?? image.id} (${time})`);
  } catch (error) {
    const { kind, message } = asStepError(error);
    if (kind === 'image' || kind === 'timeout') return row('install', 'failed', message);
    throw new EngineError(message, { cause: error });
  }
}

/** Find or build the image of the stub. Returns its id. */
export async function ensureStubImage(connection: EngineConnection, signal: AbortSignal): Promise<string> {
  const build = ensureServiceImage('model-stub', buildTimeoutMs, contextOf(connection, signal));
  return (await orEngineError(build)).id;
}
