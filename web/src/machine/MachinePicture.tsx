/**
 * The machine as a picture: how many are in each state, and each transition as it travels along its arrow.
 * Draws any machine; does not know what it is a machine of.
 */
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { Link } from 'wouter';
import { useMedia } from '../parts/useMedia';
import { type Arrow as ArrowOf, BOX, type Picture, draw } from './layout';
import { type Machine, useColour } from './machine';
import { nameOf } from './names';

interface Props {
  readonly machine: Machine;
  readonly counts: Readonly<Record<string, number>>;
  /** @returns how to stop being told of each transition */
  readonly watch: (watcher: (transition: ArrowOf) => void) => () => void;
  /** Where a state's box leads. */
  readonly linkTo: (phase: string) => string;
}

/** The most transitions that travel at once: more are not told apart, and cost the browser. */
const MOST_PULSES = 48;

/** Longer than the animation; where a browser shows none, it must not stay either. In milliseconds. */
const PULSE = 1_200;

interface Pulse {
  readonly key: number;
  readonly arrow: string;
}

export function MachinePicture({ machine, counts, watch, linkTo }: Props): ReactNode {
  const isNarrow = useMedia('(max-width: 40rem)');
  const picture = useMemo(
    () => draw(machine.states, machine.beginning.event, isNarrow ? 'TB' : 'LR'),
    [machine, isNarrow],
  );
  const pulses = usePulses(watch);
  const colour = useColour();
  return (
    <svg
      className="machine"
      viewBox={`0 0 ${picture.width} ${picture.height}`}
      role="group"
      aria-label="The state machine"
    >
      <defs>
        <marker
          id="head"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="8"
          markerHeight="8"
          orient="auto-start-reverse"
        >
          <path d="M 1 1 L 7 4 L 1 7" />
        </marker>
      </defs>
      <circle className="start" cx={picture.start.x} cy={picture.start.y} r="7" />
      {picture.arrows.map((arrow) => (
        <Arrow
          key={keyOf(arrow)}
          {...arrow}
          colour={colour(arrow.to)}
          pulses={pulses.filter((pulse) => pulse.arrow === keyOf(arrow))}
        />
      ))}
      {picture.boxes.map(({ state: { phase, final }, x, y }) => (
        <Link key={phase} href={linkTo(phase)} className="box" data-colour={colour(phase)}>
          <rect x={x - BOX.width / 2} y={y - BOX.height / 2} {...BOX} rx="14" />
          {final && (
            <rect
              className="inner"
              x={x - BOX.width / 2 + 4}
              y={y - BOX.height / 2 + 4}
              width={BOX.width - 8}
              height={BOX.height - 8}
              rx="10.5"
            />
          )}
          <text className="name" x={x} y={y - 16}>
            {nameOf(phase)}
          </text>{' '}
          <text className="count" x={x} y={y + 17} data-count={phase}>
            {counts[phase]?.toLocaleString() ?? '–'}
          </text>
        </Link>
      ))}
    </svg>
  );
}

type ArrowProps = Picture['arrows'][number] & {
  readonly colour: number;
  readonly pulses: readonly Pulse[];
};

function Arrow({ event, path, label, colour, pulses }: ArrowProps): ReactNode {
  return (
    <g className="arrow" data-event={event} data-colour={colour}>
      <path className="line" d={path} markerEnd="url(#head)" />
      {pulses.map(({ key }) => (
        <g key={key}>
          <path className="glow" d={path} />
          <circle className="dot" r="5" style={{ offsetPath: `path("${path}")` }} />
        </g>
      ))}
      <text x={label.x} y={label.y}>
        {nameOf(event)}
      </text>
    </g>
  );
}

function keyOf({ from, event, to }: ArrowOf): string {
  return `${from ?? ''} ${event} ${to}`;
}

/** What is travelling right now. */
function usePulses(watch: Props['watch']): readonly Pulse[] {
  const [pulses, setPulses] = useState<readonly Pulse[]>([]);
  useEffect(() => {
    let count = 0;
    const timers = new Set<ReturnType<typeof setTimeout>>();
    const stop = watch((transition) => {
      const pulse = { key: (count += 1), arrow: keyOf(transition) };
      setPulses((others) => [...others, pulse].slice(-MOST_PULSES));
      const timer = setTimeout(() => {
        timers.delete(timer);
        setPulses((others) => others.filter(({ key }) => key !== pulse.key));
      }, PULSE);
      timers.add(timer);
    });
    return () => {
      stop();
      timers.forEach(clearTimeout);
    };
  }, [watch]);
  return pulses;
}
