/**
 * Globs of files in an untrusted tree. `*` is any part of a name, `**` any number of directories; both include names that
 * begin with a dot, as a protected directory would otherwise have a way in. A glob matches everything below what it names.
 */
export interface Globs {
  /** Return whether the path, or a directory above it, is matched. */
  matches(names: readonly string[]): boolean;
  /**
   * Return whether a link at this path could lead to files that are matched below the link, and not by their own names: a link
   * `fixtures` could, with the glob `fixtures/*.json`.
   */
  mayLeadTo(names: readonly string[]): boolean;
}

/** null is `**`. */
type Segment = RegExp | null;

/** Positions in the segments of a glob that a path has reached. */
type Reached = ReadonlySet<number>;

/** Compile globs; names are strings with a character for each byte, see `entry-name.ts`. */
export function globs(patterns: readonly string[]): Globs {
  const compiled = patterns.map(pattern => pattern.split('/').map(segmentOf));
  return {
    matches: names => compiled.some(segments => isMatched(segments, names)),
    mayLeadTo: names => compiled.some(segments => leadsBelow(segments, names)),
  };
}

function segmentOf(text: string): Segment {
  if (text === '**') return null;
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  const parts = bytes
    .split(/\*+/)
    .map(part => part.replace(/[^\w\x80-\xff]/g, character => `\\${character}`));
  return new RegExp(`^${parts.join('[^]*')}$`);
}

function isMatched(segments: readonly Segment[], names: readonly string[]): boolean {
  let reached = begin(segments);
  for (const name of names) {
    reached = step(segments, reached, name);
    if (reached.has(segments.length)) return true;
  }
  return false;
}

function leadsBelow(segments: readonly Segment[], names: readonly string[]): boolean {
  const first = begin(segments);
  const reached = names.reduce((at, name) => step(segments, at, name), first);
  return [...reached].some(position => !first.has(position) && position < segments.length);
}

const begin = (segments: readonly Segment[]): Reached => withEmpty(segments, [0]);

function step(segments: readonly Segment[], reached: Reached, name: string): Reached {
  const next = [...reached].flatMap(position => {
    const segment = segments[position];
    if (segment === undefined) return [];
    if (segment === null) return [position];
    return segment.test(name) ? [position + 1] : [];
  });
  return withEmpty(segments, next);
}

/** Add the positions behind a `**` that stands for no directory. */
function withEmpty(segments: readonly Segment[], positions: readonly number[]): Reached {
  const all = new Set(positions);
  for (const position of all) if (segments[position] === null) all.add(position + 1);
  return all;
}
