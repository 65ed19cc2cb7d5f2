import { type Build, buildImage } from './build.ts';
import { type Image, type ImageContext, inspectImage } from './inspect.ts';
import { buildArgs } from './layer.ts';

export interface Derived extends Omit<Build, 'args'> {
  /** The image that it is built FROM, by its id. */
  readonly from: string;
  readonly args: Readonly<Record<string, string>>;
  readonly options: readonly string[];
}

/** An image that is another one with something on it, built where it is not there by its tag. */
export async function ensureDerived(derived: Derived, context: ImageContext): Promise<Image> {
  const { from, args, options, ...build } = derived;
  const { tag } = build;
  const found = await inspectImage(tag, context);
  if (found) return found;
  // BuildKit's FROM takes no id.
  const ground = `tmux-agents-layer:ground-${tag.split(':')[1]}`;
  const tagged = await context.docker(['tag', from, ground], { changes: true });
  const all = [...options, ...buildArgs({ IMAGE: tagged.ok ? ground : from, ...args })];
  try {
    return await buildImage({ ...build, args: all }, context);
  } finally {
    await context.docker(['rmi', '--no-prune', ground], { timeout: 60_000, changes: true });
  }
}
