/** Dark, light, or as the system says, which it is until a person chooses. */
import { type ReactNode, useState } from 'react';
import { keep, kept } from './keeping';

const THEME = 'theme';

const THEMES = ['light', 'dark'] as const;

type Theme = (typeof THEMES)[number];

/** @returns null: the system's */
function known(theme: string | null): Theme | null {
  return THEMES.find((each) => each === theme) ?? null;
}

function show(theme: Theme | null): void {
  if (theme === null) delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}

/** To be called before the first paint. */
export function restoreTheme(): void {
  show(known(kept('localStorage', THEME)));
}

export function ThemeChoice(): ReactNode {
  const [chosen, setChosen] = useState(() => known(kept('localStorage', THEME)));
  const choose = (theme: Theme | null): void => {
    keep('localStorage', THEME, theme);
    show(theme);
    setChosen(theme);
  };
  return (
    <div className="theme">
      <svg viewBox="0 0 20 20" aria-hidden="true">
        <circle cx="10" cy="10" r="7" fill="none" stroke="currentColor" strokeWidth="1.5" />
        <path d="M10 3 a7 7 0 0 1 0 14 z" fill="currentColor" />
      </svg>
      {/* Lies over the drawing, and cannot be seen until it is opened. */}
      <select
        aria-label="Theme"
        title="Theme"
        value={chosen ?? 'system'}
        onChange={({ currentTarget }) => {
          choose(known(currentTarget.value));
        }}
      >
        <option value="system">System</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </div>
  );
}
