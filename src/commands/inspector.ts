import { openStateDir, stateDirPath } from '../store/state-directory.ts';
import { type Command, type CommonOptions, printJson, say } from './command.ts';
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
  usage: 'inspector [run]',
  describe: 'show a run on a local page, live or again',
  options: yargs =>
    yargs
      .positional('run', { type: 'string', describe: 'the newest, where none is named' })
      .option('port', { type: 'string', requiresArg: true, default: '0', describe: '0 is any that is free' })
      .option('inspect-write', {
        type: 'boolean',
        default: false,
        describe: 'whoever looks may type into the terminals',
      })
      .option('html', {
        type: 'string',
        requiresArg: true,
        describe: 'write the page with all of the run to this file instead',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print where it is as one line of JSON' })
      .check(({ port, html, inspectWrite }) => {
        if (portOf(port) === null) throw new Error('--port takes a number up to 65535');
        if (html !== undefined && inspectWrite)
          throw new Error('a file cannot be typed into: leave --inspect-write out');
        return true;
      })
      .example('$0 inspector', 'the newest run, as it goes on')
      .example('$0 inspector r4k2m9xq --html run.html', 'to keep, or to send'),

  async handler({ stateDir, run, port, inspectWrite, html, json }: InspectorOptions) {
    const state = openStateDir(stateDirPath(stateDir, process.env));
    const { folder } = findRun(state, run);
    const { inspectorOf, writeInspector } = await import('./inspector/open.ts');
    if (html !== undefined) {
      await writeInspector(folder, html);
      if (json) printJson({ runId: folder.runId, html });
      else say(`wrote ${folder.runId} to ${html}`);
      return 0;
    }
    const page = await inspectorOf({ port: portOf(port)!, mayType: inspectWrite });
    page.show(folder);
    if (json) printJson({ runId: folder.runId, url: page.url });
    else say(`inspector of ${folder.runId}: ${page.url} (Ctrl-C ends it)`);
    await asked();
    await page.close();
    return 0;
  },
};

/** Resolves at the first signal; keeps the process alive until then. */
async function asked(): Promise<void> {
  const waiting = setInterval(() => {}, 2 ** 30);
  await new Promise<void>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  clearInterval(waiting);
}
