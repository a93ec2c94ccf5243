/** Runs in the page before its own scripts: notes what goes to the decode worker and which phases are shown. */
export function recorder(): void {
  const recorded: Recorded = { tasks: [], phases: [] };
  Object.defineProperty(window, "__recorded", { value: recorded });

  interface Call {
    kind?: string;
    request?: { step: number | null };
  }
  const prototype = Worker.prototype as { postMessage: (this: Worker, ...call: unknown[]) => void };
  const post = prototype.postMessage;
  prototype.postMessage = function (...call) {
    const task = call[0] as Call;
    if (task.kind !== undefined) recorded.tasks.push(task.request?.step === null ? "hover" : task.kind);
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
