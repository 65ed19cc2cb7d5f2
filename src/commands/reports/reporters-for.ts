import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { UsageError } from '../../errors.ts';
import { eventsFile } from './events-file.ts';
import { githubActions } from './github-actions.ts';
import { htmlFile } from './html-file.ts';
import { junitFile } from './junit-file.ts';
import type { Reporter } from './reporter.ts';

export interface ReportOptions {
  /** Where to write JUnit XML. */
  readonly junit?: string | undefined;
  /** Where to write the events, one a line; `-` is stdout. */
  readonly events?: string | undefined;
  /** Where to write the whole inspector of the run. */
  readonly html?: string | undefined;
  /** What is run, where that is a file: reports are not written over it. */
  readonly spec?: string | undefined;
  /** stdout is taken by the result. */
  readonly json: boolean;
}

export interface ReportWays {
  readonly stdout: Writable;
  readonly say: (line: string) => void;
  /** Return the inspector of a run as one page. */
  readonly renderHtml?: (runId: string) => Promise<string>;
}

/** Who is told of a run, by what was asked for and where it runs. Throws a `UsageError` before anything is started. */
export function reportersFor(
  { spec, junit, events, html, json }: ReportOptions,
  env: NodeJS.ProcessEnv,
  { stdout, say, renderHtml = async () => '' }: ReportWays,
): readonly Reporter[] {
  if (events === '-' && json)
    throw new UsageError('--events - and --json both write to stdout: give --events a file');
  const files = { spec, '--junit': junit, '--html': html, '--events': events === '-' ? undefined : events };
  const taken = new Map<string, string>();
  for (const [what, file] of Object.entries(files)) {
    if (file === undefined) continue;
    const before = taken.get(resolve(file));
    if (before !== undefined)
      throw new UsageError(`${what} and ${before} are one file: ${file}. Name another`);
    taken.set(resolve(file), what === 'spec' ? 'the spec' : what);
  }
  return [
    ...(junit === undefined ? [] : [junitFile(junit)]),
    ...(html === undefined ? [] : [htmlFile(html, renderHtml)]),
    ...(events === undefined ? [] : [eventsFile(events, stdout)]),
    ...(env.GITHUB_ACTIONS === 'true' ? [githubActions(env.GITHUB_STEP_SUMMARY || null, say)] : []),
  ];
}
