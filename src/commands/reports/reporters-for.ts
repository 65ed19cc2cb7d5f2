import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { UsageError } from '../../errors.ts';
import { eventsFile } from './events-file.ts';
import { githubActions } from './github-actions.ts';
import { htmlFile } from './html-file.ts';
import { junitFile } from './junit-file.ts';
import type { Reporter } from './reporter.ts';

export interface ReportOptions {
  /** File for JUnit XML. */
  readonly junit?: string | undefined;
  /** File for the events, one per line; `-` is stdout. */
  readonly events?: string | undefined;
  /** File for the inspector of the run. */
  readonly html?: string | undefined;
  /** File of the spec, which reports must not overwrite. */
  readonly spec?: string | undefined;
  /** True if stdout is used for the result. */
  readonly json: boolean;
}

export interface ReportSinks {
  readonly stdout: Writable;
  readonly printLine: (line: string) => void;
  /** Return the inspector of a run as one page. */
  readonly renderHtml?: (runId: string) => Promise<string>;
}

/** Return the reporters that options and environment ask for. Throw a `UsageError` if one cannot be opened. */
export function reportersFor(
  { spec, junit, events, html, json }: ReportOptions,
  env: NodeJS.ProcessEnv,
  { stdout, printLine, renderHtml = async () => '' }: ReportSinks,
): readonly Reporter[] {
  if (events === '-' && json)
    throw new UsageError('--events - and --json both write to stdout: give --events a file');
  const files = { spec, '--junit': junit, '--html': html, '--events': events === '-' ? undefined : events };
  const taken = new Map<string, string>();
  for (const [what, file] of Object.entries(files)) {
    if (file === undefined) continue;
    const before = taken.get(resolve(file));
    if (before !== undefined)
      throw new UsageError(`${what} and ${before} are the same file: ${file}. Name another file`);
    taken.set(resolve(file), what === 'spec' ? 'the spec' : what);
  }
  return [
    ...(junit === undefined ? [] : [junitFile(junit)]),
    ...(html === undefined ? [] : [htmlFile(html, renderHtml)]),
    ...(events === undefined ? [] : [eventsFile(events, stdout)]),
    ...(env.GITHUB_ACTIONS === 'true' ? [githubActions(env.GITHUB_STEP_SUMMARY || null, printLine)] : []),
  ];
}
