// Times decoder graphs in WASM, as the page's own worker runs them: one session each, inputs made anew for each run,
// the answers read back. The graphs take turns, a few runs at a time, so that their ratios hold on a busy machine.
import * as ort from "/ort/ort.wasm.min.mjs";

async function bytesOf(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.arrayBuffer();
}

async function open(graph) {
  const session = await ort.InferenceSession.create(new Uint8Array(await bytesOf(graph.model)), {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
  });
  const blob = await bytesOf(graph.inputs);
  const feeds = () =>
    Object.fromEntries(
      graph.tensors.map(({ name, type, shape, offset, length }) => [
        name,
        new ort.Tensor(type, new (type === "uint8" ? Uint8Array : Float32Array)(blob, offset, length), shape),
      ]),
    );
  const once = async () => {
    const started = performance.now();
    const outputs = await session.run(feeds());
    for (const output of Object.values(outputs)) await output.getData();
    return performance.now() - started;
  };
  return { once, release: () => session.release() };
}

async function measure({ plan, threads }) {
  if (!self.crossOriginIsolated) throw new Error("the page is not cross-origin isolated, so there are no threads");
  ort.env.wasm.wasmPaths = "/ort/";
  ort.env.wasm.numThreads = threads;
  const opened = [];
  for (const graph of plan.graphs) opened.push({ name: graph.name, times: [], ...(await open(graph)) });
  for (const graph of opened) for (let run = 0; run < plan.warmup; run++) await graph.once();
  for (let done = 0; done < plan.runs; done += plan.burst)
    for (const graph of opened)
      for (let run = done; run < Math.min(done + plan.burst, plan.runs); run++) graph.times.push(await graph.once());
  for (const graph of opened) await graph.release();
  const times = Object.fromEntries(opened.map(({ name, times: taken }) => [name, taken]));
  return { threads: ort.env.wasm.numThreads, asked: threads, runtime: ort.env.versions.web, times };
}

self.onmessage = async ({ data }) => {
  try {
    self.postMessage(await measure(data));
  } catch (error) {
    self.postMessage({ error: String(error) });
  }
};
