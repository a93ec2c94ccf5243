import { strToU8 } from "fflate";
import { describe, expect, it } from "vitest";

import { MemoryStore } from "../src/storage/memory";
import { WorkspaceFileError } from "../src/storage/workspace-format";
import { picture, filled, fileFrom, read, isEmpty, zipOf, manifestOf } from "./workspace-files";

describe("a file that is cut off or made to do harm", () => {
  async function refused(file: Blob): Promise<string> {
    const store = new MemoryStore();
    const error: unknown = await read(file, store).catch((raised: unknown) => raised);
    expect(await isEmpty(store)).toBe(true);
    return error instanceof WorkspaceFileError ? error.code : String(error);
  }

  it("is none of ours", async () => {
    expect(await refused(new Blob([]))).toBe("not_a_workspace");
    expect(await refused(new Blob(["Dear Sir or Madam, ".repeat(50)]))).toBe("not_a_workspace");
    expect(await refused(zipOf({ "cat.jpg": strToU8("cat") }))).toBe("not_a_workspace");
    expect(await refused(zipOf({ "workspace.json": strToU8('{"format":"other/1"}') }))).toBe("not_a_workspace");
    expect(await refused(zipOf({ "workspace.json": strToU8("[") }))).toBe("damaged");
    expect(await refused(zipOf({ "workspace.json": manifestOf({ pictures: 5 }) }))).toBe("damaged");
    expect(await refused(zipOf({ "workspace.json": manifestOf({ format: "segserve-workspace/2" }) }))).toBe("newer");
  });

  it("ends anywhere", async () => {
    const whole = await fileFrom(filled());
    for (let at = 4; at < whole.size; at += 97) expect(await refused(whole.slice(0, at))).toBe("damaged");
    expect(await refused(whole.slice(0, whole.size - 1))).toBe("damaged");
  });

  it("has one byte changed", async () => {
    const bytes = new Uint8Array(await (await fileFrom(filled())).arrayBuffer());
    const codes = new Set<string>();
    for (let at = 0; at < bytes.length; at += 5) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x5a;
      await read(new Blob([changed])).catch((error: unknown) => {
        expect(error).toBeInstanceOf(WorkspaceFileError);
        codes.add((error as WorkspaceFileError).code);
      });
    }
    expect(codes).toContain("damaged");
  });

  it.each(["../evil", "/etc/passwd", "a/../../b", "C:/x", "a\\..\\b"])("leads elsewhere: %s", async (name) => {
    const file = zipOf({ "workspace.json": manifestOf({}), [name]: strToU8("x") });
    expect(await refused(file)).toBe("unsafe");
  });

  /** Changes the fields of the directory's first entry. */
  async function patched(file: Blob, change: (view: DataView, entry: number) => void): Promise<Blob> {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const view = new DataView(bytes.buffer);
    change(view, view.getUint32(bytes.length - 22 + 16, true));
    return new Blob([bytes]);
  }

  it("unpacks to more than it says, or than it could", async () => {
    const bomb = zipOf({ "workspace.json": strToU8(" ".repeat(1e6) + "{}") }, 6);
    expect(await refused(await patched(bomb, (view, entry) => view.setUint32(entry + 24, 100, true)))).toBe("damaged");
    expect(await refused(await patched(bomb, (view, entry) => view.setUint32(entry + 24, 2 ** 31, true)))).toBe(
      "unsafe",
    );
    const large = { "workspace.json": strToU8(" ".repeat(70 * 1024 * 1024)) };
    expect(await refused(zipOf(large, 6))).toBe("too_large");
  });

  it("has entries that overlap, come twice, or are locked", async () => {
    const two = zipOf({ "workspace.json": manifestOf({}), "more.bin": strToU8("x".repeat(300)) });
    const overlapping = await patched(two, (view, entry) => {
      const second = entry + 46 + "workspace.json".length;
      view.setUint32(second + 42, 0, true);
    });
    expect(await refused(overlapping)).toBe("unsafe");
    expect(await refused(await patched(two, (view, entry) => view.setUint16(entry + 8, 1, true)))).toBe("damaged");
    const twice = await patched(zipOf({ "a.bin": strToU8("1"), "b.bin": strToU8("2") }), (view, entry) => {
      view.setUint8(entry + 46 + 5 + 46, "a".charCodeAt(0));
    });
    expect(await refused(twice)).toBe("unsafe");
  });

  it("has results that end in the middle, or are no results", async () => {
    const pictures = [{ ...picture(1), file: "pictures/1", type: "" }];
    const entries = { "pictures/1": strToU8("one"), "workspace.json": manifestOf({ pictures }) };
    for (const bytes of [[1, 2], [9, 0, 0, 0, 1], [4, 0, 0, 0, 1, 2, 3, 4]]) {
      expect(await refused(zipOf({ ...entries, "results/1.bin": Uint8Array.from(bytes) }))).toBe("damaged");
    } // prettier-ignore
    const huge = Uint8Array.of(0, 0, 0, 0x7f);
    expect(await refused(zipOf({ ...entries, "results/1.bin": huge }))).toBe("too_large");
  });
});
