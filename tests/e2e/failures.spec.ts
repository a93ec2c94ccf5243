import { rmSync, writeFileSync } from "node:fs";
import type { Route } from "@playwright/test";
import { samplePicture } from "./page/pictures";
import { expect, test } from "./page/test";
import { wording, words } from "./page/words";

const PICTURE = samplePicture("table");

function problem(status: number, code: string, headers: Record<string, string> = {}): Parameters<Route["fulfill"]>[0] {
  const body = JSON.stringify({ type: `/docs/errors#${code}`, title: code, status, detail: `made by a test`, code });
  return { status, headers, contentType: "application/problem+json", body };
}

/** Fails the first `times` requests, then lets them through. */
function firstTimes(times: number, fail: (route: Route) => Promise<void>): (route: Route) => Promise<void> {
  let left = times;
  return (route) => (left-- > 0 ? fail(route) : route.continue());
}

test.beforeEach(({ fresh }) => {
  fresh.watch.allowErrors(/Failed to load resource/);
});

test("a server that is away for a moment: the page says so and goes on by itself", async ({ fresh }) => {
  await fresh.visit();
  await fresh.page.route(
    "**/v1/images?*",
    firstTimes(2, (route) => route.abort("connectionrefused")),
  );
  await fresh.choose(PICTURE);
  await expect(fresh.notice("unreachable")).toBeVisible();
  await expect(fresh.part("phase")).toHaveAttribute("data-phase", "waiting");
  await fresh.ready();
  await expect(fresh.notice("unreachable")).toBeHidden();
  await fresh.click([0.42, 0.3]);
});

test("a server that stays away: trying ends with a button, and starts again when the server is back", async ({
  fresh,
}) => {
  await fresh.visit();
  await expect.poll(() => fresh.see("backend")).not.toBeNull();
  let away = true;
  await fresh.page.route(/\/(v1\/|healthz)/, (route) => (away ? route.abort("connectionrefused") : route.continue()));
  await fresh.page.clock.install();
  await fresh.choose(PICTURE);
  await expect(async () => {
    await fresh.page.clock.runFor(1000);
    expect(await fresh.see("phase")).toBe("failed");
  }).toPass();
  await expect(fresh.part("recover-retry")).toBeVisible();
  away = false;
  await expect(async () => {
    await fresh.page.clock.runFor(1000);
    expect(await fresh.see("phase")).toBe("ready");
  }).toPass();
  await expect(fresh.notice("unreachable")).toBeHidden();
});

test("a page that was opened before the server is up loads the decoder when it can", async ({ fresh }) => {
  await fresh.page.route(
    "**/v1/models",
    firstTimes(2, (route) => route.abort("connectionrefused")),
  );
  await fresh.visit();
  await fresh.open(PICTURE);
  expect(await fresh.see("backend")).toBe("wasm");
});

test("a busy server (503 with Retry-After) is asked again, after the time it named", async ({ fresh }) => {
  await fresh.visit();
  const asked: number[] = [];
  const busy = firstTimes(1, (route) => route.fulfill(problem(503, "queue_full", { "Retry-After": "2" })));
  await fresh.page.route("**/v1/images?*", (route) => {
    asked.push(Date.now());
    return busy(route);
  });
  await fresh.choose(PICTURE);
  await expect(fresh.notice("queue_full")).toBeVisible();
  await expect(fresh.part("phase")).toContainText(wording("phase.waiting"));
  await fresh.ready();
  await expect(fresh.notice("queue_full")).toBeHidden();
  expect(asked).toHaveLength(2);
  expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThanOrEqual(1500); // without the header it would be one second
});

const REFUSALS = [
  [413, "payload_too_large", words("problem.payload_too_large")],
  [413, "image_too_many_pixels", words("problem.image_too_many_pixels")],
  [415, "unsupported_media_type", words("problem.unsupported_media_type")],
  [400, "image_unsupported", words("problem.image_unsupported")],
  [400, "something_new", "made by a test"],
] as const;

test("pictures that the server refuses: each told in words, and the next one opens", async ({ fresh }) => {
  await fresh.visit();
  for (const [status, code, told] of REFUSALS) {
    await test.step(`${status} ${code}`, async () => {
      await fresh.page.route("**/v1/images?*", (route) => route.fulfill(problem(status, code)));
      await fresh.choose(PICTURE);
      await expect(fresh.notice(code)).toContainText(told);
      expect(await fresh.see("phase")).toBe("failed");
      await expect(fresh.part("phase")).toBeHidden();
      await fresh.page.unroute("**/v1/images?*");
    });
  }
  const chooser = fresh.page.waitForEvent("filechooser");
  await fresh.choose({ name: "empty.png", mimeType: "image/png", buffer: Buffer.alloc(0) });
  await fresh.part("recover-open").click();
  await (await chooser).setFiles({ ...samplePicture("desk") });
  await fresh.ready();
  await expect(fresh.part("notice")).toHaveCount(0);
  await fresh.click([0.5, 0.5]);
});

test("a file larger than the server's limit is refused while it is sent, and sent once", async ({ fresh }, info) => {
  await fresh.visit();
  const path = info.outputPath("large.jpg");
  writeFileSync(path, Buffer.concat([PICTURE.buffer, Buffer.alloc(70 * 1024 * 1024)]));
  await fresh.part("file-input").setInputFiles(path);
  await expect(fresh.notice("payload_too_large")).toBeVisible();
  expect(fresh.watch.count("POST /v1/images")).toBe(1);
  rmSync(path);
});

test("a file that is no picture, or is cut off, is not even sent", async ({ fresh }) => {
  await fresh.visit();
  const { name, mimeType, buffer } = PICTURE;
  const cut = { name, mimeType, buffer: buffer.subarray(0, Math.floor(buffer.length / 2)) };
  for (const file of [{ name, mimeType, buffer: Buffer.from("Dear Sir or Madam") }, cut]) {
    await fresh.choose(file);
    await expect(fresh.notice("not_a_picture")).toContainText(words("problem.not_a_picture"));
    expect(await fresh.see("phase")).toBe("failed");
  }
  expect(fresh.watch.count("POST /v1/images")).toBe(0);
});

test("a picture that has expired is sent again by itself", async ({ fresh }) => {
  await fresh.visit();
  await fresh.page.route(
    "**/embedding*",
    firstTimes(1, (route) => route.fulfill(problem(410, "image_expired"))),
  );
  await fresh.open(PICTURE);
  expect(fresh.watch.count("POST /v1/images")).toBe(2);
  await expect(fresh.part("notice")).toHaveCount(0);
  await fresh.click([0.42, 0.3]);
});

test("an embedding of another revision is refused, and the page offers to load itself again", async ({ fresh }) => {
  await fresh.visit();
  await fresh.page.route("**/embedding*", async (route) => {
    const response = await route.fetch();
    const text = (await response.body()).toString("latin1");
    const changed = text.replace(
      /("revision":\s*")(.)/,
      (_, key: string, first: string) => key + (first === "0" ? "1" : "0"),
    );
    await route.fulfill({ response, body: Buffer.from(changed, "latin1") });
  });
  await fresh.choose(PICTURE);
  await expect(fresh.notice("revision")).toBeVisible({ timeout: 45_000 });
  await expect(fresh.part("recover-reload")).toBeVisible();
});

test("a decoder that arrives damaged is not run", async ({ bare }) => {
  await bare.page.route("**/decoder.onnx", async (route) => {
    const response = await route.fetch();
    const body = await response.body();
    body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 1;
    await route.fulfill({ response, body });
  });
  await bare.visit();
  await expect(bare.notice("decoder_damaged")).toBeVisible();
  await expect(bare.part("engine-badge")).toContainText(words("engine.failed"));
  await bare.page.unroute("**/decoder.onnx");
  await bare.part("recover-retry").click();
  await bare.open(PICTURE);
  await bare.click([0.42, 0.3]);
});
