/**
 * Just enough of two grammars to tell a drawing from a broken one. Each returns what it found, or throws at the first
 * line that is none.
 */

export interface Found {
  readonly nodes: ReadonlyMap<string, string>;
  readonly edges: readonly { readonly from: string; readonly to: string; readonly label: string }[];
}

/** What Mermaid shows of `#34;`. Nothing else may stand in a label that could end it. */
const shown = (label: string) => label.replace(/#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)));
const label = String.raw`(?:[^"#;:<>{}|\`\\]|#\d+;)*`;

const mermaidLines: readonly RegExp[] = [
  /^stateDiagram-v2$|^flowchart LR$/,
  /^%% [^%{}]*$/,
  new RegExp(`^state (?:"(?<label>${label})" as )?(?<node>\\w+)(?: \\{)?$`),
  new RegExp(`^(?<node>n\\d+)\\["(?<label>${label})"\\]$`),
  new RegExp(`^(?<from>\\w+|\\[\\*\\]) --> (?<to>\\w+|\\[\\*\\])(?: : (?<label>${label}))?$`),
  /^\}$/,
  /^classDef \w+ fill:#\w{6},stroke:#\w{6},color:#000$/,
  /^class \w+(,\w+)* \w+$/,
];

export function readMermaid(text: string): Found {
  const nodes = new Map<string, string>();
  const edges: { from: string; to: string; label: string }[] = [];
  let depth = 0;
  for (const line of text
    .trimEnd()
    .split('\n')
    .map(line => line.trim())) {
    const { groups } =
      mermaidLines.map(pattern => pattern.exec(line)).find(found => found !== null) ?? refuse(line);
    depth += Number(line.startsWith('state ') && line.endsWith('{')) - Number(line === '}');
    if (groups?.node) nodes.set(groups.node, shown(groups.label ?? groups.node));
    if (groups?.from) edges.push({ from: groups.from, to: groups.to!, label: shown(groups.label ?? '') });
  }
  if (depth !== 0) throw new Error('a box is not closed');
  return { nodes, edges };
}

const string = String.raw`"(?:[^"\\\n]|\\["\\])*"`;
const attributes = String.raw`(?: \[(?<attributes>(?:\w+=(?:${string}|[\w.]+) ?)*)\])?`;
const dotLines: readonly RegExp[] = [
  new RegExp(`^digraph ${string} \\{$`),
  new RegExp(`^(?:graph|node|edge)${attributes}$`),
  new RegExp(`^subgraph ${string} \\{$`),
  new RegExp(`^label=${string}(?: \\w+=${string})*$`),
  new RegExp(`^(?<from>${string}) -> (?<to>${string})${attributes}$`),
  new RegExp(`^(?<node>${string})${attributes}$`),
  /^\}$/,
];

export function readDot(text: string): Found {
  const nodes = new Map<string, string>();
  const edges: { from: string; to: string; label: string }[] = [];
  let depth = 0;
  for (const line of text
    .trimEnd()
    .split('\n')
    .map(line => line.trim())) {
    const { groups } =
      dotLines.map(pattern => pattern.exec(line)).find(found => found !== null) ?? refuse(line);
    depth += Number(line.endsWith('{')) - Number(line === '}');
    const [, label = '""'] = new RegExp(`\\blabel=(${string})`).exec(groups?.attributes ?? '') ?? [];
    if (groups?.node) nodes.set(unquoted(groups.node), unquoted(label));
    if (groups?.from)
      edges.push({ from: unquoted(groups.from), to: unquoted(groups.to!), label: unquoted(label) });
  }
  if (depth !== 0) throw new Error('a brace is not closed');
  return { nodes, edges };
}

const unquoted = (text: string) =>
  text
    .slice(1, -1)
    .replace(/\\(["\\])/g, '$1')
    .replaceAll('&amp;', '&');

function refuse(line: string): never {
  throw new Error(`this is no line of a drawing: ${line}`);
}
