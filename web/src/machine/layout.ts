/** Where everything of a machine's picture goes. Knows any machine, cyclic ones too, and nothing of drawing. */
import { type EdgeLabel, Graph, type GraphLabel, type NodeLabel, layout } from '@dagrejs/dagre';
import type { MachineState } from './machine';

export const BOX = { width: 136, height: 92 } as const;

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
    readonly label: { readonly x: number; readonly y: number };
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
    ranksep: 34,
    edgesep: 40,
    marginx: 16,
    marginy: 16,
  });
  graph.setNode(START, { width: 18, height: 18 });
  for (const { phase } of states) graph.setNode(phase, { ...BOX });
  for (const { from, event, to } of arrows) {
    const label = { width: event.length * 7.5 + 16, height: 26, labelpos: 'c' as const };
    graph.setEdge(from ?? START, to, label, event);
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
      const points =
        arrow.from === arrow.to
          ? loop(place(graph.node(arrow.to)), label)
          : (edge.points ?? []).map(place);
      return { ...arrow, path: curve(points), label };
    }),
  };
}

/** Of a node or an edge that has been laid out. */
function place({ x = 0, y = 0 }: { x?: number; y?: number }): Point {
  return { x, y };
}

/** From a box to its label, which dagre puts beside it, and back: the way of dagre itself begins elsewhere. */
function loop(box: Point, label: Point): readonly Point[] {
  const isBelow = label.y > box.y;
  // What is below in one direction is to the right in the other.
  const at = (along: number, away: number): Point =>
    isBelow ? { x: box.x + along, y: box.y + away } : { x: box.x + away, y: box.y + along };
  const side = (isBelow ? BOX.height : BOX.width) / 2;
  const middle = (side + (isBelow ? label.y - box.y : label.x - box.x)) / 2;
  return [at(-24, side), at(-36, middle), label, at(36, middle), at(24, side)];
}

/** Through all points without a corner, so that a label lies on its arrow: a Catmull-Rom spline, as Bézier curves. */
function curve(points: readonly Point[]): string {
  return points
    .map((end, index) => {
      const start = points[index - 1];
      if (start === undefined) return `M ${end.x} ${end.y}`;
      const before = points[index - 2] ?? start;
      const after = points[index + 1] ?? end;
      const one = { x: start.x + (end.x - before.x) / 6, y: start.y + (end.y - before.y) / 6 };
      const two = { x: end.x - (after.x - start.x) / 6, y: end.y - (after.y - start.y) / 6 };
      return `C ${one.x} ${one.y} ${two.x} ${two.y} ${end.x} ${end.y}`;
    })
    .join(' ');
}
