/** What tabs say to each other where the browser has no locks, each under a number of its own. */
interface Message {
  /** `mine`: to who asks whose it is, or for it; `taken`: by who had no answer, to an owner that slept. */
  readonly kind: "whose" | "mine" | "yield" | "free" | "taken";
  readonly from: number;
}

const LAST_LOOK_MS = 20;

interface Line {
  readonly own: number;
  say(kind: Message["kind"]): void;
  close(): void;
}

function lineOf(name: string, hear: (message: Message) => void): Line {
  const own = Math.random();
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }: MessageEvent<Message>) => hear(data);
  return {
    own,
    say: (kind) => channel.postMessage({ kind, from: own } satisfies Message),
    close: () => {
      channel.onmessage = null;
      channel.close();
    },
  };
}

/** As `claim`, without locks: who hears of no owner within `patience` is one. Of two that ask at once the lower number wins. */
export function claimByAsking(
  name: string,
  patience: number,
  onAsked: (taken: boolean) => void,
): Promise<(() => void) | null> {
  return new Promise((resolve) => {
    let owns = false;
    const line = lineOf(name, ({ kind, from }) => {
      if (owns) {
        if (kind === "whose" || kind === "yield") line.say("mine");
        if (kind === "yield") onAsked(false);
        if (kind !== "taken") return;
        owns = false;
        line.close();
        onAsked(true);
      } else if (kind === "mine" || kind === "taken" || (kind === "whose" && from < line.own)) {
        clearTimeout(waiting);
        line.close();
        resolve(null);
      } else if (kind === "whose") line.say("mine");
    });
    const own = (): void => {
      owns = true;
      line.say("taken");
      resolve(() => {
        if (owns) line.say("free");
        owns = false;
        line.close();
      });
    };
    // A page that begins is busy itself: an answer may lie there that it has not heard yet.
    let waiting = setTimeout(() => (waiting = setTimeout(own, LAST_LOOK_MS)), patience);
    line.say("whose");
  });
}

/** As `askFor`, without locks: an owner that is there gets `time` to write what it has. */
export function askByAsking(name: string, patience: number, time: number): Promise<void> {
  return new Promise((resolve) => {
    let answered = false;
    const end = (): void => {
      clearTimeout(waiting);
      line.close();
      resolve();
    };
    const take = (): void => {
      line.say("taken");
      end();
    };
    const line = lineOf(name, ({ kind }) => {
      if (kind === "free") end();
      if (kind !== "mine" || answered) return;
      answered = true;
      clearTimeout(waiting);
      waiting = setTimeout(take, time);
    });
    let waiting = setTimeout(take, patience);
    line.say("yield");
  });
}
