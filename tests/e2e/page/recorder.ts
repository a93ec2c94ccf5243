/** Runs in the page before its own scripts: notes what goes to the decode worker and which phases are shown. */
export function recorder(): void {
  const recorded: Recorded = { tasks: [], phases: [], most: { hover: 0 }, held: 0 };
  const held = new Set<number>();
  const hovering = new Set<number>();
  Object.defineProperty(window, "__recorded", { value: recorded });

  interface Call {
    kind?: string;
    ticket?: number;
    step?: number;
    steps?: number[];
    request?: { step: number | null };
  }
  // Hears of an answer before the page does, which may ask for the next preview at once.
  window.Worker = class extends Worker {
    constructor(...how: ConstructorParameters<typeof Worker>) {
      super(...how);
      this.addEventListener("message", ({ data }: MessageEvent<{ ticket?: number } | null>) => {
        if (data?.ticket !== undefined) hovering.delete(data.ticket);
      });
    }
  };
  const prototype = Worker.prototype as { postMessage: (this: Worker, ...call: unknown[]) => void };
  const post = prototype.postMessage;
  prototype.postMessage = function (...call) {
    const task = call[0] as Call;
    const hover = task.request?.step === null;
    if (task.kind !== undefined) recorded.tasks.push(hover ? "hover" : task.kind);
    if (hover && task.ticket !== undefined) {
      hovering.add(task.ticket);
      recorded.most.hover = Math.max(recorded.most.hover, hovering.size);
    }
    const made = task.kind === "adopt" ? task.step : task.request?.step;
    if (typeof made === "number") held.add(made);
    if (task.kind === "forget") task.steps?.forEach((step) => held.delete(step));
    recorded.held = held.size;
    post.apply(this, call);
  };

  new MutationObserver(() => {
    const phase = document.querySelector<HTMLElement>("[data-testid=phase]")?.dataset["phase"];
    if (phase !== undefined && recorded.phases.at(-1) !== phase) recorded.phases.push(phase);
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-phase"] });

  document.addEventListener("securitypolicyviolation", (event) => {
    console.error(`CSP violation: ${event.violatedDirective} ${event.blockedURI}`);
  });
}
