import { reachCurrent } from '../../connection/engine-connection.ts';
import { copyDefinition } from '../../provider-check/check-environment.ts';
import { createCheckFolder, hasLeftNothing, removeCheckFolder } from '../../provider-check/check-folder.ts';
import { checkProvider } from '../../provider-check/check-provider.ts';
import { type CheckReport, hasFailed } from '../../provider-check/check-report.ts';
import { findProvider } from '../../spec/user-providers.ts';
import { openStateDir, stateDirPath } from '../../store/state-directory.ts';
import { table } from '../../text/table.ts';
import { oneLine } from '../../text/text.ts';
import { type CommonOptions, printJson, printLine } from '../command.ts';

interface CheckOptions extends CommonOptions {
  readonly json: boolean;
}

/** Check a provider and print what works. Returns 1 if a check has failed. */
export async function runCheck(name: string, { json, stateDir, context }: CheckOptions): Promise<number> {
  const provider = await findProvider(name, process.env);
  const connection = await reachCurrent(undefined, { context: context ?? null });
  const signals = abortOnSignals();
  const folder = createCheckFolder(openStateDir(stateDirPath(stateDir, process.env)));
  let report: CheckReport | null = null;
  try {
    await copyDefinition(name, process.env, folder.home);
    report = await checkProvider(provider, {
      ...{ connection, folder, context: context ?? null, signal: signals.signal },
      onBegin: check => printLine(`checking ${provider.title}: ${check}`),
    });
  } catch (error) {
    if (signals.exitCode() === null) throw error;
  } finally {
    signals[Symbol.dispose]();
    const isClean = await hasLeftNothing(connection.docker, folder);
    // The outputs of failed checks stay, and without its instance nothing that is left could be removed.
    if (isClean && (report === null || !hasFailed(report))) removeCheckFolder(folder);
    folder[Symbol.dispose]();
    if (!isClean) printLine('not everything of the check could be removed. Run agent-flow cleanup');
  }
  if (report === null) {
    printLine('the check was interrupted');
    return signals.exitCode()!;
  }
  if (json) printJson(report);
  else process.stdout.write(`${checkTable(report)}\n`);
  return hasFailed(report) ? 1 : 0;
}

/** Format a report for people. Of a failed check it has the path of the output. */
export function checkTable({ provider, title, version, rows }: CheckReport): string {
  const transcripts = rows.flatMap(({ check, transcript }) =>
    transcript === null ? [] : [`output of ${check}: ${oneLine(transcript)}`],
  );
  const lines = table(rows.map(({ check, status, details }) => [check, status, details])).split('\n');
  const end = transcripts.length === 0 ? [] : ['', ...transcripts];
  return [
    `${[provider, version].filter(Boolean).join(' ')}, ${title}`,
    ...lines.map(line => `  ${line}`),
    ...end,
  ].join('\n');
}

const codes = { SIGINT: 130, SIGTERM: 143 } as const;

/** Abort a signal when this process is asked to end; the second time, exit at once. */
function abortOnSignals(): Disposable & {
  readonly signal: AbortSignal;
  /** Return the exit code of the signal; null if there was none. */
  exitCode(): number | null;
} {
  const controller = new AbortController();
  let code: number | null = null;
  const listeners = (['SIGINT', 'SIGTERM'] as const).map(name => {
    const listener = () => {
      if (code !== null) process.exit(code);
      code = codes[name];
      controller.abort(new Error(name));
    };
    process.on(name, listener);
    return { name, listener };
  });
  return {
    signal: controller.signal,
    exitCode: () => code,
    [Symbol.dispose]() {
      for (const { name, listener } of listeners) process.off(name, listener);
    },
  };
}
