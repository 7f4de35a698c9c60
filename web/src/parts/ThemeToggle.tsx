/** Dark or light: as the system says, until somebody says otherwise. */
import { type ReactNode, useState } from 'react';
import { keep, kept } from './keeping';
import { useMedia } from './useMedia';

const THEME = 'theme';

/** To be called before the first paint. */
export function restoreTheme(): void {
  const theme = kept('localStorage', THEME);
  if (theme !== null) document.documentElement.dataset['theme'] = theme;
}

export function ThemeToggle(): ReactNode {
  const systemIsDark = useMedia('(prefers-color-scheme: dark)');
  const [chosen, setChosen] = useState(() => kept('localStorage', THEME));
  const isDark = chosen === null ? systemIsDark : chosen === 'dark';
  const toggle = (): void => {
    const next = isDark ? 'light' : 'dark';
    keep('localStorage', THEME, next);
    document.documentElement.dataset['theme'] = next;
    setChosen(next);
  };
  return (
    <button className="icon" onClick={toggle} aria-pressed={isDark} aria-label="Dark theme">
      <svg viewBox="0 0 20 20" aria-hidden="true">
        <circle cx="10" cy="10" r="7" fill="none" stroke="currentColor" strokeWidth="1.5" />
        <path d="M10 3 a7 7 0 0 1 0 14 z" fill="currentColor" />
      </svg>
    </button>
  );
}
