import type { Worker } from "@playwright/test";
import { decodeRle, iouOf } from "./page/masks";
import { samplePicture } from "./page/pictures";
import type { Studio } from "./page/studio";
import { expect, test } from "./page/test";
import { wording, words } from "./page/words";

/** ONNX Runtime's own worker threads have other addresses. */
function decodeWorker(studio: Studio): Worker {
  const worker = studio.page.workers().findLast((candidate) => /\/assets\/worker-/.test(candidate.url()));
  if (worker === undefined) throw new Error("There is no decode worker.");
  return worker;
}

/** An exception that nobody catches: what the page sees of a worker that dies. */
async function crash(studio: Studio): Promise<void> {
  await decodeWorker(studio).evaluate(() => {
    setTimeout(() => {
      throw new Error("a crash made by a test");
    });
  });
}

async function expectServerMask(studio: Studio, at: readonly [number, number]): Promise<void> {
  const [best] = await (await studio.server()).masks({ point_coords: [at], point_labels: [1] }, true);
  if (best === undefined) throw new Error("The server found no mask.");
  expect(iouOf(await studio.mask(), decodeRle(best.segmentation))).toBeGreaterThanOrEqual(0.995);
}

test("with cross-origin isolation there are threads, and the badge counts them", async ({ studio }) => {
  await studio.open(samplePicture("table"));
  const cores = await studio.page.evaluate(() => navigator.hardwareConcurrency);
  test.skip(cores < 2, "one core has one thread");
  expect(await studio.see("threads")).toBe(Math.min(cores, 4));
  await expect(studio.part("engine-badge")).toContainText(wording("engine.wasm"));
});

test("without cross-origin isolation there is one thread, and clicks are answered", async ({ bare }) => {
  await bare.page.route("/", async (route) => {
    const response = await route.fetch();
    const headers = response.headers();
    delete headers["cross-origin-embedder-policy"];
    await route.fulfill({ response, headers });
  });
  await bare.visit();
  expect(await bare.page.evaluate(() => globalThis.crossOriginIsolated)).toBe(false);
  await bare.open(samplePicture("table"));
  await expect(bare.part("engine-badge")).toContainText(words("engine.wasm.single"));
  await expectServerMask(bare, await bare.click([0.42, 0.3]));
});

test("a decoder that does not start leaves the clicks to the server, and the badge says so", async ({ bare }) => {
  bare.watch.allowErrors(/Failed to load resource/, /wasm/i, /ArrayBuffer instantiation/);
  await bare.page.route("**/*.wasm", (route) => route.abort());
  await bare.visit();
  await bare.open(samplePicture("table"));
  await expect(bare.part("engine-badge")).toHaveAttribute("data-backend", "server");
  await expect(bare.part("engine-badge")).toContainText(words("engine.server"));
  await expect(bare.notice("server_predict")).toBeVisible();

  const asked = bare.watch.count("POST /v1/predict");
  const first = await bare.click([0.42, 0.3]);
  expect(bare.watch.count("POST /v1/predict")).toBe(asked + 1);
  expect(await bare.see("scores")).toHaveLength(3);
  const one = await bare.rle();
  await expectServerMask(bare, first);

  await test.step("further clicks feed the logits back, undo and downloads work", async () => {
    const second = await bare.click([0.3, 0.27]);
    const server = await bare.server();
    const mask_input = await server.logits({ point_coords: [first], point_labels: [1] }, true);
    const prompt = { point_coords: [first, second], point_labels: [1, 1], mask_input };
    const [theirs] = await server.masks(prompt, false);
    expect(iouOf(await bare.mask(), decodeRle(theirs?.segmentation ?? one))).toBeGreaterThanOrEqual(0.995);
    const requests = bare.watch.count("POST /v1/predict");
    await bare.key("Control+z");
    expect(await bare.rle()).toEqual(one);
    expect(bare.watch.count("POST /v1/predict")).toBe(requests);
    expect((await bare.download("mask")).bytes.length).toBeGreaterThan(100);
  });

  await test.step("a picture that the server has forgotten is sent again", async () => {
    const id = (await bare.see("imageId")) ?? "";
    expect((await bare.page.request.delete(`/v1/images/${id}`)).status()).toBe(204);
    const uploads = bare.watch.count("POST /v1/images");
    await bare.click([0.84, 0.73]);
    expect(bare.watch.count("POST /v1/images")).toBe(uploads + 1);
    await expect(bare.notice("image_again")).toBeVisible();
    expect(await bare.see("imageId")).toBe(id);
  });
});

test("a worker that crashes is started again, and the masks are kept", async ({ fresh }) => {
  await fresh.visit();
  await fresh.open(samplePicture("table"));
  await fresh.click([0.42, 0.3]);
  await fresh.key("Enter");
  await fresh.click([0.84, 0.73]);
  await fresh.click([0.75, 0.65]);
  const mask = await fresh.mask();
  await fresh.click([0.9, 0.8], { button: "right" });
  const next = await fresh.mask();
  await fresh.key("Control+z");
  const threads = await fresh.see("threads");

  await test.step("once: as before", async () => {
    await crash(fresh);
    await expect(fresh.notice("worker_restarted")).toBeVisible({ timeout: 45_000 });
    expect(await fresh.see("backend")).toBe("wasm");
    expect(await fresh.see("threads")).toBe(threads);
    expect(await fresh.mask()).toEqual(mask);
    await fresh.key("Control+z");
    await fresh.key("Control+Shift+z");
    expect(await fresh.mask()).toEqual(mask);
    await fresh.click([0.9, 0.8], { button: "right" });
    expect(await fresh.mask()).toEqual(next);
    await fresh.key("Enter");
    expect((await fresh.download("coco")).bytes.length).toBeGreaterThan(100);
  });

  await test.step("again and again: fewer threads, then the server", async () => {
    if (threads > 1) {
      await crash(fresh);
      await expect(fresh.part("engine-badge")).toContainText(words("engine.wasm.single"), { timeout: 45_000 });
      await fresh.ready();
    }
    await crash(fresh);
    await expect(fresh.part("engine-badge")).toHaveAttribute("data-backend", "server", { timeout: 45_000 });
    await expect(fresh.notice("server_predict")).toBeVisible();
    await expectServerMask(fresh, await fresh.click([0.15, 0.45]));
  });
});
