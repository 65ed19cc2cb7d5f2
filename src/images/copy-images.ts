import { constants } from 'node:os';
import { dockerError } from '../docker/classify-error.ts';
import type { Docker } from '../docker/cli.ts';
import type { CallEnd, Recorder } from '../docker/recorder.ts';
import { pipeBetween } from '../docker/stream.ts';
import { inspectImage } from './inspect.ts';

/** A docker client of an engine. */
export interface ImageStore {
  readonly docker: Docker;
  readonly recorder: Recorder;
}

/** Images by their names. An id is equal on all engines that store images in the same way. */
export type ImageIds = Readonly<Record<string, string>>;

/**
 * Copy those images to another engine that it does not have under the same name and id. Returns the names of the copied ones.
 * They are streamed: neither this process nor its disk holds one.
 */
export async function copyImages(
  ids: ImageIds,
  { from, to, timeout }: { readonly from: ImageStore; readonly to: ImageStore; readonly timeout: number },
): Promise<string[]> {
  const found = await Promise.all(
    Object.entries(ids).map(async ([name, id]) => {
      const image = await inspectImage(name, { docker: to.docker, source: '' });
      return image?.id === id ? [] : [name];
    }),
  );
  const missing = found.flat();
  if (missing.length === 0) return [];
  const save = ['save', '--', ...missing];
  const load = ['load', '--quiet'];
  const { sent, received } = await pipeBetween(
    { recorder: from.recorder, args: save },
    { recorder: to.recorder, args: load },
    { timeout },
  );
  const names = missing.join(' and ');
  // The other command fails with the first one.
  if (isOwnFailure(sent)) throw dockerError({ ...sent, args: save }, { operation: `save ${names}` });
  if (!received.ok) throw dockerError({ ...received, args: load }, { operation: `load ${names}` });
  if (!sent.ok) throw dockerError({ ...sent, args: save }, { operation: `save ${names}` });
  return missing;
}

/** A command that is killed since nothing reads its output any more has no exit code. */
const isOwnFailure = ({ ok, exitCode, stderr }: CallEnd) =>
  !ok && exitCode !== null && exitCode !== brokenPipe && !/broken pipe|EPIPE|connection reset/i.test(stderr);

/** The exit code of a shell whose command was ended by SIGPIPE. */
const brokenPipe = 128 + constants.signals.SIGPIPE;
