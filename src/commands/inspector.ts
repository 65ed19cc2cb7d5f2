import { openStateDir, stateDirPath } from '../store/state-directory.ts';
import { type Command, type CommonOptions, printJson, printLine } from './command.ts';
import { findRun } from './find-agent.ts';
import { portOf } from './inspector/option.ts';

interface InspectorOptions extends CommonOptions {
  readonly run?: string;
  readonly port: string;
  readonly inspectWrite: boolean;
  readonly html?: string;
  readonly json: boolean;
}

export const inspector: Command = {
  options: yargs =>
    yargs
      .positional('run', { type: 'string', describe: 'Run id (default: latest)' })
      .option('port', {
        type: 'string',
        requiresArg: true,
        default: '0',
        describe: 'Port to listen on (default: any free port)',
      })
      .option('inspect-write', {
        type: 'boolean',
        default: false,
        describe: 'Allow input and decisions from the page',
      })
      .option('html', {
        type: 'string',
        requiresArg: true,
        describe: 'Write the page with the whole run to this file instead',
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print its address as one line of JSON' })
      .check(({ port, html, inspectWrite }) => {
        if (portOf(port) === null) throw new Error('--port must be a number from 0 to 65535');
        if (html !== undefined && inspectWrite)
          throw new Error('--inspect-write cannot be combined with --html');
        return true;
      })
      .example('$0 inspector', 'Open the latest run')
      .example('$0 inspector r4k2m9xq --html run.html', 'Export a run as one file'),

  async handler({ stateDir, run, port, inspectWrite, html, json }: InspectorOptions) {
    const state = openStateDir(stateDirPath(stateDir, process.env));
    const { folder } = findRun(state, run);
    const { inspectorOf, writeInspector } = await import('./inspector/open.ts');
    if (html !== undefined) {
      await writeInspector(folder, html);
      if (json) printJson({ runId: folder.runId, html });
      else printLine(`wrote ${folder.runId} to ${html}`);
      return 0;
    }
    const page = await inspectorOf({ port: portOf(port)!, mayWrite: inspectWrite });
    page.show(folder);
    if (json) printJson({ runId: folder.runId, url: page.url });
    else printLine(`inspector of ${folder.runId}: ${page.url} (press Ctrl-C to stop)`);
    await untilSignal();
    await page.close();
    return 0;
  },
};

/** Resolve at the first signal, and keep the process alive until then. */
async function untilSignal(): Promise<void> {
  const waiting = setInterval(() => {}, 2 ** 30);
  await new Promise<void>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  clearInterval(waiting);
}
