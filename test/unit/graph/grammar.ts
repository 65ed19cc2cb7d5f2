// A subset of the grammar of Mermaid, sufficient to detect a broken drawing.

export interface ParsedDrawing {
  readonly nodes: ReadonlyMap<string, string>;
  readonly edges: readonly { readonly from: string; readonly to: string; readonly label: string }[];
}

/** Decode entities such as `#34;`, the only form in which a label may contain a character that would end it. */
const decodeEntities = (label: string) =>
  label.replace(/#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)));
const label = String.raw`(?:[^"#;:<>{}|\`\\]|#\d+;)*`;

const mermaidLines: readonly RegExp[] = [
  /^stateDiagram-v2$|^flowchart LR$/,
  /^%% [^%{}]*$/,
  new RegExp(`^state (?:"(?<label>${label})" as )?(?<node>\\w+)(?: \\{)?$`),
  new RegExp(`^(?<node>n\\d+)\\["(?<label>${label})"\\]$`),
  new RegExp(`^(?<from>\\w+|\\[\\*\\]) --> (?<to>\\w+|\\[\\*\\])(?: : (?<label>${label}))?$`),
  new RegExp(`^(?<from>n\\d+) -->\\|"(?<label>${label})"\\| (?<to>n\\d+)$`),
  /^\}$/,
  /^classDef \w+ fill:#\w{6},stroke:#\w{6},color:#000$/,
  /^class \w+(,\w+)* \w+$/,
];

/** Return the nodes and edges of a drawing, and throw at the first invalid line. */
export function readMermaid(text: string): ParsedDrawing {
  const nodes = new Map<string, string>();
  const edges: { from: string; to: string; label: string }[] = [];
  let depth = 0;
  for (const line of text
    .trimEnd()
    .split('\n')
    .map(line => line.trim())) {
    const { groups } =
      mermaidLines.map(pattern => pattern.exec(line)).find(match => match !== null) ?? refuse(line);
    depth += Number(line.startsWith('state ') && line.endsWith('{')) - Number(line === '}');
    if (groups?.node) nodes.set(groups.node, decodeEntities(groups.label ?? groups.node));
    if (groups?.from)
      edges.push({ from: groups.from, to: groups.to!, label: decodeEntities(groups.label ?? '') });
  }
  if (depth !== 0) throw new Error('unclosed state');
  return { nodes, edges };
}

function refuse(line: string): never {
  throw new Error(`not a valid line of a drawing: ${line}`);
}
