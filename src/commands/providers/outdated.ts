import PQueue from 'p-queue';
import type { Provider } from '../../providers/provider.ts';
import { table } from '../../text/table.ts';
import { isNewer, type NewestRelease, newestRelease } from './newest-release.ts';

/** The release of a CLI that agent-flow installs, beside the newest one. */
export interface ReleaseRow {
  readonly name: string;
  readonly npm: string;
  readonly version: string;
  readonly newest: string | null;
  /** When the newest release was published, as an ISO 8601 time. */
  readonly published: string | null;
  readonly isOutdated: boolean;
  /** Why the newest release is unknown. */
  readonly error: string | null;
}

const timeoutMs = 30_000;
const maxProcesses = 4;

/** Compare each CLI that is installed by npm with its newest release. A failed look-up is reported in its row. */
export async function releaseRows(
  providers: readonly Provider[],
  lookUp: (npm: string, timeout: number) => Promise<NewestRelease> = newestRelease,
): Promise<ReleaseRow[]> {
  const queue = new PQueue({ concurrency: maxProcesses });
  const rows = providers.map(({ name, install }) =>
    'npm' in install ? [queue.add(() => releaseRow(name, install, lookUp))] : [],
  );
  return Promise.all(rows.flat());
}

async function releaseRow(
  name: string,
  { npm, version }: { readonly npm: string; readonly version: string },
  lookUp: typeof newestRelease,
): Promise<ReleaseRow> {
  try {
    const { version: newest, published } = await lookUp(npm, timeoutMs);
    return { name, npm, version, newest, published, isOutdated: isNewer(newest, version), error: null };
  } catch (error) {
    const reason = (error as Error).message;
    return { name, npm, version, newest: null, published: null, isOutdated: false, error: reason };
  }
}

/** Format the rows as a table for people. */
export const releaseTable = (rows: readonly ReleaseRow[]): string =>
  table([
    ['PROVIDER', 'PACKAGE', 'RELEASE', 'NEWEST', 'PUBLISHED', 'OUTDATED'],
    ...rows.map(({ name, npm, version, newest, published, isOutdated }) => [
      name,
      npm,
      version,
      newest ?? 'unknown',
      published?.slice(0, 10) ?? 'unknown',
      newest === null ? 'unknown' : yesOrNo(isOutdated),
    ]),
  ]);

const yesOrNo = (is: boolean) => (is ? 'yes' : 'no');
