import { useMemo } from 'preact/hooks';
import { colours } from '../../graph/colours.ts';
import type { Mark } from '../../graph/drawing.ts';
import { type Bounds, holdsOthers, type Layout, outermostFirst, pathData } from '../../graph/positioned.ts';
import { memo } from './memo.ts';

type Arrow = Layout['arrows'][number];
type Box = Layout['boxes'][number];

interface ChartProps {
  readonly drawn: Layout;
  readonly label: string;
  mark(id: string): Mark | null;
  /** A second line in a box. */
  detail?(id: string): string;
  /** Whether a box is an approval. */
  isApproval?(id: string): boolean;
  /** Link of a box. */
  href?(id: string): string;
  /** Indices of the arrows that were taken, and of the last one. */
  readonly taken?: ReadonlySet<number>;
  readonly last?: number | null;
}

/** Pixels below which a chart is not enlarged to the width of its place. */
const smallWidth = 500;

/** Render a layout as SVG: names are text, never markup. */
export function Chart({ drawn, label, mark, detail, isApproval, href, taken, last = null }: ChartProps) {
  const { kind, width, height, boxes, arrows } = drawn;
  const order = useMemo(
    () => outermostFirst(boxes).map(box => ({ box, isFrame: holdsOthers(box, boxes) })),
    [boxes],
  );
  const links = href ? 'group' : 'img';
  return (
    <svg
      class={`chart ${kind}${width < smallWidth ? ' small' : ''}`}
      role={links}
      aria-label={label}
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
    >
      <defs>
        {looks.map(look => (
          <marker
            key={look}
            id={`tip-${kind}-${look}`}
            class={`tip ${look}`}
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="7"
            markerHeight="7"
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path d="M0,0L8,4L0,8z" />
          </marker>
        ))}
      </defs>
      {order.map(({ box, isFrame }) => (
        <Node
          key={box.id}
          box={box}
          isFrame={isFrame}
          mark={mark(box.id)}
          detail={detail?.(box.id)}
          isApproval={isApproval?.(box.id) ?? false}
          href={href?.(box.id)}
        />
      ))}
      <Ways arrows={arrows} kind={kind} taken={taken} last={last} />
    </svg>
  );
}

const looks = ['plain', 'taken', 'last'] as const;

interface WaysProps {
  readonly arrows: readonly Arrow[];
  readonly kind: Layout['kind'];
  readonly taken: ReadonlySet<number> | undefined;
  readonly last: number | null;
}

/** Draw arrows that were taken above the others. */
const Ways = memo(({ arrows, kind, taken, last }: WaysProps) => {
  const lookOf = (index: number) => (index === last ? 'last' : taken?.has(index) ? 'taken' : 'plain');
  return (
    <>
      {arrows
        .map((arrow, index) => ({ arrow, index, look: lookOf(index) as (typeof looks)[number] }))
        .toSorted((a, b) => looks.indexOf(a.look) - looks.indexOf(b.look))
        .map(({ arrow, index, look }) => (
          <Way key={index} arrow={arrow} kind={kind} look={look} />
        ))}
    </>
  );
});

interface NodeProps {
  readonly box: Box & Bounds;
  readonly isFrame: boolean;
  readonly mark: Mark | null;
  readonly detail: string | undefined;
  readonly isApproval: boolean;
  readonly href: string | undefined;
}

const Node = memo(({ box, isFrame, mark, detail, isApproval, href }: NodeProps) => {
  const { id, x, y, width, height, label, isFinal } = box;
  const paint =
    mark && isFrame
      ? { stroke: colours[mark].line }
      : mark
        ? { fill: colours[mark].fill, stroke: colours[mark].line }
        : {};
  const middle = isFrame ? y + 19 : y + height / 2;
  const content = (
    <>
      <rect x={x} y={y} width={width} height={height} rx={isApproval ? height / 2 : 6} {...paint} />
      {isFinal && <rect x={x + 3} y={y + 3} width={width - 6} height={height - 6} rx={4} class="inner" />}
      <text x={x + width / 2} y={detail === undefined ? middle : middle - 9}>
        {shortened(label, 32)}
      </text>
      {detail !== undefined && (
        <text class="detail" x={x + width / 2} y={middle + 9}>
          {shortened(detail, 40)}
        </text>
      )}
      {(label.length > 32 || (detail?.length ?? 0) > 40 || href === undefined) && (
        <title>{detail === undefined ? label : `${label}: ${detail}`}</title>
      )}
    </>
  );
  const classes = `box ${isFrame ? 'frame' : mark ? `marked ${mark}` : 'plain'}`;
  return href === undefined ? (
    <g class={classes} data-state={id} data-mark={mark}>
      {content}
    </g>
  ) : (
    <a class={classes} href={href} data-agent={id} data-mark={mark}>
      {content}
    </a>
  );
});

interface WayProps {
  readonly arrow: Arrow;
  readonly kind: Layout['kind'];
  readonly look: string;
}

function Way({ arrow, kind, look }: WayProps) {
  const d = pathData(arrow, kind);
  return (
    <g class={`way ${look}`} data-from={arrow.from} data-to={arrow.to}>
      <path class="line" d={d} marker-end={`url(#tip-${kind}-${look})`} />
      <path class="reach" d={d}>
        <title>{`${arrow.from} → ${arrow.to}${arrow.label && `: ${arrow.label}`}`}</title>
      </path>
    </g>
  );
}

const shortened = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
