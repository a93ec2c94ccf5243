import { Buffer } from "node:buffer";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { count, keep } from "../page/findings";
import type { PictureFile } from "../page/pictures";
import { Studio } from "../page/studio";
import { expect, test } from "../page/test";

const PICTURES = count("PROOF_PICTURES", 500);
const CLICKS = 10;
const BATCH = 50;
const SAMPLES = 10;
const [WIDTH, HEIGHT] = [640, 480];
const MIB = 1024 * 1024;

/** Pictures of coloured discs, each another one. */
async function drawn(page: Page, from: number, number: number): Promise<PictureFile[]> {
  const files = await page.evaluate(
    async ([first, copies, width, height]) => {
      const made: string[] = [];
      for (let i = first; i < first + copies; i++) {
        const canvas = new OffscreenCanvas(width, height);
        const paint = canvas.getContext("2d");
        if (paint === null) throw new Error("The browser gives no 2D canvas.");
        paint.fillStyle = `hsl(${(i * 37) % 360} 30% 55%)`;
        paint.fillRect(0, 0, width, height);
        for (let disc = 0; disc < 6; disc++) {
          paint.fillStyle = `hsl(${(i * 53 + disc * 60) % 360} 70% 45%)`;
          paint.beginPath();
          paint.arc(90 + (disc % 3) * 220 + (i % 17), 130 + Math.floor(disc / 3) * 210 + (i % 13), 60, 0, 2 * Math.PI);
          paint.fill();
        }
        const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 });
        made.push(btoa(String.fromCharCode(...new Uint8Array(await blob.arrayBuffer()))));
      }
      return made;
    },
    [from, number, WIDTH, HEIGHT] as const,
  );
  return files.map((text, i) => ({
    name: `discs-${from + i}.jpg`,
    mimeType: "image/jpeg",
    buffer: Buffer.from(text, "base64"),
  }));
}

interface Memory {
  /** MiB that the page's scripts hold, after a collection. */
  readonly heap: number;
  /** MiB of all of the browser's processes that are nobody else's. */
  readonly browser: number;
}

async function memoryOf(page: Page, profile: string): Promise<Memory> {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  const anonymous = processesOf(profile).map((id) => {
    const [, kib] = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${id}/status`, "utf8")) ?? [];
    return Number(kib ?? 0) / 1024;
  });
  return { heap: usedSize / MIB, browser: anonymous.reduce((sum, value) => sum + value, 0) };
}

interface Driven {
  readonly delegate: {
    readonly _mainFrameSession: { readonly _client: { send(method: string, sizes?: object): Promise<unknown> } };
  };
}

/**
 * Playwright has the browser keep the bodies of all responses, for `response.body()`: 0.6 MB for each picture's embedding,
 * which no user's browser keeps. It has no public way to say otherwise.
 */
async function keepNoBodies(page: Page): Promise<void> {
  const { _connection: connection } = page as unknown as { _connection: { toImpl(page: Page): Driven } };
  const session = connection.toImpl(page).delegate._mainFrameSession._client;
  await session.send("Network.disable");
  await session.send("Network.enable", { maxTotalBufferSize: 1024, maxResourceBufferSize: 1024 });
}

/** The browser with this profile and all of its children. */
function processesOf(profile: string): number[] {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const parents = new Map<number, number>();
  const found = new Set<number>();
  for (const name of all) {
    try {
      parents.set(Number(name), Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, "utf8"))?.[1] ?? 0));
      if (readFileSync(`/proc/${name}/cmdline`, "utf8").includes(profile)) found.add(Number(name));
    } catch {
      // It has ended.
    }
  }
  const isOurs = (id: number): boolean => found.has(id) || (id > 1 && isOurs(parents.get(id) ?? 0));
  return [...parents.keys()].filter((id) => id > 1 && isOurs(id));
}

test("hundreds of pictures and thousands of clicks", async ({ playwright, baseURL: given, launchOptions }) => {
  const baseURL = given ?? "";
  // A browser that keeps its data on the disk, as people's do: a private one has all that it stores in memory.
  const profile = mkdtempSync(join(tmpdir(), "segserve-soak-"));
  const context = await playwright.chromium.launchPersistentContext(profile, {
    ...launchOptions,
    baseURL,
    viewport: { width: 960, height: 640 },
  });
  const studio = await Studio.on(await context.newPage(), baseURL);
  await studio.visit();
  await keepNoBodies(studio.page);
  for (let from = 0; from < PICTURES; from += BATCH) {
    const files = await drawn(studio.page, from, Math.min(BATCH, PICTURES - from));
    await studio.part("file-input").setInputFiles(files.map((file) => ({ ...file })));
  }
  const { page } = studio;
  await expect.poll(() => studio.see("pictures")).toBe(PICTURES);
  await studio.part("strip-entry").first().click();
  const samples: (Memory & { pictures: number })[] = [];
  for (let i = 0; i < PICTURES; i++) {
    const name = `discs-${i}.jpg`;
    await page.waitForFunction(
      (wanted) => document.querySelector("[data-testid=picture-name]")?.textContent.includes(wanted),
      name,
    );
    await page.waitForFunction(() => window.__segserve.phase === "ready");
    for (let click = 0; click < CLICKS; click++) {
      const disc = click < CLICKS / 2 ? 0 : 4; // two objects of five clicks
      const [x, y] = [90 + (disc % 3) * 220 + (i % 17), 130 + Math.floor(disc / 3) * 210 + (i % 13)];
      const turn = click * 1.3;
      const steps = await studio.see("steps");
      await studio.press([(x + 35 * Math.cos(turn)) / WIDTH, (y + 35 * Math.sin(turn)) / HEIGHT]);
      await page.waitForFunction((before) => window.__segserve.steps > before && !window.__segserve.busy, steps);
      if (click % 5 === 4) await studio.key("Enter");
    }
    await page.waitForFunction(() => window.__segserve.objects === 2);
    if ((i + 1) % Math.ceil(PICTURES / SAMPLES) === 0) {
      samples.push({ ...(await memoryOf(page, profile)), pictures: i + 1 });
      console.log(JSON.stringify(samples.at(-1)));
    }
    await studio.key("d");
  }
  studio.watch.expectQuiet();
  await studio.page.reload(); // all of it comes back
  await expect.poll(() => studio.see("pictures")).toBe(PICTURES);
  await context.close();
  rmSync(profile, { recursive: true, force: true });
  const grown = (of: (sample: Memory) => number): number => {
    const [early, late] = [samples[1] ?? samples[0], samples.at(-1)];
    return early === undefined || late === undefined ? NaN : 100 * (of(late) / of(early) - 1);
  };
  keep({
    figures: [
      { title: `Heap after ${PICTURES} pictures`, unit: "MiB", values: [samples.at(-1)?.heap ?? NaN] },
      {
        title: `Growth of the heap from picture ${samples[1]?.pictures ?? 0} to ${PICTURES}`,
        unit: "%",
        values: [grown(({ heap }) => heap)],
      },
      {
        title: `Browser's own memory after ${PICTURES} pictures`,
        unit: "MiB",
        values: [samples.at(-1)?.browser ?? NaN],
      },
      {
        title: `Growth of the browser's memory from picture ${samples[1]?.pictures ?? 0} to ${PICTURES}`,
        unit: "%",
        values: [grown((sample) => sample.browser)],
      },
      { title: "Clicks", unit: "clicks", values: [PICTURES * CLICKS] },
    ],
    notes: [
      `${PICTURES} pictures of ${WIDTH} x ${HEIGHT} in one workspace, ${CLICKS} clicks and two objects each, all kept in IndexedDB and there again after a reload at the end. The heap is the page's scripts' after a collection; the browser's memory is the anonymous memory of all of its processes.`,
      samples
        .map(({ pictures, heap, browser: all }) => `${pictures}: ${heap.toFixed(0)} and ${all.toFixed(0)} MiB`)
        .join(", ") + ".",
    ],
  });
});
