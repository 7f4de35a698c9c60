/** Asks for a token, where the server asks for one (`AUTH=jwt`). Does not know what is done with it. */
import { type ReactNode, useEffect, useRef, useState } from 'react';

interface Props {
  readonly wasRefused: boolean;
  readonly onToken: (token: string) => void;
}

export function TokenForm({ wasRefused, onToken }: Props): ReactNode {
  const field = useRef<HTMLInputElement>(null);
  const [isNone, setNone] = useState(false);
  useEffect(() => {
    document.title = 'A token is needed · Persistent State Machine';
    field.current?.focus();
  }, []);
  return (
    <main className="gate">
      <form
        className="card"
        onSubmit={(event) => {
          event.preventDefault();
          const token = field.current?.value.trim().replace(/^Bearer\s+/i, '') ?? '';
          // A header that has other characters is not even sent.
          setNone(/[^!-~]/.test(token));
          if (/^[!-~]+$/.test(token)) onToken(token);
        }}
      >
        <h1>A token is needed</h1>
        <p>
          This server answers only with a token, whose scopes say what you may read and change. The
          token stays in this tab.
        </p>
        {(isNone || wasRefused) && (
          <p className="notice" role="alert">
            {isNone
              ? 'This is no token: it has spaces, or characters that no token has. Was it copied whole?'
              : 'The last one was not valid, or has expired.'}
          </p>
        )}
        <label htmlFor="token">Token</label>
        <input
          id="token"
          ref={field}
          type="password"
          autoComplete="off"
          spellCheck={false}
          required
        />
        <button className="primary">Enter</button>
      </form>
    </main>
  );
}
