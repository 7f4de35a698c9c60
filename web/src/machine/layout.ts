/** Where everything of a machine's picture goes. Knows any machine, cyclic ones too, and nothing of drawing. */
import { type EdgeLabel, Graph, type GraphLabel, type NodeLabel, layout } from '@dagrejs/dagre';
import type { MachineState } from './machine';

export const BOX = { width: 136, height: 92 } as const;

/** Between an arrow and its name. */
const GAP = 4;

/** The point where everything begins, which is no state. */
const START = '[*]';

/** What tells the arrows of a machine apart; `from` is null for the one by which something begins. */
export interface Arrow {
  readonly from: string | null;
  readonly event: string;
  readonly to: string;
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly {
    readonly state: MachineState;
    readonly x: number;
    readonly y: number;
  }[];
  readonly arrows: readonly (Arrow & {
    /** For an SVG path, or a CSS one. */
    readonly path: string;
    /** Where the middle of its name is: beside the path, which stays to be seen. */
    readonly label: Point;
  })[];
  /** Where things begin. */
  readonly start: Point;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * @param beginning the event by which something begins
 * @param direction from left to right, or from top to bottom
 */
export function draw(
  states: readonly MachineState[],
  beginning: string,
  direction: 'LR' | 'TB',
): Picture {
  const arrows: Arrow[] = states.flatMap(({ phase, initial, transitions }) => [
    ...(initial ? [{ from: null, event: beginning, to: phase }] : []),
    ...transitions.map(({ event, to }) => ({ from: phase, event, to })),
  ]);
  const graph = new Graph<GraphLabel, NodeLabel, EdgeLabel>({ multigraph: true });
  graph.setGraph({
    rankdir: direction,
    nodesep: 84,
    ranksep: 44,
    edgesep: 40,
    marginx: 16,
    marginy: 16,
  });
  graph.setNode(START, { width: 18, height: 18 });
  for (const { phase } of states) graph.setNode(phase, { ...BOX });
  // Above an arrow that goes to the right, and to the right of one that goes down.
  const labelpos = direction === 'LR' ? 'l' : 'r';
  for (const { from, event, to } of arrows) {
    graph.setEdge(from ?? START, to, { ...sizeOf(event), labelpos, labeloffset: GAP }, event);
  }
  layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  return {
    width,
    height,
    start: place(graph.node(START)),
    boxes: states.map((state) => ({ state, ...place(graph.node(state.phase)) })),
    arrows: arrows.map((arrow) => {
      const edge = graph.edge({ v: arrow.from ?? START, w: arrow.to, name: arrow.event });
      const label = place(edge);
      const path =
        arrow.from === arrow.to
          ? loop(place(graph.node(arrow.to)), label, arrow.event, direction)
          : curve(
              alongLabel((edge.points ?? []).map(place), label, arrow.event, direction),
              direction,
            );
      return { ...arrow, path, label };
    }),
  };
}

/** How much room the name of an event takes. */
function sizeOf(event: string): { width: number; height: number } {
  return { width: event.length * 7.5 + 12, height: 20 };
}

/** Straight beside the label, from where it begins to where it ends: a slanted arrow would cross it. */
function alongLabel(
  points: readonly Point[],
  label: Point,
  event: string,
  direction: 'LR' | 'TB',
): readonly Point[] {
  const { width, height } = sizeOf(event);
  const isAcross = direction === 'LR';
  const at = isAcross
    ? { x: label.x, y: label.y + height / 2 + GAP }
    : { x: label.x - width / 2 - GAP, y: label.y };
  const [first = at, last = at] = [points[0], points.at(-1)];
  // An arrow of a circle goes the other way.
  const half = (isAcross ? last.x < first.x : last.y < first.y) ? -0.5 : 0.5;
  const reach = isAcross ? { x: width * half, y: 0 } : { x: 0, y: height * half };
  return points.flatMap((point) =>
    Math.hypot(point.x - at.x, point.y - at.y) > 1
      ? [point]
      : [
          { x: at.x - reach.x, y: at.y - reach.y },
          { x: at.x + reach.x, y: at.y + reach.y },
        ],
  );
}

/** Of a node or an edge that has been laid out. */
function place({ x = 0, y = 0 }: { x?: number; y?: number }): Point {
  return { x, y };
}

/** Below a box, or to the right of it, as far as its label: dagre leaves the room, and draws the way elsewhere. */
function loop(box: Point, label: Point, event: string, direction: 'LR' | 'TB'): string {
  const { width, height } = sizeOf(event);
  // A Bézier curve goes three quarters as far as its handles.
  const reach = (side: number, end: number): number => side + ((end - side) * 4) / 3;
  if (direction === 'LR') {
    const side = box.y + BOX.height / 2;
    const away = reach(side, label.y - height / 2 - GAP);
    return `M ${box.x - 24} ${side} C ${box.x - 40} ${away} ${box.x + 40} ${away} ${box.x + 24} ${side}`;
  }
  const side = box.x + BOX.width / 2;
  const away = reach(side, label.x - width / 2 - GAP);
  return `M ${side} ${box.y - 24} C ${away} ${box.y - 40} ${away} ${box.y + 40} ${side} ${box.y + 24}`;
}

/** Through all points, at each of them in the picture's direction: so it turns between them, and never back. */
function curve(points: readonly Point[], direction: 'LR' | 'TB'): string {
  return points
    .map(({ x, y }, index) => {
      const before = points[index - 1];
      if (before === undefined) return `M ${x} ${y}`;
      const half = { x: (before.x + x) / 2, y: (before.y + y) / 2 };
      return direction === 'LR'
        ? `C ${half.x} ${before.y} ${half.x} ${y} ${x} ${y}`
        : `C ${before.x} ${half.y} ${x} ${half.y} ${x} ${y}`;
    })
    .join(' ');
}
