/** Just enough of the grammar of Mermaid to detect a broken drawing: return what was found, or throw at the first wrong line. */

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

function refuse(line: string): never {
  throw new Error(`this is not a line of a drawing: ${line}`);
}
