import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asStepError } from '../../machines/step-error.ts';
import type { Docker } from '../docker/cli.ts';
import { label, protocol } from '../docker/labels.ts';
import { baseImage } from '../images/base.ts';
import { contentHash } from '../images/content.ts';
import { type Image, inspectImage } from '../images/inspect.ts';
import { patience } from './docker.ts';
import { type Finding, ok, warn } from './finding.ts';

const check = 'base image';

/** The image of agents, and what it is built on. */
export async function checkImages(docker: Docker, source: string): Promise<Finding[]> {
  const hurried: Docker = (args, options) => docker(args, { ...options, timeout: patience });
  const context = { docker: hurried, source };
  const parent = await parentOf(source);
  try {
    const [content, base, below] = await Promise.all([
      contentHash(source),
      inspectImage(baseImage, context),
      inspectImage(parent, context),
    ]);
    const finding = baseFinding(base, content);
    return [finding, await parentFinding(docker, parent, below !== null, finding.status === 'ok')];
  } catch (error) {
    return [warn(check, asStepError(error).message, `docker image inspect ${baseImage} says more`)];
  }
}

function baseFinding(base: Image | null, content: string): Finding {
  const rebuild = 'agent-flow build, or leave it to the next run';
  if (base === null) return warn(check, `${baseImage} is not there yet`, rebuild);
  const { labels, id } = base;
  if (labels[label.protocol] !== protocol)
    return warn(check, `${baseImage} does not speak this version's protocol (${protocol})`, rebuild);
  if (labels[label.content] === undefined) return ok(check, `${baseImage}, built by hand, so used as it is`);
  if (labels[label.content] !== content)
    return warn(check, `${baseImage} is not what this version builds`, rebuild);
  return ok(check, `${baseImage}, current (${id.replace('sha256:', '').slice(0, 12)})`);
}

async function parentFinding(
  docker: Docker,
  name: string,
  isHere: boolean,
  isIdle: boolean,
): Promise<Finding> {
  const below = 'what it is built on';
  if (isHere) return ok(below, `${name} is here`);
  if (isIdle) return ok(below, `${name} is not here, and not needed until the next build`);
  // Asks for its description only: nothing is pulled.
  const answer = await docker(['manifest', 'inspect', name], { timeout: patience });
  if (answer.ok) return ok(below, `${name} is not here, but can be pulled`);
  return warn(
    below,
    `${name} is not here, and no registry has told of it`,
    `docker pull ${name} says why; where no registry can be reached, scripts/base-images of the sources makes it`,
  );
}

async function parentOf(source: string): Promise<string> {
  const dockerfile = await readFile(join(source, 'Dockerfile'), 'utf8');
  return /^ARG BASE_IMAGE=(\S+)/m.exec(dockerfile)?.[1] ?? 'node:22-slim';
}
