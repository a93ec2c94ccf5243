// Runs the plan in a fresh worker for each number of threads, one after another, and posts what they found.

const post = (path, value) => fetch(path, { method: "POST", body: JSON.stringify(value) });

function measure(plan, threads) {
  return new Promise((resolve, reject) => {
    const worker = new Worker("/worker.js", { type: "module" });
    worker.onmessage = ({ data }) => {
      worker.terminate();
      if (data.error === undefined) resolve(data);
      else reject(new Error(data.error));
    };
    worker.onerror = (event) => reject(new Error(event.message ?? "the worker did not start"));
    worker.postMessage({ plan, threads });
  });
}

try {
  const plan = await (await fetch("/plan.json")).json();
  const results = [];
  for (const threads of plan.threads) results.push(await measure(plan, threads));
  await post("/result", { browser: navigator.userAgent, results });
} catch (error) {
  await post("/result", { error: String(error) });
}
