import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asStepError } from '../../machines/step-error.ts';
import type { Docker } from '../docker/cli.ts';
import { label } from '../docker/labels.ts';
import { baseImage, protocol } from '../images/base.ts';
import { contentHash } from '../images/content.ts';
import { type Image, inspectImage } from '../images/inspect.ts';
import { dockerTimeoutMs } from './docker.ts';
import { type Finding, ok, warn } from './finding.ts';

const check = 'base image';

/** Check the base image and its parent. */
export async function checkImages(docker: Docker, source: string): Promise<Finding[]> {
  const withTimeout: Docker = (args, options) => docker(args, { ...options, timeout: dockerTimeoutMs });
  const context = { docker: withTimeout, source };
  const parent = await parentOf(source);
  try {
    const [content, base, parentImage] = await Promise.all([
      contentHash(source),
      inspectImage(baseImage, context),
      inspectImage(parent, context),
    ]);
    const finding = baseFinding(base, content);
    return [finding, await parentFinding(docker, parent, parentImage !== null, finding.status === 'ok')];
  } catch (error) {
    return [warn(check, asStepError(error).message, `run docker image inspect ${baseImage} to see why`)];
  }
}

function baseFinding(base: Image | null, content: string): Finding {
  const rebuild = 'run agent-flow build, or let the next run build it';
  if (base === null) return warn(check, `${baseImage} does not exist yet`, rebuild);
  const { labels, id } = base;
  if (labels[label.protocol] !== protocol)
    return warn(check, `${baseImage} does not implement protocol ${protocol} of this version`, rebuild);
  if (labels[label.content] === undefined) return ok(check, `${baseImage}, built by hand and used as is`);
  if (labels[label.content] !== content)
    return warn(check, `${baseImage} was built by another version`, rebuild);
  return ok(check, `${baseImage}, current (${id.replace('sha256:', '').slice(0, 12)})`);
}

async function parentFinding(
  docker: Docker,
  name: string,
  exists: boolean,
  isBaseCurrent: boolean,
): Promise<Finding> {
  const check = 'parent image';
  if (exists) return ok(check, `${name} exists`);
  if (isBaseCurrent) return ok(check, `${name} does not exist; the next build needs it`);
  // Reads the manifest only: nothing is pulled.
  const result = await docker(['manifest', 'inspect', name], { timeout: dockerTimeoutMs });
  if (result.ok) return ok(check, `${name} does not exist, but can be pulled`);
  return warn(
    check,
    `${name} does not exist and was not found in a registry`,
    `run docker pull ${name} to see why; without a registry, run scripts/base-images of a checkout`,
  );
}

async function parentOf(source: string): Promise<string> {
  const dockerfile = await readFile(join(source, 'Dockerfile'), 'utf8');
  return /^ARG BASE_IMAGE=(\S+)/m.exec(dockerfile)?.[1] ?? 'node:22-slim';
}
